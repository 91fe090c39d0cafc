"""Archives that claim more than they are: read by a process of their own, whose memory and time are measured."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from oracle.corpus import allowance
from oracle.corpus.readers import read_documents
from oracle.corpus.sentences import sentence_spans
from oracle.errors import BadInput, EnvironmentFailure

MEMORY = 200  # MiB above the reading of one small file
SECONDS = 10  # of processor time

READ = """
import resource, sys
from pathlib import Path
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput, EnvironmentFailure
try:
    print(sum(1 for _ in read_documents(Path(sys.argv[1]))))
except BadInput as error:
    print(error)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
(own,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]  # this program's alone
print(max(int(own), used[1].ru_maxrss) / 1024, sum(each.ru_utime + each.ru_stime for each in used))
"""


def measured(path: Path) -> tuple[str, float, float]:
    """What reading a file says, the most memory it took in MiB, and the processor time in seconds."""
    command = [sys.executable, "-c", READ, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said, _, usage = answer.strip().rpartition("\n")
    memory, seconds = map(float, usage.split())
    return said, memory, seconds


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> float:
    path = tmp_path_factory.mktemp("small") / "small.parquet"
    pq.write_table(pa.table({"text": ["one"]}), path)
    said, memory, _ = measured(path)
    assert said == "1"
    return memory


def rle(blocks: int, byte: bytes) -> bytes:
    """A Zstandard frame of blocks that are one byte, 128 KiB times."""
    block = (1 << 1 | 131072 << 3).to_bytes(3, "little") + byte
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * blocks + (1 | 1 << 1 | 1 << 3).to_bytes(3, "little") + byte


def window(log: int) -> bytes:
    """A Zstandard frame that asks for a window of 2^log bytes."""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + (1 | 0 << 1 | 1 << 3).to_bytes(3, "little") + b"\n"


def stretched(path: Path, column: pa.Array) -> bytes:
    pq.write_table(pa.table({"text": column}), path, compression="zstd", use_dictionary=False, write_statistics=False)
    return path.read_bytes()


def make(path: Path, kind: str) -> None:
    """A file of less than 1 MB that claims or holds far more."""
    big = pa.array(["word " * 40_000_000])
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000, pa.int32()), pa.array(["word " * 100_000]))
    if kind == "rle":
        path.write_bytes(rle(200_000, b" "))
    elif kind == "blank lines":
        path.write_bytes(rle(200_000, b"\n"))
    elif kind == "window":
        path.write_bytes(window(31))
    elif kind == "gzip":
        path.write_bytes(gzip.compress(b"x" * 10**8, mtime=0))
    elif kind == "members":
        path.write_bytes(gzip.compress(b'{"text":"a"}\n', mtime=0) * 20_000)
    elif kind == "quote":
        path.write_bytes(gzip.compress(b'text\n"' + b"x\n" * 2 * 10**7, mtime=0))
    elif kind == "nested":
        path.write_bytes(gzip.compress(b'{"text":"a","x":' + b"[" * 1_500_000 + b"\n", mtime=0))
    elif kind == "page":
        path.write_bytes(stretched(path, big))
    elif kind == "dictionary page":
        pq.write_table(pa.table({"text": repeated}), path, compression="zstd", dictionary_pagesize_limit=2**26)
    elif kind == "nulls":
        pq.write_table(pa.table({"text": pa.array([None] * 20_000_000, pa.string())}), path)
    elif kind == "id":
        table = pa.table({"text": ["a"], "id": big})
        pq.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False)
    elif kind in ("buffer", "claim"):
        pyarrow.feather.write_feather(pa.table({"text": big}), str(path), compression="zstd")
        if kind == "claim":
            length = struct.pack("<q", 200_000_000)
            path.write_bytes(path.read_bytes().replace(length, struct.pack("<q", 2**41), 1))
    assert path.stat().st_size <= 10**6


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("rle", "c.jsonl.zst", "above 2 MiB"),
        ("rle", "c.txt.zst", "above 2 MiB"),
        ("blank lines", "c.jsonl.zst", "bomb"),
        ("window", "c.jsonl.zst", "damaged Zstandard"),
        ("gzip", "c.jsonl.gz", "above 2 MiB"),
        ("members", "c.jsonl.gz", "20000"),
        ("quote", "c.csv.gz", "limit"),
        ("nested", "c.jsonl.gz", "is not JSON"),
        ("page", "c.parquet", "bomb"),
        ("dictionary page", "c.parquet", "bomb"),
        ("nulls", "c.parquet", "bomb"),
        ("id", "c.parquet", "bomb"),
        ("buffer", "c.feather", "bomb"),
        ("claim", "c.feather", "bomb"),
    ],
)
def test_a_small_archive_takes_little_whatever_it_claims(
    tmp_path: Path, base: float, kind: str, name: str, said: str
) -> None:
    make(tmp_path / name, kind)
    answer, memory, seconds = measured(tmp_path / name)
    assert said in answer
    assert memory < base + MEMORY
    assert seconds < SECONDS


@pytest.mark.parametrize("size", [20, 200_000])
def test_an_archive_may_hold_so_many_documents_as_are_worth_their_time(tmp_path: Path, size: int) -> None:
    line = b'{"text":"%s"}\n' % (b"x " * (size // 2))
    fits = allowance.FREE // (len(line) + allowance.DOCUMENT) - 1
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(line * fits, 1, mtime=0))
    assert sum(1 for _ in read_documents(path)) == fits
    path.write_bytes(gzip.compress(line * (fits + 10), 1, mtime=0))
    with pytest.raises(BadInput, match="decompression bomb") as caught:
        list(read_documents(path))
    assert "plain JSON lines" in caught.value.hint
    (tmp_path / "c.jsonl").write_bytes(line * (fits + 10))
    assert sum(1 for _ in read_documents(tmp_path / "c.jsonl")) == fits + 10


def test_the_archives_of_a_folder_share_one_allowance(tmp_path: Path) -> None:
    line = json.dumps({"text": "x " * 500_000}).encode() + b"\n"
    for number in range(12):
        (tmp_path / f"{number:02}.jsonl.gz").write_bytes(gzip.compress(line, 1, mtime=0))
    with pytest.raises(BadInput, match=r"09\.jsonl\.gz comes to more"):
        list(read_documents(tmp_path))


def test_what_a_large_archive_may_come_to_grows_with_it() -> None:
    book = allowance.Allowance(2 * allowance.SMALL)
    assert book.longest == allowance.MAX_DOCUMENT
    book.take(allowance.FREE + allowance.MAX_RATIO * allowance.SMALL)
    with pytest.raises(allowance.BombError):
        book.take(1)


@pytest.mark.parametrize("frames", [1, 3000])
def test_many_zstandard_frames_are_read_as_one(tmp_path: Path, frames: int) -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    one = skippable + zstandard.compress(b"") + zstandard.compress(b'{"text":"a text"}\n')
    (tmp_path / "c.jsonl.zst").write_bytes(one * frames)
    assert sum(1 for _ in read_documents(tmp_path / "c.jsonl.zst")) == frames


def test_a_million_full_stops_are_one_sentence() -> None:
    assert sentence_spans("." * 1_000_000) == [(0, 1_000_000)]
    assert sentence_spans("Really?! Yes... And more.") == [(0, 8), (9, 15), (16, 25)]


def _backwards(path: Path) -> Path:
    """An Arrow stream of a text that ends before it begins."""
    offsets = pa.py_buffer(struct.pack("<4i", 0, 5, 2, 9))
    column = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"some text"))
    table = pa.table({"text": column})
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)
    return path


def test_whatever_the_library_says_of_a_file_is_the_files_fault(tmp_path: Path) -> None:
    """Of this one it raises SystemError."""
    with pytest.raises(BadInput, match="cannot be read as Parquet or Arrow"):
        list(read_documents(_backwards(tmp_path / "a.arrow")))


def test_a_process_that_cannot_be_started_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(EnvironmentFailure, match="could not be read"):
        list(read_documents(_backwards(tmp_path / "a.arrow")))
