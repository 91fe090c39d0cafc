from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody import cid as cids
from oracle.custody import sealed, stream
from oracle.custody.context import Context
from oracle.custody.documents import salt, salt_key
from oracle.custody.lthash import LtHash
from oracle.custody.sealed import Packed, SealedManifest, fetch_sealed, open_sealed, pack, read_manifest, verify_sealed
from oracle.custody.segments import MAX_SEGMENTS, Segment, fit
from oracle.custody.store import MAX_BLOCK, LocalStore
from oracle.custody.tally import MAX_LINE
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment, merkle

PROVIDER, OTHER = "0x1563915e194D8CfBA1943570603F7606A3115508", "0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB"
MARKET = "0x4838B106FCe9647Bdf1E7877BF73cE8B0BAD5f97"
CONTEXT = Context.new(chain_id=31337, market=MARKET, round=5, provider=PROVIDER)
DOCUMENTS = [
    Document("a", "first text\nwith two lines\r\u2028 and more"),
    Document("b", "zweiter Text, länger", source="web", date="2024-01-02", lang="de", licence="CC-BY-4.0"),
    Document("c", "third " * 400_000),  # runs over two chunks
    Document("d", ""),
]
LINES = [canonical_line(document) for document in DOCUMENTS]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def packed_small(store: LocalStore, count: int = 3) -> Packed:
    return pack(store, CONTEXT, [Document(str(n), f"text {n}") for n in range(count)])


def fetched(store: LocalStore, manifest: SealedManifest, **wrong: object) -> SealedManifest:
    right = {
        "provider": PROVIDER,
        "dataset_root": manifest.dataset_root,
        "chain_id": 31337,
        "market": MARKET,
        "round": 5,
    }
    return fetch_sealed(store, manifest.digest, **(right | wrong))  # type: ignore[arg-type]


def failure_of(store: LocalStore, manifest: SealedManifest, key: bytes) -> CheckFailed:
    with pytest.raises(CheckFailed) as failure:
        list(open_sealed(store, manifest, key))
    return failure.value


def test_what_is_packed_opens(store: LocalStore) -> None:
    packed = pack(store, CONTEXT, iter(DOCUMENTS), licence=b"\x09" * 32)
    manifest = fetched(store, packed.manifest)
    assert list(open_sealed(store, manifest, packed.key)) == DOCUMENTS
    verify_sealed(store, manifest)
    verify_sealed(store, manifest, packed.key)
    salts = salt_key(packed.key, CONTEXT, packed.manifest.salt)
    entries = [salt(salts, index) + line for index, line in enumerate(LINES)]
    assert manifest.document_root == merkle.document_root(entries)
    assert manifest.size == sum(map(len, LINES)) + len(LINES) and manifest.documents == 4
    assert manifest.licence == b"\x09" * 32 and manifest.context == CONTEXT


def test_the_words_of_the_commitment(store: LocalStore) -> None:
    packed = packed_small(store)
    manifest = packed.manifest
    content = commitment.content_hash(manifest.ciphertext_digest, cids.RAW, manifest.document_root)
    key_commit = commitment.key_commit(
        chain_id=31337, market=MARKET, round=5, provider=PROVIDER, content_hash=content, key=packed.key
    )
    assert (manifest.content_hash, manifest.key_commit) == (content, key_commit)
    assert manifest.dataset_root == commitment.sealed_dataset_root(PROVIDER, content, key_commit)
    assert manifest.digest == hashlib.sha256(store.get(manifest.own_cid)).digest()


