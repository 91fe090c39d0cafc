"""An encrypted data set: one stored ciphertext, and a public manifest that says what it is and what it is bound to.

The canonical lines of the documents, each with its line feed, form one stream, which is encrypted (stream.py) and
stored as one file. The manifest is a block of canonical JSON; its sha256 is the ``manifest`` of a commitment, and its
``dataset_root`` stands on chain for ciphertext, document root and key. It is published last: where there is a manifest,
the data set is whole.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from oracle.corpus.document import Document
from oracle.custody import cid as cids
from oracle.custody import documents as tree
from oracle.custody import stream
from oracle.custody.context import KEY_BYTES, Context
from oracle.custody.lthash import STATE_BYTES
from oracle.custody.store import MAX_BLOCK, ContentStore, digest_to_cid
from oracle.custody.tally import MAX_LINE, Progress, Tally, batches
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical, commitment
from oracle.evidence.fields import Address, Bytes32, Count, Record

MAX_BYTES = 1 << 36
"""A data set claiming more is not fetched: whoever reads foreign content bounds it."""
MAX_METADATA = 1 << 16
_DIGEST_TEXT = 4 * -(-(STATE_BYTES + stream.TAG) // 3)  # base64, no padding: 2,064 is a multiple of 3


class SealedManifest(Record):
    """What is public about an encrypted data set.

    ``size`` and ``ciphertext_size`` in bytes; ``documents_digest`` the LtHash state of the documents, encrypted under
    the content key (base64); ``licence`` the sha256 of the licence text, or zero; ``metadata`` a Croissant document.
    """

    kind: Literal["mixed-mia/sealed-dataset/1"] = "mixed-mia/sealed-dataset/1"
    chain_id: Count
    market: Address
    round: Count
    provider: Address
    dataset: Bytes32
    documents: Count
    size: Count
    cid: str
    ciphertext_size: Count
    document_root: Bytes32
    key_commit: Bytes32
    documents_digest: Annotated[str, Field(pattern=rf"^[A-Za-z0-9+/]{{{_DIGEST_TEXT}}}$")]
    licence: Bytes32
    metadata: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return canonical.dumps(self.model_dump(mode="json"))

    @property
    def digest(self) -> bytes:
        """sha256 of the manifest: ``manifest`` of the commitment."""
        return canonical.digest(self.model_dump(mode="json"))

    @property
    def own_cid(self) -> str:
        """Content id of the manifest itself (``cid`` is the ciphertext's)."""
        return digest_to_cid(self.digest)

    @property
    def context(self) -> Context:
        return Context(self.chain_id, self.market, self.round, self.provider, self.dataset)

    @property
    def codec(self) -> int:
        """Codec of the ciphertext's root block."""
        return cids.decode(self.cid)[0]

    @property
    def ciphertext_digest(self) -> bytes:
        """sha256 of the ciphertext's root block."""
        return cids.decode(self.cid)[1]

    @property
    def content_hash(self) -> bytes:
        return commitment.content_hash(self.ciphertext_digest, self.codec, self.document_root)

    @property
    def dataset_root(self) -> bytes:
        """``datasetRoot`` of the commitment."""
        return commitment.sealed_dataset_root(self.provider, self.content_hash, self.key_commit)

    def check_key(self, key: bytes) -> None:
        """``CheckFailed`` unless ``key`` is the one that this data set is committed to."""
        if len(key) != KEY_BYTES or _key_commit(self.context, self.content_hash, key) != self.key_commit:
            raise CheckFailed(
                f"this is not the key that data set {self.own_cid} is committed to",
                input="key",
                hint="use the key of this data set, round and provider",
            )


@dataclass(frozen=True, slots=True)
class Packed:
    """A data set in the store and the key that opens it. Keep the key: without it the data set is noise."""

    manifest: SealedManifest
    key: bytes


def pack(
    store: ContentStore,
    context: Context,
    documents: Iterable[Document],
    key: bytes | None = None,
    *,
    licence: bytes = bytes(32),
    metadata: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    processes: int = 1,
) -> Packed:
    """Encrypt and store documents in the order given; the manifest last.

    Reads the documents once and holds some megabytes, whatever their number. ``key``: 32 random bytes that have sealed
    nothing else, by default new ones. ``processes`` share the hashing; the result does not depend on their number.

    Raises ``BadInput`` for no documents, one that cannot be written, more than ``MAX_BYTES``, or metadata that are no
    small JSON object; nothing but unnamed blocks is in the store then.
    """
    key = secrets.token_bytes(KEY_BYTES) if key is None else key
    described = _checked(metadata or {})
    with Tally(tree.salt_key(key, context), processes=processes) as tally:

        def plain() -> Iterator[bytes]:
            for lines in batches(documents):
                yield tally.add(lines)
                if tally.size > MAX_BYTES:
                    raise _too_large(context)
                if progress is not None:
                    progress("sealing documents", tally.count, 0)
            if not tally.count:
                raise BadInput("a data set without documents", input=context.provider, hint="give at least one")

        content = store.add(stream.seal(key, context, plain()))
        tally.close()
    codec, digest = cids.decode(content.cid)
    manifest = SealedManifest(
        chain_id=context.chain_id,
        market=context.market,
        round=context.round,
        provider=context.provider,
        dataset=context.dataset,
        documents=tally.count,
        size=tally.size,
        cid=content.cid,
        ciphertext_size=content.size,
        document_root=tally.root,
        key_commit=_key_commit(context, commitment.content_hash(digest, codec, tally.root), key),
        documents_digest=_seal_digest(context, key, tally.digest),
        licence=licence,
        metadata=described,
    )
    store.put(manifest.to_bytes())
    return Packed(manifest, key)


def open_sealed(
    store: ContentStore, manifest: SealedManifest, key: bytes, *, progress: Progress | None = None, processes: int = 1
) -> Iterator[Document]:
    """The documents, in bounded memory. They are what the manifest promises once the iterator has ended, not before.

    Raises ``CheckFailed`` naming what is wrong: the key (before anything is read), a block of the store, a chunk of
    the ciphertext, a document, or at the end the count, the document root or the digest.
    """
    lines = open_lines(store, manifest, key, progress=progress, processes=processes)
    return (tree.document_of(line, index) for index, line in enumerate(lines))


def open_lines(
    store: ContentStore, manifest: SealedManifest, key: bytes, *, progress: Progress | None = None, processes: int = 1
) -> Iterator[bytes]:
    """The canonical lines, without their line feeds; as :func:`open_sealed`, but no line is parsed."""
    manifest.check_key(key)
    context = manifest.context
    sealed = store.read(manifest.cid, max_size=manifest.ciphertext_size)
    with Tally(tree.salt_key(key, context), processes=processes) as tally:
        for lines in _lines(stream.unseal(key, context, sealed)):
            tally.add(lines)
            yield from lines
            if progress is not None:
                progress("opening documents", tally.count, manifest.documents)
        tally.close()
    for name, found, promised in (
        ("number of documents", tally.count, manifest.documents),
        ("size", tally.size, manifest.size),
        ("document root", tally.root, manifest.document_root),
        ("documents digest", _seal_digest(context, key, tally.digest), manifest.documents_digest),
    ):
        if found != promised:
            raise CheckFailed(
                f"data set {manifest.own_cid}: its {name} is not what the manifest says",
                input=name,
                hint="ask its provider",
            )


def documents_digest(manifest: SealedManifest, key: bytes) -> bytes:
    """The LtHash state of the documents, as the manifest states it: compared without fetching anything.

    Raises ``CheckFailed`` when the key is not the data set's or the state was altered.
    """
    manifest.check_key(key)
    (state,) = stream.unseal(key, manifest.context, [base64.b64decode(manifest.documents_digest)], purpose="digest")
    return state


def fetch_sealed(
    store: ContentStore,
    manifest_digest: bytes,
    *,
    provider: str,
    dataset_root: bytes,
    chain_id: int,
    market: str,
    round: int,
) -> SealedManifest:
    """The manifest that a commitment speaks of, and nothing else: verified and for this provider, market and round.

    Raises ``CheckFailed`` naming the manifest and the first word that is another.
    """
    cid = digest_to_cid(manifest_digest)
    manifest = read_manifest(store.get(cid), name=f"manifest {cid}")
    for name, found, expected in (
        ("chain", manifest.chain_id, chain_id),
        ("market", manifest.market.lower(), market.lower()),
        ("round", manifest.round, round),
        ("provider", manifest.provider.lower(), provider.lower()),
        ("data set root", "0x" + manifest.dataset_root.hex(), "0x" + dataset_root.hex()),
    ):
        if found != expected:
            raise CheckFailed(
                f"manifest {cid} is for another {name}: {found}, not {expected}", input=cid, hint="ask its provider"
            )
    return manifest


def read_manifest(data: bytes, *, name: str) -> SealedManifest:
    """Parse a manifest and check that its parts fit together; ``CheckFailed`` naming ``name`` and the part."""
    try:
        manifest = SealedManifest.model_validate(canonical.loads(data, name=name))
        codec = manifest.codec
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise CheckFailed(f"{name}: {where}: {first['msg']}", input=name, hint="ask its provider") from error
    except BadInput as error:  # foreign content: a bad name inside it is a failed check, not a bad flag of ours
        raise CheckFailed(f"{name}: cid: {error}", input=name, hint="ask its provider") from error
    for part, good in (
        ("spelling", manifest.to_bytes() == data),
        ("documents", manifest.documents > 0),
        ("size", manifest.size <= MAX_BYTES),
        ("ciphertext_size", manifest.ciphertext_size == stream.sealed_size(manifest.size)),
        ("cid", codec == (cids.RAW if manifest.ciphertext_size <= MAX_BLOCK else cids.DAG_PB)),
        ("metadata", len(canonical.dumps(manifest.metadata)) <= MAX_METADATA),
    ):
        if not good:
            raise CheckFailed(f"{name}: {part} cannot be right", input=name, hint="ask its provider")
    return manifest


def _lines(plain: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The whole lines of each piece of a stream."""
    pending = bytearray()
    for piece in plain:
        cut = piece.rfind(b"\n") + 1
        if not cut:
            pending += piece
            if len(pending) > MAX_LINE:
                raise CheckFailed(f"a line above {MAX_LINE} bytes", input="documents", hint="ask its provider")
            continue
        yield (bytes(pending) + piece[: cut - 1]).split(b"\n")
        pending = bytearray(piece[cut:])
    if pending:
        raise CheckFailed("the data end inside a document", input="documents", hint="ask its provider")


def _key_commit(context: Context, content_hash: bytes, key: bytes) -> bytes:
    return commitment.key_commit(
        chain_id=context.chain_id,
        market=context.market,
        round=context.round,
        provider=context.provider,
        content_hash=content_hash,
        key=key,
    )


def _seal_digest(context: Context, key: bytes, state: bytes) -> str:
    (sealed,) = stream.seal(key, context, [state], purpose="digest")
    return base64.b64encode(sealed).decode()


def _checked(metadata: Mapping[str, Any]) -> dict[str, Any]:
    if len(canonical.dumps(dict(metadata))) > MAX_METADATA:
        raise BadInput(f"metadata above {MAX_METADATA} bytes", input="metadata", hint="describe, do not list")
    return dict(metadata)


def _too_large(context: Context) -> BadInput:
    return BadInput(f"a data set above {MAX_BYTES} bytes", input=context.provider, hint="offer it as several data sets")
