"""The same data set in every store: one manifest, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.sealed import open_sealed, pack, verify_sealed
from oracle.custody.store import ContentStore, LocalStore
from oracle.errors import CheckFailed

CONTEXT = Context.new()
KEY = b"\x2a" * 32
DOCUMENTS = [Document(str(n), f"{n} " * 200_000) for n in range(9)]  # 5 MB


def test_a_data_set_has_one_manifest_wherever_it_is_kept(store: ContentStore, tmp_path: Path) -> None:
    here = pack(store, CONTEXT, DOCUMENTS, KEY).manifest
    assert here == pack(LocalStore(tmp_path / "other"), CONTEXT, DOCUMENTS, KEY).manifest
    verify_sealed(store, here)
    assert list(open_sealed(store, here, KEY)) == DOCUMENTS
    store.collect_garbage()  # both are pinned
    verify_sealed(store, here, KEY)


def test_what_breaks_off_leaves_no_name(store: ContentStore) -> None:
    def broken() -> Iterator[Document]:
        yield from DOCUMENTS
        raise CheckFailed("the reader found something", input="corpus")

    before = store.pins()
    with pytest.raises(CheckFailed, match="the reader found something"):
        pack(store, Context.new(), broken())
    assert store.pins() == before
