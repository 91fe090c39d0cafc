"""Texts that Unicode calls equivalent, and letters of every age."""

from __future__ import annotations

import time
import unicodedata

import pytest
import unicodedata2
from hypothesis import given
from hypothesis import strategies as st

from oracle.corpus.dedup import decontaminate, deduplicate
from oracle.corpus.document import Document
from oracle.corpus.plain import plain
from oracle.corpus.tokens import count_tokens, tokenize
from oracle.corpus.wordfile import hash_text, hash_texts
from oracle.corpus.words import hash_words, word_hashes

ENGLISH = (
    "The ferryman of the upper lake kept a file of every flight of swans that he had seen, and in his office he showed "
    "the waffles and coffee that his daughter fixed for the staff before the difficult crossing in the first frost."
)
VIETNAMESE = "Người chèo đò ở hồ trên giữ một cuốn sổ về từng đàn thiên nga mà ông đã thấy trong mười năm qua ở đây."
KOREAN = "호수 위의 뱃사공은 지난 십 년 동안 보았던 모든 백조의 기록을 작은 공책에 남겨 두었다고 한다"
JAPANESE = "ガラスのバスケットにパンとプリンがある"


def letters(text: str, capital: int, small: int) -> str:
    """``text`` with its Latin letters from two other alphabets."""
    return "".join(
        chr(ord(x) - 65 + capital) if "A" <= x <= "Z" else chr(ord(x) - 97 + small) if "a" <= x <= "z" else x
        for x in text
    )


SPELLINGS = {
    "decomposed": (VIETNAMESE, unicodedata.normalize("NFD", VIETNAMESE)),
    "Korean letters one by one": (KOREAN, unicodedata.normalize("NFD", KOREAN)),
    "sans-serif": (ENGLISH, letters(ENGLISH, 0x1D5A0, 0x1D5BA)),
    "monospace": (ENGLISH, letters(ENGLISH, 0x1D670, 0x1D68A)),
    "full-width": (ENGLISH, letters(ENGLISH, 0xFF21, 0xFF41)),
    "circled": (ENGLISH, letters(ENGLISH, 0x24B6, 0x24D0)),
    "ligatures": (ENGLISH, ENGLISH.replace("ffi", "ﬃ").replace("ff", "ﬀ").replace("fl", "ﬂ").replace("fi", "ﬁ")),
    "half-width": (JAPANESE, "ｶﾞﾗｽのﾊﾞｽｹｯﾄにﾊﾟﾝとﾌﾟﾘﾝがある"),
    "presentation forms": ("لا إله في السلام", "ﻻ ﺇﻟﻪ ﻓﻲ ﺍﻟﺴﻼﻡ"),
    "radicals": ("一人入口", "⼀⼈⼊⼝"),
    "chillu letters": ("അവൻ പാൽ വീട്ടിൽ", "അവന്\u200d പാല്\u200d വീട്ടില്\u200d"),
    "cut-off t": ("হঠাৎ উৎসব", "হঠাত্\u200d উত্\u200dসব"),
    "tags": (ENGLISH, "".join(f"{x}{chr(0xE0000 + ord(x))}" for x in ENGLISH)),
    "selectors": (ENGLISH, "".join(f"{x}\ufe0f\U000e0101\u180b" for x in ENGLISH)),
    "joiners": (ENGLISH, ENGLISH.replace("e", "\u200de\u034f\u2060\u200c")),
    "fillers": (ENGLISH, ENGLISH.replace("a", "a\u3164\u115f\u1160\uffa0\u180e")),
    "annotations": (ENGLISH, ENGLISH.replace("o", "\ufff9o\ufffa\ufffb\u061c\u2066")),
    "controls": (ENGLISH, ENGLISH.replace("t", "\x00t\x08\x1b\x7f\x81")),
    "blank Braille": (ENGLISH, ENGLISH.replace(" ", "\u2800")),
    "marks apart": ("e\u0301te\u0301", "e\u200d\u0301te\u034f\u0301"),
    "ellipsis": ("Well... 12 m2", "Well… 12 m²"),
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_another_spelling_is_the_same_text(kind: str) -> None:
    first, second = SPELLINGS[kind]
    assert first != second
    assert word_hashes(first).tolist() == word_hashes(second).tolist()
    assert count_tokens(first) == count_tokens(second)


@pytest.mark.parametrize(
    "kind", ["decomposed", "sans-serif", "ligatures", "joiners", "controls", "Korean letters one by one"]
)
def test_a_copy_in_another_spelling_is_a_copy_in_either_order(kind: str) -> None:
    for mine, theirs in (SPELLINGS[kind], SPELLINGS[kind][::-1]):
        for found in (
            deduplicate([[Document("a", mine)], [Document("b", theirs)]])[1],
            deduplicate([[Document("b", theirs)]], public=[mine])[0],
        ):
            assert (found.fresh_words, found.tokens, len(found.kept)) == (0, 0, 0)
        assert decontaminate([Document("b", theirs)], [Document("a", mine)]) == ((), 1)


def test_a_quoted_sentence_is_cut_in_whatever_letters_it_stands() -> None:
    own = "Nothing of this was ever written by anybody else, as the keeper of the archive told us at some length."
    quoting = letters(f"{own} {ENGLISH} Then {own[::-1]}", 0x1D400, 0x1D41A)
    found = deduplicate([[Document("a", ENGLISH)], [Document("b", quoting)]])[1]
    assert found.cut_sentences == 1
    assert found.kept[0].text.startswith(letters(own, 0x1D400, 0x1D41A))


def test_texts_without_words_are_compared_in_one_spelling() -> None:
    found = deduplicate(
        [[Document("a", "\u2126?!")], [Document("b", "Ω?!")], [Document("c", "→ !")], [Document("d", "→\ufe0e !")]]
    )
    assert [len(corpus.kept) for corpus in found] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ߞߊ߲ߞߎ߲ߠߊ߫ ߞߍߘߋ߫", 2),  # N'Ko, Unicode 5.0
        ("ꤌꤢꤛ꤭ ꤜꤟꤤ꤬", 2),  # Kayah Li, 5.1
        ("𞤆𞤵𞤤𞤢𞤪 𞤀𞤁𞤂", 2),  # Adlam, 9.0
        ("ᲀᲃ Ꙗко", 2),  # Cyrillic of 9.0 and 5.1
        ("𐵐𐵱 𐵰", 2),  # Garay, 16.0
        ("ꦧꦱꦗꦮ", 4),  # Javanese, 5.2, written without spaces: its letters
        ("ᥛᥭᥰ", 3),  # Tai Le, 4.0
        ("𠀀𪜀𰀀𱍐", 4),  # ideographs of 3.1, 5.2, 13.0 and 15.0
        ("١٢٣ १२३ 𑱐𑱑", 3),  # digits
        ("👩\u200d🚀 ❤\ufe0f 1\ufe0f\u20e3", 4),  # a joined pair counts as two symbols
        ("e\u0301\u0302\u0303 !\u0301\u0302 \u0301\u0302 中\u0301", 4),  # marks: of a word, of a mark, alone, of a sign
    ],
)
def test_words_are_words_whenever_their_letters_came(text: str, count: int) -> None:
    assert count_tokens(text) == count


