"""A document as bytes: one JSON object a line, keys sorted, no spaces, UTF-8 - the form that is hashed and stored.

For strings and nulls, which is all that a document holds, this is RFC 8785.
"""

from __future__ import annotations

from dataclasses import fields

import orjson

from oracle.corpus.document import Document
from oracle.errors import BadInput

FIELDS = tuple(field.name for field in fields(Document))


def canonical_line(document: Document) -> bytes:
    """The document's canonical line, without a line feed.

    Raises:
        BadInput: a text that is no Unicode (it holds half of a surrogate pair).
    """
    values = {name: getattr(document, name) for name in FIELDS}
    try:
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        hint = "a lone surrogate stands where a character was lost: read the source with its own encoding"
        raise BadInput(f"document cannot be written as UTF-8: {error}", input=document.id, hint=hint) from error


def parse_line(line: bytes) -> Document:
    """The document of a canonical line.

    Raises:
        BadInput: the line is not exactly what :func:`canonical_line` writes.
    """
    try:
        document = Document(**orjson.loads(line))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise BadInput(f"not a canonical document line: {error}", hint="pack the data set again") from error
    if canonical_line(document) != line:
        raise BadInput("document line is not in canonical form", input=document.id, hint="pack the data set again")
    return document
