"""One file's claims about a corpus, in one form, and the verdict on a claim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FORMAT = "format"
"""The field under which a file's own validity is judged."""


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    DISPROVED = "disproved"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Checked:
    """A claimed field, what became of it, and a sentence for the provider."""

    field: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What ``file`` claims; an empty tuple or None where it is silent.

    ``dates`` are (field, ISO 8601) pairs, ``coverage`` an ISO 8601 interval "first/last", ``sizes`` categories of the
    Hugging Face hub; ``checked`` is what reading could decide already, ``believed`` names what nobody can check.
    """

    file: str
    languages: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    records: int | None = None
    sizes: tuple[str, ...] = ()
    dates: tuple[tuple[str, str], ...] = ()
    coverage: str | None = None
    columns: tuple[str, ...] = ()
    checked: tuple[Checked, ...] = ()
    believed: tuple[str, ...] = ()


def unreadable(file: str, why: str) -> Statement:
    """The statement of a file that says nothing usable."""
    return Statement(file, checked=(Checked(FORMAT, Verdict.DISPROVED, f"{file} {why}"),))


def texts(value: Any) -> tuple[str, ...]:
    """Non-empty strings of a string or list, halves of surrogate pairs as question marks; whatever else is there is
    left out."""
    values = value if isinstance(value, list) else [value]
    found = (text.encode("utf-8", "replace").decode().strip() for text in values if isinstance(text, str))
    return tuple(text for text in found if text)
