from __future__ import annotations

import random
from typing import Any

import pytest
from english_texts import TEXTS

from oracle.corpus.tokens import Tokens, tokenize
from oracle.corpus.words import token_hashes
from oracle.quality.filter_words import join
from oracle.quality.filters import Screening, Tally, screen_all
from oracle.quality.reading import read_batch

SENTENCE = "The committee agreed to have the report of the year read aloud, and that was that. "
DISTINCT = [
    "The letters of the baker were read to a full room, and nobody left before the end.",
    "Later that year a clerk found the missing ledger under his own chair.",
    "Most of those who sail north in winter come back with a story or with none at all.",
    "Her sister kept the farm, sold two fields and planted apple trees on the third.",
    "If you have a map from before the war, compare its roads with ours.",
    "Nothing in the report explains why such small boats should carry that much salt.",
]
ARTICLE = "\n".join(DISTINCT)


def screen(text: str) -> Screening:
    batch = read_batch([text])
    return screen_all([text], batch.tokens, batch.hashes, batch.bounds)[0]


def words(text: str) -> list[str]:
    tokens: Tokens = tokenize(text)
    first = join(tokens, token_hashes(tokens)).first.tolist()
    ends = [*first[1:], len(tokens.starts)]
    spans = [(tokens.starts[a], tokens.ends[b - 1]) for a, b in zip(first, ends, strict=True)]
    return ["".join(map(chr, tokens.points[a:b])) for a, b in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e.g. U.S. led", "e.g.|U.S.|led"),
        ("state-of-the-art", "state|-|of|-|the|-|art"),
        ("3.14 10% $10 1,000", "3.14|10|%|$|10|1,000"),
        ("a/b x.y.Z foo.bar;", "a|/|b|x.y|.|Z|foo.bar|;"),
        ("see https://example.org/c-d?e=f.", "see|https://example.org/c-d?e=f."),
        ("[text](https://example.org/a-b)", "[|text](https://example.org|/|a|-|b|)"),
        ("a... (i.e., x)", "a|...|(|i.e.|,|x|)"),
        ('"quoted." end.)', '"|quoted|.|"|end|.|)'),
        ("a--b 3-4 -5 --flag", "a|--|b|3|-|4|-5|--flag"),
        ("it's we'll don't", "it|'s|we|'ll|don|'t"),
        ("foo(bar) f(x)=y (a)(b)", "foo(bar|)|f(x)=y|(|a)(b|)"),
        ("Mr. Hill, Gov. Lee and vs. the mayor.", "Mr.|Hill|,|Gov.|Lee|and|vs.|the|mayor|."),
        ("=== ----- C++ *a*", "=|=|=|-----|C++|*|a|*"),
        ("x=1 p<0.05 a>b 5>3", "x=1|p<0.05|a|>|b|5>3"),
    ],
)
def test_words_are_cut_as_spacy_cuts_english(text: str, expected: str) -> None:
    assert words(text) == expected.split("|")


def test_an_underscore_at_the_end_of_a_word_counts_as_a_word() -> None:
    def underscores(text: str) -> int:
        tokens = tokenize(text)
        return int(join(tokens, token_hashes(tokens)).underscores.sum())

    assert underscores("__init__ _stressed_ snake_case plain") == 6
    assert underscores("_____ is a line") == 4  # and itself
    assert words("and/or a/b") == ["and/or", "a", "/", "b"]


def test_plain_prose_passes_all_four() -> None:
    assert screen(ARTICLE) == Screening("", "", "", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n\n".join([*DISTINCT[:3], *[DISTINCT[0]] * 3]), "dup_para_frac"),
        ("\n\n".join(["one", "two", "six", "ten", "the end", *[ARTICLE] * 2]), "dup_para_char_frac"),
        ("\n".join([*DISTINCT[:3], *[DISTINCT[0]] * 3]), "dup_line_frac"),
        ("\n".join(["one", "two", "six", "ten", "the end", *[ARTICLE.replace("\n", " ")] * 2]), "dup_line_char_frac"),
        ("buy now " * 30 + ARTICLE, "top_2_gram"),
        ("we buy old cars " * 8 + ARTICLE, "top_4_gram"),
        (" ".join([*DISTINCT[:4], DISTINCT[3], DISTINCT[2]]), "duplicated_5_n_grams"),
        (ARTICLE, ""),
        ("", "empty"),
    ],
)
def test_repetition(text: str, reason: str) -> None:
    assert screen(text).repetition == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too short by far.", "gopher_short_doc"),
        ("word " * 100_001, "gopher_long_doc"),
        ("a to b " * 60, "gopher_below_avg_threshold"),
        ("incomprehensibilities " * 60, "gopher_above_avg_threshold"),
        (ARTICLE + " #" * 30, "gopher_too_many_hashes"),
        (ARTICLE + " so ..." * 30, "gopher_too_many_ellipsis"),
        ("\n".join(f"- {line}" for line in DISTINCT), "gopher_too_many_bullets"),
        ("\n".join(f"{line[:-1]}..." for line in DISTINCT), "gopher_too_many_end_ellipsis"),
        (ARTICLE + " 1789" * 40, "gopher_below_alpha_threshold"),
        ("Hunde schlafen gern lange unter warmen Decken " * 9, "gopher_enough_stop_words"),
    ],
)
def test_quality(text: str, reason: str) -> None:
    assert screen(text).quality == reason