def test_the_ciphertext_is_a_plain_file_of_the_store(store: LocalStore) -> None:
    manifest = pack(store, CONTEXT, DOCUMENTS).manifest
    assert manifest.codec == cids.DAG_PB
    pieces = list(store.read(manifest.cid, max_size=manifest.ciphertext_size))
    assert [len(piece) for piece in pieces[:-1]] == [MAX_BLOCK] * 2
    (file,) = manifest.metadata["distribution"]
    assert file["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()


@pytest.mark.parametrize("count", [1, 2])
def test_small_data_sets(store: LocalStore, count: int) -> None:
    packed = packed_small(store, count)
    assert packed.manifest.codec == cids.RAW
    assert [document.id for document in open_sealed(store, packed.manifest, packed.key)] == ["0", "1"][:count]


def test_one_key_makes_one_ciphertext(store: LocalStore) -> None:
    key = b"\x2a" * 32
    first, second = (pack(store, CONTEXT, DOCUMENTS, key).manifest for _ in range(2))
    assert first == second
    assert pack(store, CONTEXT, DOCUMENTS).manifest.cid != first.cid


def test_processes_do_not_change_the_result(store: LocalStore) -> None:
    """More batches than are hashed alone, so that other processes take part."""
    documents = [Document(str(n), f"{n} " * 300) for n in range(22_000)]
    alone, together = (pack(store, CONTEXT, documents, b"\x2a" * 32, processes=n).manifest for n in (1, 2))
    assert alone == together
    verify_sealed(store, together, b"\x2a" * 32, processes=2)


# --- what does not work ---


def test_nothing_to_pack_leaves_nothing(store: LocalStore) -> None:
    with pytest.raises(BadInput, match="without documents"):
        pack(store, CONTEXT, [])
    assert not list(store.folder.rglob("*"))


def test_a_document_that_cannot_be_written_is_named(store: LocalStore) -> None:
    for document in (Document("lone", "\ud800"), Document("long", "x" * MAX_LINE)):
        with pytest.raises(BadInput) as failure:
            pack(store, CONTEXT, [DOCUMENTS[0], document])
        assert failure.value.input == document.id


def test_an_interrupted_packing_publishes_nothing(store: LocalStore) -> None:
    def broken() -> Iterator[Document]:
        yield from DOCUMENTS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(store, CONTEXT, broken())
    assert store.pins() == {}
    for block in store.folder.rglob("baf*"):
        with pytest.raises(CheckFailed):
            read_manifest(block.read_bytes(), name="block")


def test_garbage_collection_keeps_what_is_packed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, fresh=0)
    packed = pack(store, CONTEXT, DOCUMENTS)
    store.put(b"garbage")
    assert store.collect_garbage() == 1
    verify_sealed(store, packed.manifest, packed.key)


def test_another_key_is_named_before_anything_is_read(tmp_path: Path) -> None:
    packed = packed_small(LocalStore(tmp_path / "full"))
    for key in (b"\x01" * 32, b"short"):
        failure = failure_of(LocalStore(tmp_path / "empty"), packed.manifest, key)
        assert failure.input == "key"


@pytest.mark.parametrize(
    ("word", "value"),
    [("provider", OTHER), ("chain_id", 1), ("market", OTHER), ("round", 6), ("dataset_root", bytes(32))],
)
def test_a_manifest_for_another_round_or_provider_is_refused(store: LocalStore, word: str, value: object) -> None:
    manifest = packed_small(store).manifest
    with pytest.raises(CheckFailed, match=f"another {word.split('_')[0].replace('dataset', 'data set')}"):
        fetched(store, manifest, **{word: value})


def test_a_copied_ciphertext_opens_for_nobody_else(store: LocalStore) -> None:
    """Somebody commits to the same ciphertext under their own address, knowing even the key."""
    packed = packed_small(store)
    copied = packed.manifest.model_copy(update={"provider": OTHER})
    assert failure_of(store, copied, packed.key).input == "key"
    recommitted = copied.model_copy(
        update={
            "key_commit": commitment.key_commit(
                chain_id=31337,
                market=MARKET,
                round=5,
                provider=OTHER,
                content_hash=copied.content_hash,
                key=packed.key,
            )
        }
    )
    assert failure_of(store, recommitted, packed.key).input == "chunk 0"


@pytest.mark.parametrize(
    ("lie", "named"),
    [
        ({"documents": 3}, "number of documents"),
        ({"size": 1}, "size"),
        ({"documents_digest": base64.b64encode(bytes(2064)).decode()}, "documents digest"),
    ],
)
def test_a_manifest_that_lies_about_its_content(store: LocalStore, lie: dict[str, object], named: str) -> None:
    packed = pack(store, CONTEXT, DOCUMENTS)
    assert failure_of(store, packed.manifest.model_copy(update=lie), packed.key).input == named


def test_a_document_root_that_lies_is_found_at_the_end(store: LocalStore) -> None:
    packed = packed_small(store)
    lying = packed.manifest.model_copy(update={"document_root": bytes(32)})
    assert failure_of(store, lying, packed.key).input == "key"  # the key commitment holds the root
    words = {"chain_id": 31337, "market": MARKET, "round": 5, "provider": PROVIDER}
    commit = commitment.key_commit(**words, content_hash=lying.content_hash, key=packed.key)  # type: ignore[arg-type]
    lying = lying.model_copy(update={"key_commit": commit})
    assert failure_of(store, lying, packed.key).input == "document root"


