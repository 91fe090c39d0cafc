"""A packing that breaks off goes on under its key, and never seals two texts under one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.journal import Journal, TextChanged, open_journal
from oracle.custody.sealed import pack, verify_sealed
from oracle.custody.store import LocalStore
from oracle.errors import BadInput

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
