from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.corpus.canonical import canonical_line, parse_line
from oracle.corpus.document import Document
from oracle.corpus.sentences import sentence_spans, split_sentences
from oracle.corpus.tokens import count_tokens, tokenize
from oracle.corpus.words import hash_words, shingles, sorted_distinct, word_hashes
from oracle.errors import BadInput


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \n\t\x00 ", []),
        ("Don't stop.", ["Don", "'", "t", "stop", "."]),
        ("snake_case 12.5", ["snake_case", "12", ".", "5"]),
        ("中文字", ["中", "文", "字"]),
        ("été e\u0301te\u0301", ["été", "été"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("a😀b", ["a", "😀", "b"]),
    ],
)
def test_tokens_are_what_the_definition_says(text: str, tokens: list[str]) -> None:
    cut = tokenize(text)
    assert [cut.text(at) for at in range(len(cut.starts))] == tokens
    assert count_tokens(text) == len(tokens)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_counts_add_up_over_lines(parts: list[str]) -> None:
    assert count_tokens("\n".join(parts)) == sum(map(count_tokens, parts))


@given(st.text(alphabet="abcXYZéß 中,.", max_size=60))
def test_a_word_hashes_alike_wherever_it_stands(text: str) -> None:
    words = word_hashes(text).tolist()
    assert words == word_hashes("before, " + text).tolist()[1:]
    assert words == word_hashes(text.replace("X", "x")).tolist()


def test_words_and_shingles() -> None:
    assert word_hashes("The cat; THE Ｃａｔ!").tolist() == [*hash_words(["the", "cat"])] * 2
    a, b = word_hashes("one two three four"), word_hashes("two three four five")
    assert shingles(a, 3)[1] == shingles(b, 3)[0]
    assert len(shingles(a, 5)) == 0
    assert shingles(word_hashes("x y"), 2) != shingles(word_hashes("y x"), 2)
    assert len(sorted_distinct([a, b])) == 5
    with pytest.raises(ValueError, match="exactly one token"):
        hash_words(["two words"])


def test_sentences() -> None:
    text = (
        "Dr. Smith met J. Doe, e.g. in May. They left! Why?\n\nA heading\nThis line was wrapped by the margin of its "
        "own page\nhere and ends.\n- item one\n- item two\n今天天气好。明天下雨。"
    )
    assert split_sentences(text) == [
        "Dr. Smith met J. Doe, e.g. in May.",
        "They left!",
        "Why?",
        "A heading",
        "This line was wrapped by the margin of its own page here and ends.",
        "- item one",
        "- item two",
        "今天天气好。",
        "明天下雨。",
    ]


@given(st.text(alphabet='aB. \n?-。"', max_size=80))
def test_sentences_cover_everything_but_space(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b for a, b in spans)


def test_canonical_lines_are_sorted_and_read_back() -> None:
    document = Document("id", 'He said "é"\n', lang="en")
    line = canonical_line(document)
    assert (
        line == '{"date":null,"id":"id","lang":"en","licence":null,"source":null,"text":"He said \\"é\\"\\n"}'.encode()
    )
    assert parse_line(line) == document
    for bad in (line + b" ", b"{}", b"\xff", b'{"id":"id","text":"x"}'):
        with pytest.raises(BadInput, match="canonical"):
            parse_line(bad)
