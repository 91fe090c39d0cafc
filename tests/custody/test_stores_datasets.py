"""Data sets, open and sealed, kept by a folder and by a real IPFS daemon."""

from __future__ import annotations

from pathlib import Path

from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.dataset import fetch_dataset, publish_dataset
from oracle.custody.sealed import fetch_sealed, open_sealed, pack
from oracle.custody.store import ContentStore, LocalStore

PROVIDER, MARKET = "0x1563915e194D8CfBA1943570603F7606A3115508", "0x4838B106FCe9647Bdf1E7877BF73cE8B0BAD5f97"
DOCUMENTS = [Document(str(number), f"text {number} " * 5000) for number in range(60)]


def test_an_open_data_set(store: ContentStore, tmp_path: Path) -> None:
    manifest = publish_dataset(store, PROVIDER, DOCUMENTS)
    assert manifest == publish_dataset(LocalStore(tmp_path / "other"), PROVIDER, DOCUMENTS)
    found = fetch_dataset(store, manifest.digest, provider=PROVIDER, dataset_root=manifest.dataset_root)
    assert found == DOCUMENTS


def test_a_sealed_data_set_outlives_garbage_collection(store: ContentStore, tmp_path: Path) -> None:
    context, key = Context.new(chain_id=31337, market=MARKET, round=5, provider=PROVIDER), bytes(range(32))
    packed = pack(store, context, DOCUMENTS, key)
    assert packed.manifest == pack(LocalStore(tmp_path / "other"), context, DOCUMENTS, key).manifest
    store.put(b"waste of this test")
    assert store.collect_garbage() >= 1
    digest, root = packed.manifest.digest, packed.manifest.dataset_root
    found = fetch_sealed(store, digest, provider=PROVIDER, dataset_root=root, chain_id=31337, market=MARKET, round=5)
    assert list(open_sealed(store, found, key)) == DOCUMENTS
    for name in store.pins():
        store.unpin(name)
