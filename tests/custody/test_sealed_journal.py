"""A packing that breaks off goes on under its key, and never seals two texts under one."""

from __future__ import annotations

import base64
import os
import resource
import shutil
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.journal import Journal, TextChanged, open_journal
from oracle.custody.sealed import Packed, documents_digest, pack, prove_document, verify_sealed
from oracle.custody.store import LocalStore
from oracle.custody.stream import CHUNK, TAG, unseal
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure

CONTEXT = Context.new()
LONG = [Document(str(n), f"{n} " * 200_000) for n in range(50)]  # 28 MB: more than is noted at once


class Stopped(Exception):
    """The machine went down."""


def until(documents: Iterable[Document], count: int) -> Iterator[Document]:
    for number, document in enumerate(documents):
        if number == count:
            raise Stopped
        yield document


def interrupted(path: Path, store: LocalStore, count: int = 45) -> tuple[Context, bytes]:
    with pytest.raises(Stopped), open_journal(path, CONTEXT) as journal:
        context, key = journal.context, journal.key
        pack(store, context, until(LONG, count), key, journal=journal)
    return context, key


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / ".packing"


def again(path: Path, store: LocalStore, documents: list[Document]) -> Context:
    with open_journal(path, CONTEXT) as journal:
        packed = pack(store, journal.context, documents, journal.key, journal=journal)
        verify_sealed(store, packed.manifest, packed.key)
        return journal.context


def test_a_second_run_goes_on_under_the_same_key(path: Path, store: LocalStore) -> None:
    context, key = interrupted(path, store)
    before = {block.name for block in store.folder.rglob("baf*")}
    assert len(before) == 16
    with open_journal(path, CONTEXT) as journal:
        assert journal.resumed and (journal.context, journal.key) == (context, key)
    assert again(path, store, LONG) == context
    assert before < {block.name for block in store.folder.rglob("baf*")}


@pytest.mark.parametrize("change", [0, 20, 44])
def test_a_text_that_changed_is_not_given_away(path: Path, store: LocalStore, change: int) -> None:
    """Under the same nonces its ciphertext would tell both texts: nothing of it may reach the store."""
    interrupted(path, store)
    changed = list(LONG)
    changed[change] = Document(changed[change].id, "!" + changed[change].text[1:])
    before = {block.name for block in store.folder.rglob("baf*")}
    with open_journal(path, CONTEXT) as journal:
        if change == 44:  # never noted, let alone stored: then it may be another
            pack(store, journal.context, changed, journal.key, journal=journal)
            return
        with pytest.raises(TextChanged):
            pack(store, journal.context, changed, journal.key, journal=journal)
        assert {block.name for block in store.folder.rglob("baf*")} <= before
        old = journal.key
        journal.restart()
        assert journal.key != old and not journal.resumed
        packed = pack(store, journal.context, changed, journal.key, journal=journal)
        verify_sealed(store, packed.manifest, packed.key)


def test_a_longer_or_shorter_text_is_another(path: Path, store: LocalStore) -> None:
    short = [Document("a", "text"), Document("b", "text")]
    with open_journal(path, CONTEXT) as journal:
        pack(store, journal.context, short, journal.key, journal=journal)
    for other in ([*short, short[0]], short[:1]):
        with open_journal(path, CONTEXT) as journal, pytest.raises(TextChanged):
            pack(store, journal.context, other, journal.key, journal=journal)


def test_chunks_are_noted_before_they_are_given_out(path: Path) -> None:
    chunks = [bytes([n]) * 100 for n in range(40)]
    with open_journal(path, CONTEXT) as journal:
        (fresh,) = journal.segments()
        for number, chunk in enumerate(journal.guard(chunks, fresh)):
            noted = path.read_bytes().partition(b"\n")[2]
            assert noted.startswith(b"S" + fresh.salt)  # first of all the salt that they are sealed under
            assert chunk[-16:] == noted[34 + 17 * number : 50 + 17 * number]


def test_half_a_note_is_none(path: Path, store: LocalStore) -> None:
    context, _ = interrupted(path, store)
    with path.open("ab") as file:
        file.write(b"\x00" * 9)
    assert again(path, store, LONG) == context


