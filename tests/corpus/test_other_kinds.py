"""Files of another kind than their names say, or of one that is not read: told as what they are, with the way out."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from oracle.corpus.readers import read_documents
from oracle.errors import BadInput


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(BadInput) as caught:
        list(read_documents(path))
    return str(caught.value), caught.value.hint


@pytest.mark.parametrize(
    ("name", "data", "said", "way_out"),
    [
        ("german.csv", "id;text\r\n1;3,50 Euro, bitte\r\n", "parts its columns by semicolons", "with commas"),
        ("quoted.csv", '"id";"text"\r\n"1";"zwei; drei"\r\n', "parts its columns by semicolons", "with commas"),
        ("tabs.csv", "id\ttext\n1\tone, two\n", "parts its columns by tabs", ".tsv"),
        ("commas.tsv", "text,lang\none,en\n", "parts its columns by commas", ".csv"),
        ("bars.csv", "text | lang\none|en\n", "parts its columns by bars", "with commas"),
        ("old.csv", "id,text\r1,one\r2,two\r", "carriage return ends no line", "tr "),
    ],
)
def test_tables_with_other_signs_between_columns_or_lines(
    tmp_path: Path, name: str, data: str, said: str, way_out: str
) -> None:
    path = tmp_path / name
    path.write_text(data, newline="")
    message, hint = refusal(path)
    assert said in message
    assert f"{name}:1" in message
    assert way_out in hint


def test_a_sign_inside_a_name_parts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fine.csv"
    path.write_text("text,a;text;b\none,two\n")
    assert [document.text for document in read_documents(path)] == ["one"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"FEA1" + bytes(64), "first version of Feather"),
        (b"The first words of a text", "neither an Arrow stream nor an Arrow file"),
        (b"\xff\xff\xff\xff" + struct.pack("<i", 1 << 30) + bytes(64), "neither an Arrow stream nor an Arrow file"),
        (struct.pack("<i", -5) + bytes(64), "neither an Arrow stream nor an Arrow file"),
    ],
)
def test_what_is_no_arrow_file_is_not_called_a_bomb(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "c.arrow"
    path.write_bytes(data)
    message, hint = refusal(path)
    assert said in message
    assert "write it again" in hint


class _Keys(encryption.KmsClient):  # type: ignore[misc]
    def wrap_key(self, key: bytes, _: str) -> str:
        return key.hex()

    def unwrap_key(self, key: str, _: str) -> bytes:
        return bytes.fromhex(key)


@pytest.mark.parametrize("plain_footer", [False, True])
def test_encrypted_parquet_is_not_called_damaged(tmp_path: Path, plain_footer: bool) -> None:
    factory = encryption.CryptoFactory(lambda _: _Keys())
    choice = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["text"]}, plaintext_footer=plain_footer
    )
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), choice)
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"text": ["one"]}), path, encryption_properties=properties)
    assert refusal(path) == (f"{path} is encrypted", "write it again without encryption")
