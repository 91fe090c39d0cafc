from pathlib import Path

import pytest

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody.dataset import DatasetManifest, fetch_dataset, publish_dataset
from oracle.custody.store import MAX_BLOCK, LocalStore, cid_to_digest
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment, merkle

PROVIDER, OTHER = "0x1563915e194D8CfBA1943570603F7606A3115508", "0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB"
DOCUMENTS = [
    Document("a", "first text\nwith two lines\r\u2028 and more"),
    Document("b", "zweiter Text, länger", source="web", date="2024-01-02", lang="de", licence="CC-BY-4.0"),
    Document("c", "third " * 400_000),  # runs over two blocks
    Document("d", ""),
]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def fetch(store: LocalStore, manifest: DatasetManifest, provider: str = PROVIDER) -> list[Document]:
    return fetch_dataset(store, manifest.digest, provider=provider, dataset_root=manifest.dataset_root)


def block(store: LocalStore, cid: str) -> Path:
    (path,) = store.folder.rglob(cid)
    return path


def test_what_is_published_is_fetched(store: LocalStore) -> None:
    manifest = publish_dataset(store, PROVIDER, iter(DOCUMENTS))
    assert fetch(store, manifest) == DOCUMENTS
    lines = [canonical_line(document) for document in DOCUMENTS]
    assert manifest.document_root == merkle.document_root(lines)
    assert manifest.dataset_root == commitment.dataset_root(PROVIDER, manifest.document_root)
    assert manifest.size == sum(map(len, lines)) + 4 and len(manifest.shards) == 3
    assert [len(store.get(cid)) for cid in manifest.shards[:2]] == [MAX_BLOCK] * 2
    assert manifest == publish_dataset(store, PROVIDER, DOCUMENTS)


def test_one_document_opens_by_itself(store: LocalStore) -> None:
    manifest = publish_dataset(store, PROVIDER, DOCUMENTS)
    lines = [canonical_line(document) for document in DOCUMENTS]
    assert merkle.verify_document(manifest.document_root, lines[1], merkle.document_proof(lines, 1))


def test_nothing_to_publish(store: LocalStore) -> None:
    with pytest.raises(BadInput):
        publish_dataset(store, PROVIDER, [])
    assert not store.folder.joinpath("blocks").exists()


@pytest.mark.parametrize("shard", [0, 1, 2])
def test_an_altered_shard_fails_by_name(store: LocalStore, shard: int) -> None:
    manifest = publish_dataset(store, PROVIDER, DOCUMENTS)
    path = block(store, manifest.shards[shard])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckFailed) as failure:
        fetch(store, manifest)
    assert failure.value.input == manifest.shards[shard]


def test_a_missing_shard_and_an_altered_manifest_fail_by_name(store: LocalStore) -> None:
    manifest = publish_dataset(store, PROVIDER, DOCUMENTS)
    block(store, manifest.shards[1]).unlink()
    with pytest.raises(CheckFailed) as failure:
        fetch(store, manifest)
    assert failure.value.input == manifest.shards[1]
    path = block(store, manifest.cid)
    path.write_bytes(path.read_bytes().replace(b'"documents":4', b'"documents":5'))
    with pytest.raises(CheckFailed) as failure:
        fetch(store, manifest)
    assert failure.value.input == manifest.cid


def test_a_copied_commitment_opens_to_nothing(store: LocalStore) -> None:
    manifest = publish_dataset(store, PROVIDER, DOCUMENTS)
    with pytest.raises(CheckFailed):
        fetch(store, manifest, provider=OTHER)
    copied = commitment.dataset_root(OTHER, manifest.document_root)
    with pytest.raises(CheckFailed):
        fetch_dataset(store, manifest.digest, provider=OTHER, dataset_root=copied)


@pytest.mark.parametrize(
    "lie",
    [
        {"documents": 3},
        {"size": 10},
        {"size": 1 << 40},
        {"document_root": bytes(32)},
        {"shards": ()},
        {"shards": ("not-a-cid",) * 3},
    ],
)
def test_a_manifest_that_lies_is_a_failed_check(store: LocalStore, lie: dict[str, object]) -> None:
    manifest = publish_dataset(store, PROVIDER, DOCUMENTS)
    lying = DatasetManifest.model_validate(dict(manifest) | lie)
    store.put(lying.to_bytes())
    with pytest.raises(CheckFailed):
        fetch(store, lying)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"kind":"mixed-mia/dataset/1"}', b"\xff\xfe", b" {}"])
def test_no_manifest_at_all_is_a_failed_check(store: LocalStore, content: bytes) -> None:
    cid = store.put(content)
    with pytest.raises(CheckFailed) as failure:
        fetch_dataset(store, cid_to_digest(cid), provider=PROVIDER, dataset_root=bytes(32))
    assert cid in failure.value.input


@pytest.mark.parametrize("line", [b"{}\n", b"null\n", b'{"id":"a","text":"b"}\n', b"\xff\n", b"text\n", b'{"id":1}\n'])
def test_lines_that_are_no_documents(store: LocalStore, line: bytes) -> None:
    root = merkle.document_root([line[:-1]])
    manifest = DatasetManifest(
        provider=PROVIDER, documents=1, size=len(line), document_root=root, shards=(store.put(line),)
    )
    store.put(manifest.to_bytes())
    with pytest.raises(CheckFailed) as failure:
        fetch(store, manifest)
    assert "document 0" in failure.value.input