@pytest.mark.parametrize("data", [b"", b"{}\n", b"\xff" * 100, b'{"kind":"mixed-mia/packing/2"'])
def test_a_damaged_journal_is_begun_anew(path: Path, store: LocalStore, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    with open_journal(path, CONTEXT) as journal:
        assert not journal.resumed and journal.empty
    again(path, store, LONG[:2])


def test_another_place_has_another_key(path: Path, store: LocalStore) -> None:
    _, key = interrupted(path, store)
    with open_journal(path, Context.new(chain_id=1)) as journal:
        assert journal.key != key and not journal.resumed


def test_only_its_owner_reads_it_and_one_process_writes(path: Path) -> None:
    with open_journal(path, CONTEXT) as journal:
        assert isinstance(journal, Journal) and path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(BadInput, match="another process"), open_journal(path, CONTEXT):
            pass
        journal.discard()
    assert not path.exists()


# --- copies of an interrupted packing ---

STORY = [Document(f"a{n}", f"{n} common " * 60_000) for n in range(8)]  # 5 MB, as much as both copies have
ENDS = [[Document(f"z{n}", f"{word} " * 200_000) for n in range(4)] for word in ("harbour", "meadow!")]
PIECE = CHUNK - TAG


def begun(path: Path, store: LocalStore, documents: list[Document]) -> None:
    with pytest.raises(Stopped), open_journal(path, CONTEXT) as journal:
        pack(store, journal.context, until([*documents, *documents], len(documents)), journal.key, journal=journal)


def gone_on(path: Path, store: LocalStore, documents: list[Document]) -> tuple[Packed, bytes]:
    with open_journal(path, CONTEXT) as journal:
        packed = pack(store, journal.context, documents, journal.key, journal=journal)
    verify_sealed(store, packed.manifest, packed.key)
    return packed, b"".join(store.read(packed.manifest.cid, max_size=1 << 30))


def two_copies(tmp_path: Path, store: LocalStore) -> list[tuple[Packed, bytes]]:
    """One interrupted packing, copied, which goes on with another text in each copy."""
    begun(tmp_path / "first" / ".packing", store, STORY)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    ends = zip(("first", "second"), ENDS, strict=True)
    return [gone_on(tmp_path / name / ".packing", store, STORY + end) for name, end in ends]


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=False))


def test_copies_of_a_journal_never_share_key_and_nonce(tmp_path: Path, store: LocalStore) -> None:
    (one, here), (two, there) = two_copies(tmp_path, store)
    assert one.key == two.key and one.manifest.dataset == two.manifest.dataset
    noted = one.manifest.segments[-1].first
    assert noted > 2 and one.manifest.segments[:-1] == two.manifest.segments[:-1]
    assert here[: noted * CHUNK] == there[: noted * CHUNK]  # the earlier run's, bit for bit
    assert one.manifest.segments[-1].salt != two.manifest.segments[-1].salt
    plains = [b"".join(canonical_line(d) + b"\n" for d in STORY + end) for end in ENDS]
    last = min(len(here), len(there)) // CHUNK
    assert last > noted
    for number in range(noted, last + 1):
        ciphers = xor(here[number * CHUNK :][:4096], there[number * CHUNK :][:4096])
        texts = xor(*(plain[number * PIECE :][:4096] for plain in plains))
        assert not any(ciphers[at : at + 16] == texts[at : at + 16] for at in range(0, len(texts) - 15, 16))


def test_copies_share_neither_the_salts_of_documents_nor_the_key_of_the_digest(
    tmp_path: Path, store: LocalStore
) -> None:
    (one, _), (two, _) = two_copies(tmp_path, store)
    sealed = [base64.b64decode(packed.manifest.documents_digest) for packed in (one, two)]
    states = [documents_digest(packed.manifest, packed.key) for packed in (one, two)]
    assert xor(*sealed)[:16] != xor(*states)[:16]
    proofs = [prove_document(store, packed.manifest, packed.key, 0) for packed in (one, two)]
    assert proofs[0].salt != proofs[1].salt  # the same document: its salt would open both


