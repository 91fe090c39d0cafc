"""A corpus as content: canonical lines in raw blocks, a manifest over them, and the roots that go on chain.

The lines form one byte stream, cut every 1 MiB into raw blocks: a long document simply runs on in the next block. The
manifest is a block of canonical JSON; its sha256 is the ``manifest`` of a commitment. The document root is an RFC 6962
tree over the lines, without their line feeds, so that single documents can be opened; bound to its provider it is the
``datasetRoot``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from oracle.corpus.canonical import canonical_line, parse_line
from oracle.corpus.document import Document
from oracle.custody.store import MAX_BLOCK, ContentStore, block_cid, cid_to_digest, digest_to_cid, keep
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment, merkle
from oracle.evidence.fields import Address, Bytes32, Count, Record

MAX_BYTES = 1 << 30
"""A data set claiming more is not fetched: whoever reads foreign content bounds it."""
MAX_DOCUMENTS = 1 << 24
"""As many documents at most: a gigabyte of line feeds would be a thousand million."""


class DatasetManifest(Record):
    """``size`` in bytes; ``shards`` are content ids, 1 MiB each but the last."""

    kind: Literal["mixed-mia/dataset/1"] = "mixed-mia/dataset/1"
    provider: Address
    documents: Count
    size: Count
    document_root: Bytes32
    shards: tuple[str, ...]

    @property
    def cid(self) -> str:
        return block_cid(self.to_bytes())

    @property
    def digest(self) -> bytes:
        """sha256 of the manifest: ``manifest`` of the commitment."""
        return cid_to_digest(self.cid)

    @property
    def dataset_root(self) -> bytes:
        """``datasetRoot`` of the commitment."""
        return commitment.dataset_root(self.provider, self.document_root)


def publish_dataset(store: ContentStore, provider: str, documents: Iterable[Document]) -> DatasetManifest:
    """Store a corpus, documents in the order given; the manifest last, so that a manifest in the store is complete.

    Reads the documents once and holds one block and 32 bytes a document. Raises ``BadInput`` for an empty corpus or
    one above ``MAX_BYTES``.
    """
    shards: list[str] = []
    pending = bytearray()
    size = count = 0

    def stored() -> Iterator[bytes]:
        nonlocal size, count
        for document in documents:
            line = canonical_line(document) + b"\n"
            size, count = size + len(line), count + 1
            if size > MAX_BYTES:
                raise BadInput(
                    f"a data set above {MAX_BYTES} bytes", input=provider, hint="offer it as several data sets"
                )
            pending.extend(line)
            while len(pending) >= MAX_BLOCK:
                shards.append(keep(store, bytes(pending[:MAX_BLOCK]), "corpus"))
                del pending[:MAX_BLOCK]
            yield line[:-1]

    root = merkle.document_root(stored())
    if not count:
        raise BadInput("a data set without documents", input=provider, hint="give at least one document")
    if pending:
        shards.append(keep(store, bytes(pending), "corpus"))
    manifest = DatasetManifest(provider=provider, documents=count, size=size, document_root=root, shards=tuple(shards))
    keep(store, manifest.to_bytes(), "corpus")
    return manifest


def fetch_dataset(store: ContentStore, manifest_digest: bytes, *, provider: str, dataset_root: bytes) -> list[Document]:
    """The documents that a commitment speaks of, every byte verified.

    Raises ``CheckFailed``, naming block or provider, when anything is missing, altered, or not what ``dataset_root``
    promises for this provider: an oracle then reports the data set as unavailable.
    """
    manifest = fetch_manifest(store, manifest_digest)
    if manifest.provider != provider or manifest.dataset_root != dataset_root:
        raise _broken(manifest, "its manifest does not open the data set root of this provider", provider)
    if manifest.size > MAX_BYTES or len(manifest.shards) != -(-manifest.size // MAX_BLOCK):
        raise _broken(manifest, "its size and its number of shards do not fit", provider)
    stream = bytearray()
    for cid in manifest.shards:
        stream += _shard(store, cid, provider)
    if len(stream) != manifest.size or not stream.endswith(b"\n"):
        raise _broken(manifest, "its shards do not add up to its size", provider)
    if stream.count(b"\n") != manifest.documents or manifest.documents > MAX_DOCUMENTS:
        raise _broken(manifest, "its lines are not as many as its documents", provider)  # before they are cut
    lines = bytes(stream[:-1]).split(b"\n")
    if merkle.document_root(lines) != manifest.document_root:
        raise _broken(manifest, "its documents do not hash to its document root", provider)
    return [_document(line, f"document {index} of {provider}") for index, line in enumerate(lines)]


def fetch_manifest(store: ContentStore, manifest_digest: bytes) -> DatasetManifest:
    """The manifest behind a digest, verified; ``CheckFailed`` naming its content id otherwise."""
    cid = digest_to_cid(manifest_digest)
    return DatasetManifest.from_bytes(store.get(cid), name=f"manifest {cid}", hint="ask its provider")


def _shard(store: ContentStore, cid: str, provider: str) -> bytes:
    try:
        return store.get(cid)
    except BadInput as error:  # foreign content: a bad name inside it is a failed check, not a bad flag of ours
        raise CheckFailed(f"the manifest of {provider} names no shard: {error}", input=cid, hint="ask it") from error


def _document(line: bytes, name: str) -> Document:
    try:
        return parse_line(line)
    except BadInput as error:
        raise CheckFailed(f"{name}: {error}", input=name, hint="ask its provider") from error


def _broken(manifest: DatasetManifest, why: str, provider: str) -> CheckFailed:
    return CheckFailed(f"data set {manifest.cid} of {provider}: {why}", input=manifest.cid, hint="ask its provider")