@pytest.mark.parametrize("plain", [b"no line feed", b"{}\n", b"null\n", b"\xff\n", b'{"id":"a","text":"b"}\n', b"\n"])
def test_a_ciphertext_of_something_else(store: LocalStore, plain: bytes) -> None:
    """Sealed by the book, under the right key, and still no documents."""
    packed = packed_small(store)
    content = store.add(stream.seal(packed.key, CONTEXT, [plain], packed.manifest.segments))
    foreign = packed.manifest.model_copy(
        update={"cid": content.cid, "size": len(plain), "ciphertext_size": content.size, "documents": 1}
    )
    words = {"chain_id": 31337, "market": MARKET, "round": 5, "provider": PROVIDER}
    commit = commitment.key_commit(**words, content_hash=foreign.content_hash, key=packed.key)  # type: ignore[arg-type]
    failure = failure_of(store, foreign.model_copy(update={"key_commit": commit}), packed.key)
    assert failure.input in ("documents", "document 0")


def segment(first: int, salt: int) -> dict[str, object]:
    return {"first": first, "salt": "0x" + bytes([salt] * 32).hex()}


@pytest.mark.parametrize("chunks", [1, 2, 5])
def test_segments_are_in_order_and_not_empty(chunks: int) -> None:
    for firsts in itertools.product(range(4), repeat=3):
        segments = [Segment(first=first, salt=bytes([n]) * 32) for n, first in enumerate(firsts)]
        assert fit(segments, chunks) == (firsts == (0, *sorted(set(firsts))[1:]) and max(firsts) < chunks)
    same = [Segment(first=0, salt=bytes(32)), Segment(first=1, salt=bytes(32))]
    assert not fit(same, 5)
    many = [Segment(first=n, salt=n.to_bytes(32, "big")) for n in range(MAX_SEGMENTS + 1)]
    assert fit(many[:-1], 1000) and not fit(many, 1000)


@pytest.mark.parametrize(
    ("lie", "part"),
    [
        ({"documents": 0}, "documents"),
        ({"documents": -1}, "documents"),
        ({"size": 1 << 40, "ciphertext_size": stream.sealed_size(1 << 40)}, "size"),
        ({"ciphertext_size": 5}, "ciphertext_size"),
        ({"cid": "not-a-cid"}, "cid"),
        ({"cid": cids.encode(bytes(32), cids.DAG_PB)}, "cid"),
        ({"metadata": {"description": "x" * 100_000}}, "metadata"),
        ({"segments": []}, "segments"),
        ({"segments": [segment(1, 7)]}, "segments"),
        ({"segments": [segment(0, 7), segment(1, 8)]}, "segments"),  # there is one chunk
        ({"segments": [segment(0, 7), segment(0, 8)]}, "segments"),
        ({"segments": [segment(0, 7) | {"last": 4}]}, "segments"),
        ({"segments": [segment(-1, 7)]}, "segments"),
        ({"segments": [{"first": 0, "salt": "0x07"}]}, "segments"),
        ({"salt": "0x"}, "salt"),
        ({"documents_digest": "short"}, "documents_digest"),
        ({"market": "0x12"}, "market"),
    ],
)
def test_a_manifest_that_cannot_be_right(store: LocalStore, lie: dict[str, object], part: str) -> None:
    manifest = packed_small(store).manifest
    fields = manifest.model_dump(mode="json") | lie
    data = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(CheckFailed, match=f"manifest.json: {part}"):
        read_manifest(data, name="manifest.json")


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff\xfe", b" {}", b"[" * 100_000])
def test_no_manifest_at_all(store: LocalStore, data: bytes) -> None:
    with pytest.raises(CheckFailed) as failure:
        read_manifest(data, name="manifest.json")
    assert failure.value.input == "manifest.json"


def test_an_altered_manifest_is_not_the_published_one(store: LocalStore) -> None:
    manifest = packed_small(store).manifest.model_copy(update={"licence": b"\x01" * 32})
    with pytest.raises(CheckFailed, match="altered, or never published") as failure:
        verify_sealed(store, manifest)
    assert failure.value.input == manifest.own_cid


def test_blocks_exchanged_in_the_store(store: LocalStore) -> None:
    """Bits, lengths, other blocks and none at all: verified by name, with the key and without."""
    rng = random.Random(3)
    packed = pack(store, CONTEXT, DOCUMENTS)
    pack(store, Context.new(), DOCUMENTS)
    names = [packed.manifest.cid]
    names += [block.name for block in store.folder.rglob("baf*") if block.stat().st_size > 1000]
    mine = set(sealed_blocks(store, packed.manifest))
    for case in range(100):
        cid = rng.choice(sorted(mine))
        (path,) = store.folder.rglob(cid)
        whole = path.read_bytes()
        other = (store.folder / "blocks").rglob(rng.choice([name for name in names if name != cid]))
        altered = [
            whole[:-1],
            whole + b"x",
            b"",
            next(other).read_bytes(),
            whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 4]) + whole[len(whole) // 2 + 1 :],
        ][case % 5]
        path.write_bytes(altered)
        with pytest.raises(CheckFailed) as failure:
            verify_sealed(store, packed.manifest, packed.key if case % 2 else None)
        assert failure.value.input == cid
        path.write_bytes(whole)
    for cid in mine:
        (path,) = store.folder.rglob(cid)
        whole = path.read_bytes()
        path.unlink()
        assert failure_of(store, packed.manifest, packed.key).input == cid
        path.write_bytes(whole)
    verify_sealed(store, packed.manifest, packed.key)