def test_chunks_of_one_copy_do_not_open_in_the_other(tmp_path: Path, store: LocalStore) -> None:
    (one, here), (two, there) = two_copies(tmp_path, store)
    noted, context, segments = one.manifest.segments[-1].first, one.manifest.context, one.manifest.segments
    for number in range(noted, min(len(here), len(there)) // CHUNK):
        spliced = here[: number * CHUNK] + there[number * CHUNK :][:CHUNK] + here[(number + 1) * CHUNK :]
        with pytest.raises(CheckFailed) as failure:
            list(unseal(one.key, context, [spliced], segments))
        assert failure.value.input == f"chunk {number}"
    for wrong in (two.manifest.segments, segments[:-1], segments[1:], segments[::-1]):
        with pytest.raises(CheckFailed):
            list(unseal(one.key, context, [here], wrong))
    moved = (*segments[:-1], segments[-1].model_copy(update={"first": noted + 1}))
    with pytest.raises(CheckFailed) as failure:
        list(unseal(one.key, context, [here], moved))
    assert failure.value.input == f"chunk {noted}"
    with pytest.raises(CheckFailed, match="cut off"):
        list(unseal(one.key, context, [here[: noted * CHUNK]], segments))


def test_every_run_that_seals_has_a_segment_and_an_idle_one_has_none(path: Path, store: LocalStore) -> None:
    for count in (4, 5, 8):  # the second comes no further than the first
        begun(path, store, STORY[:count])
    first, _ = gone_on(path, store, STORY + ENDS[0])
    firsts = [segment.first for segment in first.manifest.segments]
    assert firsts == sorted(set(firsts)) and len(firsts) == 3
    again, _ = gone_on(path, store, STORY + ENDS[0])  # after a crash between the last chunk and the manifest
    assert (again.manifest.cid, again.manifest.segments) == (first.manifest.cid, first.manifest.segments)
    assert again.manifest.salt != first.manifest.salt


def test_two_packings_within_one_opening_are_two_runs(path: Path, store: LocalStore) -> None:
    with open_journal(path, CONTEXT) as journal:
        pack(store, journal.context, STORY[:2], journal.key, journal=journal)
        with pytest.raises(TextChanged):
            pack(store, journal.context, STORY[1:3], journal.key, journal=journal)


def test_a_packing_interrupted_too_often_is_begun_anew(
    path: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oracle.custody.journal.MAX_SEGMENTS", 2)
    for count in (4, 8):
        begun(path, store, STORY[:count])
    with open_journal(path, CONTEXT) as journal:
        assert not journal.resumed
    gone_on(path, store, STORY)


def test_a_journal_cut_anywhere_goes_on_or_begins_anew(path: Path, store: LocalStore) -> None:
    begun(path, store, STORY[:4])
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    for size in (0, start - 1, start, start + 1, start + 33, start + 34, start + 50, len(whole) - 1, len(whole)):
        path.write_bytes(whole[:size])
        packed, _ = gone_on(path, store, STORY)
        kept = (size - start - 33) // 17 if size > start + 33 else 0
        assert [segment.first for segment in packed.manifest.segments] == ([0, kept] if kept else [0])
        if kept == 0 and size >= start:  # a salt that nothing was noted under is not used again
            assert packed.manifest.segments[0].salt not in whole
        path.unlink()


def test_an_older_state_of_a_journal_seals_under_another_salt(path: Path, store: LocalStore) -> None:
    begun(path, store, STORY[:4])
    old = path.read_bytes()
    newer, _ = gone_on(path, store, STORY + ENDS[0])
    path.write_bytes(old)
    restored, _ = gone_on(path, store, STORY + ENDS[1])
    assert {s.salt for s in newer.manifest.segments} & {s.salt for s in restored.manifest.segments} == {
        restored.manifest.segments[0].salt
    }


def test_a_full_disk_gives_no_chunk_away(path: Path) -> None:
    with open_journal(path, CONTEXT) as journal:
        room = path.stat().st_size + 33 + 17 + 5  # a salt, a tag, and a part of the next
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    given = []
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, unlimited[1]))
        with pytest.raises(EnvironmentFailure) as failure, open_journal(path, CONTEXT) as journal:
            given.extend(journal.guard([bytes([n]) * 100 for n in range(3)], journal.segments()[-1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert not given and failure.value.hint
    with open_journal(path, CONTEXT) as journal:
        assert [segment.first for segment in journal.segments()] == [0, 1]


def test_what_is_no_file_is_no_journal(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(EnvironmentFailure, match="not a regular file"), open_journal(path, CONTEXT):
        pass


def test_a_journal_that_was_blown_up_is_cut_where_it_ends(tmp_path: Path) -> None:
    path, here = tmp_path / ".packing", Context.new()
    with open_journal(path, here) as journal:
        list(journal.guard([bytes(40)], journal.segments()[-1]))
        key = journal.key
    whole = path.stat().st_size
    os.truncate(path, 1 << 36)
    tracemalloc.start()
    with open_journal(path, here) as journal:
        assert journal.resumed and journal.key == key and path.stat().st_size == whole
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
