"""The one record every corpus is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A text with what its owner says about it. ``date`` is ISO 8601, ``lang`` ISO 639-1; None where not stated."""

    id: str
    text: str
    source: str | None = None
    date: str | None = None
    lang: str | None = None
    licence: str | None = None
