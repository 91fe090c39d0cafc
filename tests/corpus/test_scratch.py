"""Temporary files: read anywhere, as many as there have to be, and of no use to whoever finds them on the disk."""

from __future__ import annotations

import os
import random
import subprocess
import sys

from oracle.corpus.document import Document
from oracle.corpus.scratch import Scratch
from oracle.corpus.spool import gather


def on_disk(scratch: Scratch) -> bytes:
    """What the file system holds."""
    scratch.read(0, 1)  # writes what is still in memory
    return os.pread(scratch._file.fileno(), scratch.size, 0)


def test_every_part_reads_back_and_the_disk_shows_none_of_it() -> None:
    draw = random.Random(11)
    scratch = Scratch()
    whole = b""
    for _ in range(200):
        piece = draw.randbytes(draw.randrange(70))
        whole += piece
        scratch.append(piece)
    for _ in range(500):
        start = draw.randrange(len(whole))
        size = draw.randrange(len(whole) - start)
        assert scratch.read(start, size) == whole[start : start + size]
    assert all(whole[at : at + 16] not in on_disk(scratch) for at in range(0, len(whole) - 16, 16))


def test_two_files_share_no_key_stream() -> None:
    first, second = Scratch(), Scratch()
    for scratch in (first, second):
        scratch.append(bytes(64))
    assert on_disk(first) != on_disk(second)


def test_texts_that_are_spooled_do_not_lie_open() -> None:
    spool = gather(Document(str(n), f"a confidential sentence, number {n}") for n in range(50))
    assert b"confidential" not in on_disk(spool._lines)
    assert [document.text for document in spool][49] == "a confidential sentence, number 49"


def test_a_market_of_many_corpora_may_have_many_files() -> None:
    program = """
import resource
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, most))
from oracle.corpus.scratch import Scratch
print(len([Scratch() for _ in range(100)]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "100"
