"""Never sign twice: a durable record of what is signed exists before the signature does.

One row for each (chain, market, round, kind, commitments, observations) - exactly what the committee slashes by
(two score reports that differ in nothing but root or count) and what EIP-3076 keeps for validators. Signatures are
deterministic (RFC 6979), so signing the same payload again after a crash gives the same bytes and is always allowed;
another payload under the same key is refused for good.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oracle.errors import CheckFailed, EnvironmentFailure

_SCHEMA = """
CREATE TABLE IF NOT EXISTS signed (
    chain INTEGER NOT NULL,
    market TEXT NOT NULL,
    round INTEGER NOT NULL,
    kind TEXT NOT NULL,
    operator TEXT NOT NULL,
    commitments BLOB NOT NULL,
    observations BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (chain, market, round, kind, operator, commitments, observations)
) STRICT
"""
NO_OBSERVATIONS = bytes(32)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What may be signed once. ``observations`` is 32 zero bytes for an observation, which precedes them all."""

    chain: int
    market: str
    round: int
    kind: str
    operator: str
    commitments: bytes
    observations: bytes = NO_OBSERVATIONS

    def row(self) -> tuple[int, str, int, str, str, bytes, bytes]:
        return (
            self.chain,
            self.market.lower(),
            self.round,
            self.kind,
            self.operator.lower(),
            self.commitments,
            self.observations,
        )


class SigningLog:
    """The operator's signing history: one SQLite file, synced to disk before :meth:`claim` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, key: SigningKey, payload: bytes) -> None:
        """Record that ``payload`` (canonical bytes) is what gets signed under ``key``; then, and only then, sign it.

        Raises CheckFailed when another payload was recorded under the same key before, EnvironmentFailure when the
        record cannot be made durable.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            recorded = self._select(db, key)
            if recorded is None:
                db.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*key.row(), payload))
                if self._select(db, key) != payload:
                    raise sqlite3.DatabaseError("it does not keep what is written to it")
            db.execute("COMMIT")
        if recorded is not None and recorded != payload:
            raise CheckFailed(
                f"operator {key.operator} has already signed another {key.kind} for round {key.round}: "
                "a second, conflicting signature would be slashed and is refused",
                input=str(self.path),
                hint=f"recorded {recorded[:200].decode(errors='replace')}; asked for "
                f"{payload[:200].decode(errors='replace')}; keep the first one, or sit this round out",
            )

    def recorded(self, key: SigningKey) -> bytes | None:
        """The payload signed under ``key``, or None when nothing was."""
        with self._open() as db:
            return self._select(db, key)

    @staticmethod
    def _select(db: sqlite3.Connection, key: SigningKey) -> bytes | None:
        row = db.execute(
            "SELECT payload FROM signed WHERE chain = ? AND market = ? AND round = ? AND kind = ? AND operator = ?"
            " AND commitments = ? AND observations = ?",
            key.row(),
        ).fetchone()
        if row is not None and type(row[0]) is not bytes:
            raise sqlite3.DatabaseError("it holds what is no payload")
        return None if row is None else row[0]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, isolation_level=None, timeout=30)
            db.execute("PRAGMA synchronous = FULL")
            db.execute(_SCHEMA)
            yield db
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:  # names in a damaged file are no UTF-8
            raise EnvironmentFailure(
                f"the signing record cannot be read or written ({error}); nothing was signed",
                input=str(self.path),
                hint="free disk space or repair the file; never delete it while its rounds are live",
            ) from error
        finally:
            if db is not None:
                db.close()
