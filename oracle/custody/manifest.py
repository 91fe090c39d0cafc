"""The public description of an encrypted data set, and the words in it that a commitment binds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from oracle.custody import cid as cids
from oracle.custody import stream
from oracle.custody.context import KEY_BYTES, Context
from oracle.custody.lthash import STATE_BYTES
from oracle.custody.metadata import MAX_METADATA
from oracle.custody.segments import Segment, fit
from oracle.custody.store import MAX_BLOCK, digest_to_cid
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical, commitment
from oracle.evidence.fields import Address, Bytes32, Count, Record

MAX_BYTES = 1 << 36
"""A data set claiming more is not fetched: whoever reads foreign content bounds it."""
_DIGEST_TEXT = 4 * -(-(STATE_BYTES + stream.TAG) // 3)  # base64, no padding: 2,064 is a multiple of 3


class SealedManifest(Record):
    """What is public about an encrypted data set.

    ``size`` and ``ciphertext_size`` in bytes; ``segments`` the salts that the chunks of the ciphertext were sealed
    under, ``salt`` that of the run that ended: the salts of the documents and the key of their digest come from it;
    ``documents_digest`` the LtHash state of the documents, encrypted under the content key (base64); ``licence`` the
    sha256 of the licence text, or zero; ``metadata`` a Croissant document; ``board_key`` the address of a key that may
    sign key wraps beside the provider's wallet.
    """

    kind: Literal["mixed-mia/sealed-dataset/2"] = "mixed-mia/sealed-dataset/2"
    chain_id: Count
    market: Address
    round: Count
    provider: Address
    dataset: Bytes32
    documents: Count
    size: Count
    cid: str
    ciphertext_size: Count
    segments: tuple[Segment, ...]
    salt: Bytes32
    document_root: Bytes32
    key_commit: Bytes32
    documents_digest: Annotated[str, Field(pattern=rf"^[A-Za-z0-9+/]{{{_DIGEST_TEXT}}}$")]
    licence: Bytes32
    metadata: dict[str, Any]
    board_key: Address | None = None

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
        if len(key) != KEY_BYTES or key_commit(self.context, self.content_hash, key) != self.key_commit:
            raise CheckFailed(
                f"this is not the key that data set {self.own_cid} is committed to",
                input="key",
                hint="use the key of this data set, round and provider",
            )


def read_manifest(data: bytes, *, name: str) -> SealedManifest:
    """Parse a manifest and check that its parts fit together; ``CheckFailed`` naming ``name`` and the part."""
    try:
        manifest = SealedManifest.from_bytes(data, name=name, hint="ask its provider")
        codec = manifest.codec
    except BadInput as error:  # foreign content: a bad name inside it is a failed check, not a bad flag of ours
        raise CheckFailed(f"{name}: cid: {error}", input=name, hint="ask its provider") from error
    for part, good in (
        ("documents", manifest.documents > 0),
        ("size", manifest.size <= MAX_BYTES),
        ("ciphertext_size", manifest.ciphertext_size == stream.sealed_size(manifest.size)),
        ("segments", fit(manifest.segments, stream.chunks_of(manifest.ciphertext_size))),
        ("cid", codec == (cids.RAW if manifest.ciphertext_size <= MAX_BLOCK else cids.DAG_PB)),
        ("metadata", len(canonical.dumps(manifest.metadata)) <= MAX_METADATA),
    ):
        if not good:
            raise CheckFailed(f"{name}: {part} cannot be right", input=name, hint="ask its provider")
    return manifest


def key_commit(context: Context, content_hash: bytes, key: bytes) -> bytes:
    """The commitment to ``key`` for this content in this place."""
    return commitment.key_commit(
        chain_id=context.chain_id,
        market=context.market,
        round=context.round,
        provider=context.provider,
        content_hash=content_hash,
        key=key,
    )
