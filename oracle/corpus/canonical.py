"""A document as bytes: one JSON object a line, keys sorted, no spaces, UTF-8 - the form that is hashed and stored.

For strings and nulls, which is all that a document holds, this is RFC 8785.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import orjson

from oracle.corpus.document import Document
from oracle.errors import BadInput

FIELDS = tuple(field.name for field in fields(Document))
MAX_FIELD = 1 << 16
"""Characters of a field other than the text: they name a document, they do not hold one."""

_NAMES = set(FIELDS)
_REQUIRED = ("id", "text")
_SHOWN = 200


def canonical_line(document: Document) -> bytes:
    """The document's canonical line, without a line feed.

    Raises:
        BadInput: a field of another type or above ``MAX_FIELD``, or a text that is no Unicode (it holds half of a
            surrogate pair).
    """
    values = {  # in the order of the line: every document of a corpus comes by here, and sorting would be half the cost
        "date": document.date,
        "id": document.id,
        "lang": document.lang,
        "licence": document.licence,
        "source": document.source,
        "text": document.text,
    }
    if fault := _fault(values):
        hint = "read the source with other column names, or repair it"
        raise BadInput(f"document cannot be written: {fault}", input=_shown_id(document), hint=hint)
    try:
        return orjson.dumps(values)
    except orjson.JSONEncodeError as error:
        hint = "a lone surrogate stands where a character was lost: read the source with its own encoding"
        raise BadInput(f"document cannot be written as UTF-8: {error}", input=_shown_id(document), hint=hint) from error


def parse_line(line: bytes) -> Document:
    """The document of a canonical line: the door for lines that somebody else wrote.

    Raises:
        BadInput: the line is not exactly what :func:`canonical_line` writes.
    """
    hint = "pack the data set again"
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"not a canonical document line: {error}", hint=hint) from error
    if not isinstance(values, dict) or values.keys() != _NAMES:
        raise BadInput(f"not a canonical document line: no object of {', '.join(sorted(FIELDS))}", hint=hint)
    if fault := _fault(values):
        raise BadInput(f"not a canonical document line: {fault}", hint=hint)
    if orjson.dumps(values, option=orjson.OPT_SORT_KEYS) != line:
        raise BadInput("document line is not in canonical form", input=values["id"][:_SHOWN], hint=hint)
    return Document(**values)


def _fault(values: Mapping[str, object]) -> str:
    """The first field that is not what documents have; empty when all are."""
    for name, value in values.items():
        if value is None and name not in _REQUIRED:
            continue
        if not isinstance(value, str):
            return f"its {name} is no text but {type(value).__name__}"
        if len(value) > MAX_FIELD and name != "text":
            return f"its {name} has {len(value)} characters, at most {MAX_FIELD} fit"
    return ""


def _shown_id(document: Document) -> str:
    return str(document.id)[:_SHOWN]
