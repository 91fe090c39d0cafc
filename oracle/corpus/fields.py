"""What a record says, as a document: strings, whole numbers as ids, days as dates; everything else is refused.

One spelling for each: a whole number in decimal digits; a day as ISO 8601, and of a time its day (columnar.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oracle.corpus.allowance import DOCUMENT, Allowance, too_long
from oracle.corpus.document import Document
from oracle.errors import BadInput

OPTIONAL = ("id", "source", "date", "lang", "licence")
USED = ("text", *OPTIONAL)
NUMBERED = ("id", "source")  # may be whole numbers
DATED = "date"

_STATED = frozenset((str, type(None)))
_CONVERT = {
    "text": "convert it: str(record['text']), or bytes with .decode()",
    DATED: "write the day as a string, such as '2019-04-25': value.isoformat(), or for seconds since 1970 "
    "datetime.date.fromtimestamp(value).isoformat()",
}


def document(label: str, place: str, record: dict[str, Any], allowance: Allowance) -> Document | None:
    """The document of a record; None where its text is blank. ``label`` is the id of one without.

    Raises:
        BadInput: no text, a field of the wrong type, or more than one document may hold; names ``place``.
        BombError: the allowance is spent.
    """
    if "text" not in record:
        raise no_text(place, list(record))
    values = list(map(record.get, USED))
    if not _STATED.issuperset(map(type, values)):
        values = [_stated(field, value, place) for field, value in zip(USED, values, strict=True)]
    text, id, source, date, lang, licence = values
    if not text:
        return None
    if sum(map(len, filter(None, values))) > allowance.longest:
        raise too_long(place, allowance.longest)
    if text.isspace():
        return None
    allowance.take(DOCUMENT)
    return Document(id=id or label, text=text, source=source, date=date, lang=lang, licence=licence)


def no_text(place: str, columns: Sequence[str]) -> BadInput:
    """The error for records that have other columns only."""
    shown = sorted(columns)[:20]
    found = ", ".join(name[:80] for name in shown) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
    near = next((name for name in columns if name.strip().casefold() == "text"), None)
    hint = "name the column 'text'" if near is None else f"rename the column '{near}' to 'text'"
    return BadInput(f"{place} has no column 'text' (found: {found or 'nothing'})", input=place, hint=hint)


def repeated(place: str, field: str, what: str) -> BadInput:
    """The error for a column or key that is there twice, so that one of its values would be lost."""
    return BadInput(f"{place} has two {what} named '{field}'", input=place, hint="rename or remove one of them")


def wrong_type(place: str, field: str, kind: str) -> BadInput:
    """The error for a field of a type that no document has."""
    hint = f"write '{field}' as a string; " + _CONVERT.get(
        field, f"in pandas: frame['{field}'] = frame['{field}'].astype('string'), floats first .astype('Int64')"
    )
    return BadInput(f"{place}: '{field}' is a {kind}, not a string", input=place, hint=hint)


def _stated(field: str, value: Any, place: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if field in NUMBERED and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise wrong_type(place, field, type(value).__name__)
