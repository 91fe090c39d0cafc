from __future__ import annotations

import gzip
import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from oracle.corpus.dedup import deduplicate
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput

FRENCH = "Les élèves étaient très intéressés ; ça a été un succès “énorme” — 5 €. Où êtes-vous ?"
GERMAN = "Über die Größe der Bäume und Häuser, schöne Grüße aus München: das ist älter."
RUSSIAN = "Привет, как дела? Это русский текст для проверки кодировки, и он довольно длинный."
JAPANESE = "日本語のテキストです。これはテストです。文字コードを調べます。"
POLISH = "Zażółć gęślą jaźń. W Szczebrzeszynie chrząszcz brzmi w trzcinie i Szczebrzeszyn z tego słynie."
CHINESE = "今天天气好。明天下雨。我们去学校读书。"
KOREAN = "오늘은 날씨가 좋습니다. 학교에 갑니다."
ARABIC = "هذا نص عربي يقرأ من اليمين إلى اليسار"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (FRENCH, "cp1252", "cp1252"),
        (GERMAN, "latin-1", "cp1252"),
        ("Spanish: ¿dónde está el niño?", "cp1252", "cp1252"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8_r"),
        (JAPANESE, "shift_jis", "cp932"),
        (POLISH, "cp1250", "cp1250"),
        (POLISH, "iso8859-2", "iso8859_2"),
        (CHINESE, "gb2312", "gb18030"),
        (KOREAN, "euc-kr", "cp949"),
        (FRENCH, "utf-16", "utf-16"),
        (ARABIC + "\n" + JAPANESE, "utf-32", "utf-32"),
    ],
)
def test_text_is_decoded_as_what_it_is(tmp_path: Path, text: str, encoding: str, named: str) -> None:
    file = tmp_path / "old.txt"
    file.write_bytes(text.encode(encoding))
    repaired: Counter[str] = Counter()
    (document,) = read_documents(file, repaired=repaired)
    assert document.text == text
    assert repaired == {named: 1}


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_lines_of_several_encodings_are_repaired_one_by_one(tmp_path: Path, suffix: str) -> None:
    texts = [(FRENCH, "cp1252"), (RUSSIAN, "utf-8"), (RUSSIAN, "cp1251"), (GERMAN, "utf-8"), (RUSSIAN, "cp1251")]
    file = tmp_path / f"mixed.{suffix}"
    if suffix == "jsonl":
        lines = [json.dumps({"text": text}, ensure_ascii=False).encode(encoding) for text, encoding in texts]
    else:
        lines = [b"text", *(f'"{text}"'.encode(encoding) for text, encoding in texts)]
    file.write_bytes(b"\n".join(lines))
    repaired: Counter[str] = Counter()
    assert [document.text for document in read_documents(file, repaired=repaired)] == [text for text, _ in texts]
    assert repaired == {"cp1252": 1, "cp1251": 2}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_json_lines(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "wide.jsonl"
    file.write_bytes("\n".join(json.dumps({"text": text}) for text in (ARABIC, JAPANESE)).encode(encoding))
    assert [document.text for document in read_documents(file)] == [ARABIC, JAPANESE]


def test_text_glued_from_two_encodings(tmp_path: Path) -> None:
    file = tmp_path / "glued.txt"
    file.write_bytes(GERMAN.encode() * 3 + " café, naïve".encode("cp1252"))
    repaired: Counter[str] = Counter()
    (document,) = read_documents(file, repaired=repaired)
    assert document.text == GERMAN * 3 + " café, naïve"
    assert repaired == {"utf-8 with cp1252": 1}


def test_every_byte_string_that_is_not_binary_is_some_text(tmp_path: Path) -> None:
    file = tmp_path / "high.txt"
    file.write_bytes(bytes(range(128, 256)) * 3 + b"\n")
    (document,) = read_documents(file)
    assert len(document.text) > 100


@pytest.mark.parametrize(
    "text",
    [
        ARABIC,
        "\u202eright to left\u202c " + ARABIC,
        "family 👨‍👩‍👧‍👦 flag 🇩🇪 thumbs 👍🏽",
        "nul \x00 inside",
        "e\u0301 and \ufeff and \u200b",
        "\uffff\ufdd0",
    ],
)
def test_odd_characters_pass_unchanged(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text(
        json.dumps({"text": text}) + "\n" + json.dumps({"text": text + " twice"}, ensure_ascii=False), "utf-8"
    )
    documents = list(read_documents(file))
    assert [document.text for document in documents] == [text, text + " twice"]
    (result,) = deduplicate([documents])
    assert result.offered_tokens > 0


def test_nul_bytes_in_text_are_space_and_raw_in_json_an_error(tmp_path: Path) -> None:
    text, lines = tmp_path / "n.txt", tmp_path / "n.jsonl"
    text.write_bytes(b"some words\x00 and more of them, and then others that are fine too. " * 30)
    (document,) = read_documents(text)
    assert document.text.count("\x00") == 30
    lines.write_bytes(b'{"text": "' + b"long enough " * 9 + b'a\x00b"}\n')
    with pytest.raises(BadInput, match=r"n\.jsonl:1 is not JSON"):
        list(read_documents(lines))


def test_a_line_of_ten_megabytes_is_a_document(tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    file.write_text(json.dumps({"text": "word " * 2_000_000}) + "\n")
    (document,) = read_documents(file)
    (result,) = deduplicate([[document]])
    assert result.offered_tokens == 2_000_000


MARK = "\ufeff"


def test_byte_order_marks_of_joined_files_are_no_text(tmp_path: Path) -> None:
    lines, table, prose, packed = (tmp_path / name for name in ("j.jsonl", "j.csv", "j.txt", "j.jsonl.gz"))
    lines.write_text(f'{MARK}{{"text":"one"}}\n{MARK}{MARK}{{"text":"two {MARK}"}}\n{MARK}\n')
    packed.write_bytes(gzip.compress(lines.read_bytes()[:17]) + gzip.compress(lines.read_bytes()[17:]))
    table.write_text(f'{MARK} text ,id\n"one\n{MARK}inside",1\n{MARK}"two, three",2\n')
    prose.write_text(f"{MARK}one\n{MARK}two {MARK}\n")
    for file in (lines, packed):
        assert [document.text for document in read_documents(file)] == ["one", f"two {MARK}"]
    assert [(d.id, d.text) for d in read_documents(table)] == [("1", f"one\n{MARK}inside"), ("2", "two, three")]
    assert [document.text for document in read_documents(prose)] == [f"one\ntwo {MARK}\n"]


def test_lines_of_no_encoding_at_all_take_no_longer_for_being_many(tmp_path: Path) -> None:
    generator = random.Random(7)
    rows = [bytes(generator.choices(b"\x81\x8d\xa7\xb3\xc1\xd5\xe9\xf1 ab", k=40)) for _ in range(5_000)]
    (tmp_path / "odd.csv").write_bytes(b"text\n" + b"\n".join(rows))
    started = time.process_time()
    assert len(list(read_documents(tmp_path / "odd.csv"))) == 5_000
    assert time.process_time() - started < 10
