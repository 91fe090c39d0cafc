"""Letters and digits younger than the Pythons that operators have: all of them must be read alike."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from oracle.corpus import letters
from oracle.corpus.sentences import split_sentences

LETTER, DIGIT = "\U00010d4a", "\U00010d43"  # Garay, of Unicode 16


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python knows them")
def test_this_python_does_not_know_them() -> None:
    assert unicodedata.category(LETTER) == unicodedata.category(DIGIT) == "Cn"


def test_letters_and_digits_are_those_of_one_unicode() -> None:
    assert letters.is_letter(LETTER)
    assert not letters.is_letter(DIGIT)
    assert letters.is_letter("a")
    assert not letters.is_letter("5")


def test_sentences_end_alike_whatever_python_knows() -> None:
    assert split_sentences(f"So said {LETTER}Dr. Then she went.") == [f"So said {LETTER}Dr.", "Then she went."]
    assert split_sentences("So said Dr. Then.") == ["So said Dr. Then."]
    wrapped = "This line is long enough to have been wrapped by a margin"
    assert split_sentences(f"{wrapped}\n{DIGIT}. and so on") == [wrapped, f"{DIGIT}. and so on"]
