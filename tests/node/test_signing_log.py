"""An operator signs one thing for one round, whatever happens in between."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from oracle.errors import CheckFailed, EnvironmentFailure
from oracle.node.signing import SigningKey, SigningLog

KEY = SigningKey(1, "0xAb", 7, "score report", "0xCd", b"\x01" * 32, b"\x02" * 32)


def test_the_first_payload_is_the_only_one(tmp_path: Path) -> None:
    log = SigningLog(tmp_path / "operator" / "signed.sqlite")
    assert log.recorded(KEY) is None
    log.claim(KEY, b"root a")
    log.claim(KEY, b"root a")  # again after a crash: deterministic signatures are the same bytes
    with pytest.raises(CheckFailed, match="already signed another score report for round 7"):
        log.claim(KEY, b"root b")
    assert SigningLog(log.path).recorded(KEY) == b"root a"


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, chain=2),
        replace(KEY, market="0xEf"),
        replace(KEY, round=8),
        replace(KEY, kind="observation"),
        replace(KEY, operator="0x12"),
        replace(KEY, commitments=bytes(32)),
        replace(KEY, observations=bytes(32)),
    ],
)
def test_another_subject_is_another_signature(tmp_path: Path, other: SigningKey) -> None:
    log = SigningLog(tmp_path / "signed.sqlite")
    log.claim(KEY, b"root a")
    log.claim(other, b"root b")
    assert (log.recorded(KEY), log.recorded(other)) == (b"root a", b"root b")


def test_one_address_in_two_spellings_is_one_address(tmp_path: Path) -> None:
    log = SigningLog(tmp_path / "signed.sqlite")
    log.claim(KEY, b"root a")
    with pytest.raises(CheckFailed):
        log.claim(replace(KEY, market="0xaB", operator="0xcD"), b"root b")


def test_a_damaged_record_stops_all_signing(tmp_path: Path) -> None:
    log = SigningLog(tmp_path / "signed.sqlite")
    log.path.write_bytes(b"this is no database, and nobody knows what was signed" * 40)
    with pytest.raises(EnvironmentFailure, match="nothing was signed"):
        log.claim(KEY, b"root a")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE loose AS SELECT * FROM signed; UPDATE loose SET payload = NULL; DROP TABLE signed;"
        "ALTER TABLE loose RENAME TO signed",
        "CREATE TABLE loose AS SELECT * FROM signed; UPDATE loose SET payload = 6; DROP TABLE signed;"
        "ALTER TABLE loose RENAME TO signed",
        "DELETE FROM signed; CREATE TRIGGER t BEFORE INSERT ON signed BEGIN SELECT raise(IGNORE); END",
    ],
)
def test_a_record_that_holds_or_keeps_no_payload_signs_nothing(tmp_path: Path, statement: str) -> None:
    log = SigningLog(tmp_path / "signed.sqlite")
    log.claim(KEY, b"root a")
    with closing(sqlite3.connect(log.path)) as db:
        db.executescript(statement)
    with pytest.raises(EnvironmentFailure, match="nothing was signed"):
        log.claim(KEY, b"\0" * 6)


def test_a_record_whose_names_are_no_text_signs_nothing(tmp_path: Path) -> None:
    log = SigningLog(tmp_path / "signed.sqlite")
    log.claim(KEY, b"root a")
    log.path.write_bytes(log.path.read_bytes().replace(b"tablesigned", b"table\xd2igned"))
    with pytest.raises(EnvironmentFailure, match="nothing was signed"):
        log.claim(KEY, b"root a")