def test_stop_words_count_in_small_letters_only() -> None:
    assert screen(ARTICLE.upper()).quality == "gopher_enough_stop_words"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SENTENCE * 5, ""),
        (SENTENCE * 4, "too_few_sentences"),
        ("\n".join(DISTINCT[:4]), "too_few_sentences"),
        ("\n".join(line.rstrip(".") for line in DISTINCT), "too_few_sentences"),
        ("\n".join(f"{line[:-1]}..." for line in DISTINCT), "too_few_sentences"),
        ("\n".join(f"{line}[12]" for line in DISTINCT), ""),
        ("Well done.\n" * 9, "too_few_sentences"),
        (ARTICLE.replace(" a ", " a JavaScript "), "too_few_sentences"),
        (ARTICLE.replace(" a ", " terms of use "), "too_few_sentences"),
        (ARTICLE.replace(" a ", f" {'x' * 1001} "), "too_few_sentences"),
        (ARTICLE + "\nLorem ipsum dolor sit amet.", "lorem_ipsum"),
        (ARTICLE + "\nThe set {1, 2} is small.", "curly_bracket"),
        (ARTICLE + "\na line without an end {", ""),
        ("He met Mr. Hill at 3.14 p.m. and they had e.g. tea, i.e. Earl Grey. " * 4, "too_few_sentences"),
    ],
)
def test_c4(text: str, reason: str) -> None:
    assert screen(text).c4 == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n".join(line.rstrip(".") for line in DISTINCT), "line_punct_ratio"),
        ("\n".join([*("It is.", "So be it.", "We came.", "All went."), DISTINCT[0]]), "short_line_ratio"),
        ("\n".join([*DISTINCT, DISTINCT[0]]), "char_dup_ratio"),
        (ARTICLE.replace("\n", "\n" * 30), "list_ratio"),
        ("\n \n", "empty"),
    ],
)
def test_fineweb(text: str, reason: str) -> None:
    assert screen(text).fineweb == reason


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\u200b", ".", "_", "'", "://", "\ud800", "\x00" * 9, "a\u2028b", "'t"]
)
def test_any_text_gets_verdicts(text: str) -> None:
    assert screen(text).quality == "gopher_short_doc"


def test_random_marks_never_break_it() -> None:
    source = random.Random(7)
    for _ in range(300):
        screen("".join(source.choices("ab A1 '’\".-_:/…#•%$\n\r\t\u00ad字é{[", k=source.randrange(1, 200))))


def test_the_tally_counts_documents_and_reasons() -> None:
    tally = Tally(map(screen, [ARTICLE, "Short.", "Also short.", "Short too.", *TEXTS[:2]]))
    counts = tally.counts()
    assert counts["documents"] == 6
    assert counts["quality"] >= 2
    assert tally.dropped["quality"]["gopher_short_doc"] >= 2
    assert "gopher_short_doc" in tally.sentence()
    assert Tally().sentence() == "no document to filter"


def test_a_verdict_does_not_depend_on_its_company() -> None:
    source = random.Random(11)
    texts = [
        *TEXTS,
        ARTICLE,
        SENTENCE * 5,
        SENTENCE * 4,
        "",
        " ",
        "\u200b",
        "A line.\r",
        "http://",
        "... it's",
        *DISTINCT,
    ]
    for _ in range(5):
        source.shuffle(texts)
        batch = read_batch(texts)
        assert screen_all(texts, batch.tokens, batch.hashes, batch.bounds) == [screen(text) for text in texts]
    assert screen_all(["", " "], *empty()) == [screen(""), screen(" ")]


def empty() -> tuple[Tokens, Any, Any]:
    batch = read_batch(["", " "])
    return batch.tokens, batch.hashes, batch.bounds
