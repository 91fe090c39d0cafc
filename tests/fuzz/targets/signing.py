"""The record of what was signed: an SQLite file, damaged, or with other columns, rows and kinds of values."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from functools import cache
from random import Random

from fuzz.parties import CHAIN, MARKET, OPERATOR, ROUND, File, folder
from fuzz.target import Input, Target
from oracle.errors import CheckFailed, EnvironmentFailure
from oracle.node.signing import SigningKey, SigningLog

KEY = SigningKey(CHAIN, MARKET, ROUND, "observation", OPERATOR.address, b"\x01" * 32)
PAYLOAD = b'{"kind":"observation"}'
VALUES = ("NULL", "5", "-1", "0.5", "''", "'text'", "x''", "x'ff'", "zeroblob(100000)", "9223372036854775807", "1e400")
COLUMNS = ("chain", "market", "round", "kind", "operator", "commitments", "observations", "payload")
STATEMENTS = (
    "DELETE FROM signed",
    "DROP TABLE signed",
    "ALTER TABLE signed RENAME TO other",
    "CREATE TRIGGER t BEFORE INSERT ON signed BEGIN SELECT raise(ABORT, 'no'); END",
    "CREATE TRIGGER t BEFORE INSERT ON signed BEGIN SELECT raise(IGNORE); END",
    "DROP TABLE signed; CREATE VIEW signed AS SELECT 1 AS payload",
    "DROP TABLE signed; CREATE TABLE signed (payload)",
    "PRAGMA journal_mode = WAL",
    "PRAGMA user_version = 7",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA application_id = -1",
)


@cache
def _record() -> bytes:
    path = folder() / "own.sqlite"
    log = SigningLog(path)
    log.claim(KEY, PAYLOAD)
    log.claim(SigningKey(CHAIN, MARKET, ROUND + 1, "report", OPERATOR.address, b"\x01" * 32, b"\x02" * 32), PAYLOAD)
    return path.read_bytes()


def _varied(source: Random) -> Input:
    """One statement of SQL, by whoever can write to the file."""
    if source.random() < 0.3:
        statement = source.choice(STATEMENTS)
    else:
        column, value = source.choice(COLUMNS), source.choice(VALUES)
        loose = f"CREATE TABLE loose AS SELECT * FROM signed; UPDATE loose SET {column} = {value};"
        loose += "DROP TABLE signed; ALTER TABLE loose RENAME TO signed"
        statement = source.choice((f"UPDATE signed SET {column} = {value}", loose, f"{loose}; DELETE FROM signed"))
    path = File("given.sqlite").holding(_record())
    # a table that is STRICT takes no such value
    with closing(sqlite3.connect(path, isolation_level=None)) as db, suppress(sqlite3.Error):
        db.executescript(statement)
    return Input(path.read_bytes(), statement)


def _is_database(data: bytes) -> bool:
    path = File("asked.sqlite").holding(data)
    try:
        with closing(sqlite3.connect(path)) as db:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return False
    return True


def _claim(data: bytes) -> None:
    """What was signed is signed again, and nothing else is: whatever the record holds, it is never two payloads."""
    path = File("signed.sqlite").holding(data)
    for beside in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    log = SigningLog(path)
    kept = log.recorded(KEY)
    assert kept is None or type(kept) is bytes
    other = b"another"
    log.claim(KEY, PAYLOAD)
    assert log.recorded(KEY) == PAYLOAD
    try:
        log.claim(KEY, other)
    except CheckFailed:
        return
    raise AssertionError("two payloads are signed")


TARGETS = (
    Target(
        "record of signatures",
        lambda _: _record(),
        _varied,
        _is_database,
        _claim,
        allowed=(CheckFailed, EnvironmentFailure),
    ),
)