def test_case_is_folded_in_every_alphabet_whatever_python_knows() -> None:
    for capital, small in (("STRAẞE ΟΔΌΣ", "straße οδός"), ("𞤀𞤁𞤂 𐐀 𐵐 Ꭰ", "𞤢𞤣𞤤 𐐨 𐵰 ꭰ"), ("Ɤ Ꟛ", "ɤ ꟛ")):
        assert word_hashes(capital).tolist() == word_hashes(small).tolist()


def test_every_letter_is_read_by_the_pinned_unicode() -> None:
    assert unicodedata2.unidata_version.split(".")[0] == "18"
    assert [tokenize(f"a{chr(point)}").text(0) for point in (0x1E4D0, 0x1E5D0)] == ["a𞓐", "a𞗐"]  # of 15.0 and 16.0
    assert plain("\U0001ccd6\U0001ccee") == "AY"  # outlined letters of 16.0, unknown to older Pythons


@given(st.text(max_size=40), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_any_normal_form_gives_the_same_words(text: str, form: str) -> None:
    other = unicodedata2.normalize(form, text)
    assert plain(other) == plain(text) == plain(plain(text))
    assert hash_text(other)[0].tolist() == word_hashes(text).tolist()
    assert hash_texts([text, other])[2].tolist() == [count_tokens(text)] * 2


@given(st.text(st.sampled_from("ab \n\t\x00\x7f…\xa0½™ﬁéü’\xad\u200d\ufe0f¨ⅷ㎏가漢")))
def test_what_is_replaced_one_by_one_reads_as_what_is_normalised_whole(text: str) -> None:
    assert plain(f"{text} e\u0301") == f"{plain(text)} é"  # the mark asks for what stands before it, so for all


def test_heaped_marks_and_characters_that_unfold_take_linear_time_and_bounded_memory() -> None:
    started = time.process_time()
    assert len(plain("a" + "\u0301\u0316" * 500_000)) == 10**6
    assert count_tokens("\ufdfa" * 100_000) == 3 * 100_000 + 1  # four words, the last runs into the next
    assert time.process_time() - started < 5


def test_single_words_are_one_token_in_any_spelling() -> None:
    assert hash_words(["ﬁx", "e\u0301"]).tolist() == hash_words(["fix", "é"]).tolist()


def test_a_dictionary_is_hashed_in_pieces_as_each_word_alone() -> None:
    words = [f"w{number}" for number in range(20_000)]
    hashes = hash_words(words)
    assert len(set(hashes.tolist())) == len(words)
    assert [hash_words([words[at]])[0] for at in (0, 8191, 8192, 19_999)] == hashes[[0, 8191, 8192, 19_999]].tolist()
    with pytest.raises(ValueError, match="exactly one token"):
        hash_words([*words, "two words"])
