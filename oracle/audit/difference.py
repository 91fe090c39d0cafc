"""What an audit says: one line for each stage, and the first thing that is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oracle.errors import CheckFailed, short


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
        return self.first_difference is None

    def as_json(self) -> dict[str, Any]:
        """The document of ``mia audit round --json``."""
        return {
            "ok": self.ok,
            "checks": [{"stage": check.stage, "ok": check.ok, "detail": check.detail} for check in self.checks],
            "first_difference": self.first_difference.as_json() if self.first_difference else None,
        }


class Mismatch(CheckFailed):
    """Something compared and found different; ``item`` as in `Difference`."""

    def __init__(self, item: str, expected: object, found: object) -> None:
        self.item, self.expected, self.found = item, shown(expected), shown(found)
        super().__init__(f"{item}: expected {self.expected}, found {self.found}", input=item)


def require_equal(item: str, expected: object, found: object) -> None:
    """Raise `Mismatch` unless both are equal."""
    if expected != found:
        raise Mismatch(item, expected, found)


def require_same(item: str, expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    """Compare field by field, in order; the first that differs is named "<field> of <item>"."""
    for field, value in expected.items():
        require_equal(f"{field} of {item}", value, found[field])


def shown(value: object) -> str:
    """How a value is written in a report: bytes as 0x-hex, what is long without its middle."""
    return short("0x" + value.hex() if isinstance(value, bytes) else str(value))