def sealed_blocks(store: LocalStore, manifest: SealedManifest) -> list[str]:
    """The root of the ciphertext and its leaves."""
    return [manifest.cid, *map(cids.of, store.read(manifest.cid, max_size=manifest.ciphertext_size))]


# --- what the digest and the proofs are for ---


def test_versions_and_unions_are_checked_without_the_documents(store: LocalStore) -> None:
    old, added = DOCUMENTS[:2], DOCUMENTS[2:]
    first, more, both = (pack(store, Context.new(), part) for part in (old, added, added + old))
    states = [LtHash(sealed.documents_digest(part.manifest, part.key)) for part in (first, more, both)]
    assert states[0].union(states[1]) == states[2]
    with pytest.raises(CheckFailed):
        sealed.documents_digest(first.manifest, more.key)


def test_the_digest_is_hidden_without_the_key(store: LocalStore) -> None:
    packed = packed_small(store)
    state = sealed.documents_digest(packed.manifest, packed.key)
    assert state not in base64.b64decode(packed.manifest.documents_digest)


def test_a_proof_of_one_document(store: LocalStore) -> None:
    from oracle.custody.documents import verify

    packed = pack(store, CONTEXT, DOCUMENTS)
    opening = sealed.prove_document(store, packed.manifest, packed.key, 1)
    assert verify(packed.manifest.document_root, opening) == DOCUMENTS[1]


# --- what is told in public ---


def test_metadata_quote_no_text(store: LocalStore) -> None:
    told = {
        "@context": {"@vocab": "https://schema.org/"},
        "name": "harbour tides",
        "cr:recordSet": [{"data": [{"text": "secret"}]}],
        "distribution": [{"contentUrl": "corpus.jsonl"}],
    }
    manifest = pack(store, CONTEXT, DOCUMENTS, metadata=told).manifest
    assert manifest.metadata["name"] == "harbour tides"
    assert b"secret" not in manifest.to_bytes() and b"corpus.jsonl" not in manifest.to_bytes()
    assert b"first text" not in manifest.to_bytes()
    with pytest.raises(BadInput, match="metadata above"):
        pack(store, CONTEXT, DOCUMENTS, metadata={"description": "x" * 50_000})


def test_metadata_are_valid_croissant(store: LocalStore, tmp_path: Path) -> None:
    from oracle.quality.croissant import read_croissant
    from oracle.quality.statement import FORMAT, Verdict

    manifest = pack(store, CONTEXT, DOCUMENTS, licence=b"\x09" * 32).manifest
    file = tmp_path / "croissant.json"
    file.write_text(json.dumps(manifest.metadata))
    statement = read_croissant(file, tmp_path)
    assert statement is not None
    assert [check.verdict for check in statement.checked if check.field == FORMAT] == [Verdict.CONFIRMED]


# --- memory ---

_PEAK = """
import sys, tempfile
from pathlib import Path
from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.sealed import open_sealed, pack
from oracle.custody.store import LocalStore

with tempfile.TemporaryDirectory() as folder:
    store, page = LocalStore(Path(folder)), "The tide rose slowly. " * 3000
    packed = pack(store, Context.new(), (Document(str(n), page) for n in range(int(sys.argv[1]))))
    assert sum(1 for _ in open_sealed(store, packed.manifest, packed.key)) == packed.manifest.documents
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_data() -> None:
    """In fresh processes; ``benchmarks/custody/pack.py`` does the same with gigabytes."""
    peaks = [
        int(subprocess.run([sys.executable, "-c", _PEAK, str(count)], capture_output=True, check=True).stdout)
        for count in (1000, 3000)  # 66 MB, 198 MB
    ]
    assert peaks[1] < 300 and peaks[1] < peaks[0] + 32, peaks
