"""One axis of quality: a number or an abstention, what it was made of, and a sentence for its provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

QUANTA = 10_000
"""Scores are integers in steps of 1e-4."""


@dataclass(frozen=True, slots=True)
class Axis:
    """``value`` in quanta of 1e-4, or None where the axis abstains.

    ``evidence`` are exact counts (integers and strings), the same on every machine, and hashed; ``measures`` come from
    embeddings: they are told, and compared within a quantum of the value, never by their digits.
    """

    value: int | None
    explanation: str
    evidence: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, str] = field(default_factory=dict)


def quanta(share: float) -> int:
    """A number in [0, 1] as quanta, rounded half to even and clipped."""
    return round(min(1.0, max(0.0, share)) * QUANTA)


def percent(part: float, whole: float = 1.0) -> str:
    """``part`` of ``whole`` for a reader: "3.1 %"."""
    return f"{100 * part / whole if whole else 0.0:.1f} %"


def shorten(text: str, length: int = 80) -> str:
    """A quotation of bounded length on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
