"""What an audit says: one line for each stage, and the first thing that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """``item`` names a provider, an operator or a file; ``expected`` is what the auditor worked out."""

    stage: str
    item: str
    expected: str
    found: str

    def as_json(self) -> dict[str, str]:
        """As in the command contract."""
        return {"stage": self.stage, "item": self.item, "expected": self.expected, "found": self.found}


@dataclass(frozen=True, slots=True)
class Check:
    """One stage: whether it holds, and in words what was compared or what differs."""

    stage: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All stages that the round has reached, in order."""

    checks: tuple[Check, ...]
    first_difference: Difference | None

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """The document of ``mia audit round --json``."""
        return {
            "ok": self.ok,
            "checks": [{"stage": check.stage, "ok": check.ok, "detail": check.detail} for check in self.checks],
            "first_difference": self.first_difference.as_json() if self.first_difference else None,
        }
