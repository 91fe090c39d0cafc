"""What a reader does not see is shown, and everything else stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.evidence.hidden import first_hidden, visible

SEEN = [
    "plain, with\ttabs\nand lines",
    "naïve façade – “quoted” … 12 € £ § ½",
    "no-break\u00a0and\u3000wide\u2009spaces",
    "日本語, русский, עברית, العربية, ไทย, 한국어",
    "می\u200cخواهم",  # a non-joiner between Arabic letters is Persian spelling
    "क्\u200dष and ക്\u200c",  # joiners after a virama are spelling in India
    "e\u0301 and 👍🏽",
]
HIDDEN = [
    *map(chr, [*range(0x00, 0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]),
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029",
    *"\u202a\u202b\u202c\u202d\u202e\u2060\u2063\u2066\u2067\u2068\u2069\u3164\ufe0f\ufeff\uffa0\ufff9",
    *"\U000e0041\U000e007f\U000e0100\U0001d173",
    *"\ue000\U00100000",  # private use
    *"\u0378\uffff\U0002fffe",  # nothing at all
    *"\ud800\udcff",
]


@pytest.mark.parametrize("text", SEEN)
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text and first_hidden(text) is None


@pytest.mark.parametrize("character", HIDDEN)
def test_what_is_hidden_is_shown_and_found(character: str) -> None:
    shown = visible(f"a{character}b")
    assert shown.isprintable() and shown.startswith("a\\") and shown.endswith("b")
    found = first_hidden(f"ab\nc{character}d")
    assert found is not None and (found.character, found.line, found.column) == (character, 2, 2)


def test_a_hidden_character_is_named_with_its_place() -> None:
    assert str(first_hidden("1. All.\n2. Fee \u202e01")) == "line 2, column 8: U+202E (RIGHT-TO-LEFT OVERRIDE)"
    assert str(first_hidden("\x1b[8m")) == "line 1, column 1: U+001B (control character)"


@given(st.text(st.characters()))
def test_nothing_hidden_is_left_and_twice_is_once(text: str) -> None:
    shown = visible(text)
    assert first_hidden(shown) is None and visible(shown) == shown
    shown.encode()
