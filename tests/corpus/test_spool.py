from __future__ import annotations

import multiprocessing
import os
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.corpus import shards
from oracle.corpus.document import Document
from oracle.corpus.scratch import Column, Partitions
from oracle.corpus.spool import Spool, gather
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure

DOCUMENTS = [Document(f"d{at}", f"Text {at}\u2028 with\nlines.\x85 " * (at % 7 + 1), lang="en") for at in range(300)]


def test_a_spool_is_a_sequence_of_what_was_gathered() -> None:
    spool = gather(iter(DOCUMENTS))
    assert len(spool) == 300 and list(spool) == DOCUMENTS
    assert [spool[at] for at in (7, 0, -1)] == [DOCUMENTS[at] for at in (7, 0, -1)]
    assert spool[3:20:5] == DOCUMENTS[3:20:5] and spool[:0] == []
    with pytest.raises(IndexError):
        spool[300]
    assert list(zip(spool, spool, strict=True)) == list(zip(DOCUMENTS, DOCUMENTS, strict=True))
    spool.append(DOCUMENTS[0])
    assert len(spool) == 301 and spool[300] == DOCUMENTS[0]
    assert list(Spool()) == []


def test_long_documents_are_read_in_pieces_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.corpus.spool._CHUNK", 100)
    assert list(gather(DOCUMENTS)) == DOCUMENTS


def test_the_file_is_gone_with_its_spool() -> None:
    spool = gather(DOCUMENTS)
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool[0]


def test_a_text_that_is_no_unicode_is_named() -> None:
    with pytest.raises(BadInput, match="surrogate") as caught:
        gather([Document("odd", "\ud800")])
    assert caught.value.input == "odd"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_the_environments_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: os.fdopen(os.open("/dev/full", os.O_RDWR), "wb", 0))
    with pytest.raises(EnvironmentFailure, match="No space left") as caught:
        gather(DOCUMENTS)
    assert "TMPDIR" in caught.value.hint


def test_shards_are_cut_by_the_canonical_lines_alone() -> None:
    spool = gather(DOCUMENTS)
    parts = spool.shards(2000)
    assert [place for part in parts for place in part] == list(range(300)) and len(parts) > 10
    assert all(len(spool.lines(part)) < 2000 + 400 for part in parts)
    assert spool.shards(10) == [range(at, at + 1) for at in range(300)]
    assert Spool().shards(10) == []


_shared: list[Spool] = []


def _hash(at: int) -> tuple[int, bytes]:
    return at, shards.shard_digest(_shared[0], shards.cut(_shared[0])[at])


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_one_digest_for_any_number_of_processes_and_any_order(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 1500)
    spool = gather(DOCUMENTS)
    _shared[:] = [spool]
    order = list(range(len(shards.cut(spool))))
    random.Random(processes).shuffle(order)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        arrived = list(pool.map(_hash, order))
    assert shards.combine(len(order), arrived) == shards.corpus_digest(spool) == shards.corpus_digest(gather(DOCUMENTS))
    other = gather([*DOCUMENTS[:150], Document("x", "y"), *DOCUMENTS[151:]])
    assert shards.corpus_digest(other) != shards.corpus_digest(spool)
    for wrong in (arrived[1:], [*arrived, (len(order), bytes(32))], [*arrived, (0, bytes(32))]):
        with pytest.raises(CheckFailed, match="shard"):
            shards.combine(len(order), wrong)


@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**64 - 1)), max_size=9), max_size=5))
def test_partitions_file_rows_in_order_of_arrival(batches: list[list[tuple[int, int]]]) -> None:
    partitions = Partitions(5, width=2)
    for batch in batches:
        keys, values = (np.array([row[at] for row in batch], dtype=np.uint64) for at in (0, 1))
        partitions.add(keys.astype(np.int64), values, ~values)
    rows = [row for batch in batches for row in batch]
    for key in range(5):
        values, inverse = partitions.read(key)
        assert values.tolist() == [value for filed, value in rows if filed == key]
        assert (values == ~inverse).all()


def test_columns_grow_and_are_read_anywhere() -> None:
    column = Column(np.int32)
    column.append(np.arange(10))
    assert column[2:5].tolist() == [2, 3, 4]
    column.append(np.arange(10, 13))
    assert len(column) == 13 and column[9:99].tolist() == [9, 10, 11, 12]
    assert [piece.tolist() for piece in column.pieces(8)] == [list(range(8)), list(range(8, 13))]
