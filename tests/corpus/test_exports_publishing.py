"""An export is there in full or not at all, goes on where it stopped, and is checked before it is shown."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oracle.corpus.document import Document
from oracle.corpus.exports.export import Lot, read_rows, verify_export, write_export
from oracle.corpus.exports.formats import FORMATS
from oracle.corpus.exports.manifest import Export, read_export
from oracle.corpus.exports.rows import Origin
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure

CORPUS = [Document(str(n), f"Document {n} of the tide tables. " * 20) for n in range(40)]
ORIGIN = Origin("0x" + "11" * 20, b"\x22" * 32, b"\x33" * 32, 1)
SHARD = 20_000

Read = Callable[[], Iterator[Document]]


def write(out: Path, read: Read | None = None, *, formats: tuple[str, ...] = ("all",), documents: int = 40) -> Export:
    lots = [Lot(ORIGIN, bytes(32), documents, read or (lambda: iter(CORPUS)))]
    return write_export(out, lots, formats, title="title", date="2026-01-31", shard=SHARD)


def stopping(after: int, error: BaseException) -> Read:
    def read() -> Iterator[Document]:
        yield from CORPUS[:after]
        raise error

    return read


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_interrupted_export_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write(out, stopping(25, KeyboardInterrupt()))
    assert not out.exists()
    staging = tmp_path / ".out.partial"
    kept = {path: path.stat().st_mtime_ns for path in staging.rglob("documents-*")}
    assert len(kept) == 3 * len(FORMATS)
    assert not list(staging.rglob("*.part"))
    write(out)
    assert not staging.exists()
    for path, time in kept.items():  # what was finished is not written again
        assert (out / path.relative_to(staging)).stat().st_mtime_ns == time
    write(tmp_path / "straight")
    assert everything(out) == everything(tmp_path / "straight")


def test_a_killed_export_goes_on(tmp_path: Path) -> None:
    def killed() -> None:
        def read() -> Iterator[Document]:
            yield from CORPUS[:25]
            os.kill(os.getpid(), signal.SIGKILL)

        write(tmp_path / "out", read)

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / ".out.partial").rglob("*.part"))
    write(tmp_path / "out")
    write(tmp_path / "straight")
    assert everything(tmp_path / "out") == everything(tmp_path / "straight")


def test_a_lost_shard_is_written_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", stopping(39, KeyboardInterrupt()))
    (tmp_path / ".out.partial" / "csv" / "documents-00001.csv").write_bytes(b"cut")
    write(tmp_path / "out")
    write(tmp_path / "straight")
    assert everything(tmp_path / "out") == everything(tmp_path / "straight")


def test_another_purchase_does_not_go_on_with_this_ones_shards(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", stopping(25, KeyboardInterrupt()))
    other = [Document("only", "another text")]
    write(tmp_path / "out", lambda: iter(other), documents=1)
    export = read_export(tmp_path / "out")
    assert [document for document, _ in read_rows(tmp_path / "out", export, "parquet")] == other
    assert len(list((tmp_path / "out" / "parquet").iterdir())) == 1


def test_once_there_nothing_is_read_or_written(tmp_path: Path) -> None:
    export = write(tmp_path / "out")
    assert write(tmp_path / "out", stopping(0, AssertionError("read"))) == export
    with pytest.raises(BadInput, match="another export"):
        write(tmp_path / "out", formats=("csv",))
    (tmp_path / "out" / "csv" / "documents-00000.csv").write_bytes(b"")
    with pytest.raises(CheckFailed, match="not what was written"):
        write(tmp_path / "out")


@pytest.mark.parametrize("error", [CheckFailed("altered"), BadInput("no document")])
def test_what_fails_a_check_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        write(tmp_path / "out", stopping(40, error))
    assert list(tmp_path.iterdir()) == []


def test_a_lot_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="sold 41 documents, not 40"):
        write(tmp_path / "out", documents=41)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("strange", [Document("x", 5), Document(None, "x"), Document("x", "x", date=["d"])])  # type: ignore[arg-type]
def test_what_is_no_text_is_refused(tmp_path: Path, strange: Document) -> None:
    with pytest.raises(BadInput, match="no text but"):
        write(tmp_path / "out", lambda: iter([strange]), documents=1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(BadInput, match="holds something else"):
        write(tmp_path / "out")
    assert everything(tmp_path) == {"out/thesis.txt": b"precious"}
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    def read() -> Iterator[Document]:
        with pytest.raises(BadInput, match="another process"):
            write(tmp_path / "out")
        yield from CORPUS

    write(tmp_path / "out", read)


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_leaves_nothing_half_published(tmp_path: Path, format: str) -> None:
    """The limit on a file's size stands in for the disk's: the system call fails half-way through a shard."""
    long = [Document(str(n), os.urandom(9_000).hex()) for n in range(40)]
    lots = [Lot(ORIGIN, bytes(32), 40, lambda: iter(long))]

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            write_export(tmp_path / "out", lots, [format], title="title", date="2026-01-31")
        except EnvironmentFailure as error:
            os._exit(17 if "File too large" in str(error) and "documents-00000" in error.input else 1)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=limited)
    process.start()
    process.join()
    assert process.exitcode == 17
    assert not (tmp_path / "out").exists()
    assert everything(tmp_path) == {}
    write_export(tmp_path / "out", lots, [format], title="title", date="2026-01-31")


@pytest.mark.parametrize("format", FORMATS)
def test_every_altered_file_is_seen(tmp_path: Path, format: str) -> None:
    export = write(tmp_path / "out", formats=(format,))
    folder = tmp_path / "out"
    verify_export(folder, export)
    path = folder / format / export.files[format][1].path
    data = path.read_bytes()
    for changed in (data[:-1], data[:40] + bytes([data[40] ^ 1]) + data[41:], data + b"\n", b""):
        path.write_bytes(changed)
        with pytest.raises(CheckFailed, match="not what was written"):
            verify_export(folder, export)
    path.unlink()
    with pytest.raises(CheckFailed, match="cannot read"):
        verify_export(folder, export)


def test_reading_refuses_what_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no export"):
        read_export(tmp_path)
    (tmp_path / "export.json").write_text('{"kind": "other"}')
    with pytest.raises(BadInput, match="is no export"):
        read_export(tmp_path)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (b'"documents": 40', b'"documents": "40"', "parts.0.documents: "),
        (b'"title": "title"', b'"title": ["title"]', "title: "),
        (b'"rows": ', b'"rows": 1.5, "was": ', r"files.jsonl.0.rows: "),
        (b'"plan": ', b'"more": 1, "plan": ', "more: "),
    ],
)
def test_a_manifest_of_other_types_is_refused(tmp_path: Path, was: bytes, now: bytes, told: str) -> None:
    write(tmp_path / "out", formats=("jsonl",))
    place = tmp_path / "out" / "export.json"
    data = place.read_bytes()
    assert was in data
    place.write_bytes(data.replace(was, now, 1))
    with pytest.raises(BadInput, match=told):
        read_export(tmp_path / "out")


@pytest.mark.parametrize("journal", [b"[]", b'{"plan": 1}', b'{"plan": "%s", "shards": [{"jsonl": null}]}'])
def test_a_journal_that_is_none_is_begun_anew(tmp_path: Path, journal: bytes) -> None:
    out, staging = tmp_path / "out", tmp_path / ".out.partial"
    with pytest.raises(KeyboardInterrupt):
        write(out, stopping(25, KeyboardInterrupt()), formats=("jsonl",))
    place = staging / ".journal.json"
    plan = json.loads(place.read_bytes())["plan"]
    place.write_bytes(journal.replace(b"%s", plan.encode()))
    write(out, formats=("jsonl",))
    verify_export(out, read_export(out))


@pytest.mark.parametrize(("formats", "told"), [((), "no format"), (("xls",), "no format 'xls'")])
def test_unknown_formats(tmp_path: Path, formats: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        write(tmp_path / "out", formats=formats)
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_is_written_once(tmp_path: Path) -> None:
    one = Lot(ORIGIN, bytes(32), 40, lambda: CORPUS)
    for lots in ([], [one, one]):
        with pytest.raises(BadInput, match="one data set twice"):
            write_export(tmp_path / "out", lots, ["csv"], title="title", date="2026-01-31")
