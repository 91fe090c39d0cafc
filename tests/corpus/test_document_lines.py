"""A document line as somebody else may write it: types are checked where it comes in."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.corpus.canonical import FIELDS, MAX_FIELD, canonical_line, parse_line
from oracle.corpus.document import Document
from oracle.errors import BadInput

GOOD = {"date": None, "id": "a", "lang": "en", "licence": None, "source": None, "text": "some text"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NO_SURROGATES = st.text(st.characters(blacklist_categories=("Cs",)))
DOCUMENTS = st.builds(
    Document, NO_SURROGATES, NO_SURROGATES, *[st.none() | NO_SURROGATES for _ in range(len(FIELDS) - 2)]
)


def line(**changes: object) -> bytes:
    return orjson.dumps(GOOD | changes, option=orjson.OPT_SORT_KEYS)


@given(DOCUMENTS)
def test_what_is_written_reads_back(document: Document) -> None:
    assert parse_line(canonical_line(document)) == document


def test_a_line_has_every_field_of_a_document_in_alphabetical_order() -> None:
    values = orjson.loads(canonical_line(Document(*FIELDS)))
    assert list(values) == sorted(FIELDS)
    assert all(name == value for name, value in values.items())


@given(st.sampled_from(FIELDS), JSON)
def test_any_value_in_a_field_is_a_document_or_a_bad_input(field: str, value: object) -> None:
    wrong = not isinstance(value, str) and (value is not None or field in ("id", "text"))
    data = line(**{field: value})
    if wrong and orjson.loads(data)[field] is not None:
        with pytest.raises(BadInput, match=f"its {field} is no text"):
            parse_line(data)
    elif wrong and field in ("id", "text"):
        with pytest.raises(BadInput, match="NoneType"):
            parse_line(data)
    else:
        assert canonical_line(parse_line(data)) == data


@given(st.binary() | JSON.map(lambda value: orjson.dumps(value)))
def test_bytes_that_are_no_document_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse_line(data)


@pytest.mark.parametrize(
    "data",
    [
        line(surprise="x"),
        line().replace(b'"lang":"en",', b""),
        line().replace(b'"lang":"en"', b'"lang":"en","lang":"en"'),
        line().replace(b'"en"', b'"\\ud800"'),
        line().replace(b'"en"', b'"\\u0065n"'),
        line().replace(b'"en"', b'"' + b"e" * (MAX_FIELD + 1) + b'"'),
        line().replace(b'"some text"', b"[" * 100_000 + b"]" * 100_000),
        line().replace(b'"some text"', b"9" * 5_000),
        line() + b" ",
        b"\xef\xbb\xbf" + line(),
        b" " + line(),
    ],
)
def test_second_spellings_and_odd_shapes_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse_line(data)


@pytest.mark.parametrize("change", [{"text": 5}, {"text": None}, {"lang": ["en"]}, {"id": "x" * (MAX_FIELD + 1)}])
def test_nobody_writes_what_nobody_would_read(change: dict[str, object]) -> None:
    document = Document(**(GOOD | change))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=f"its {next(iter(change))}"):
        canonical_line(document)
