"""An encrypted data set: one stored ciphertext, and a public manifest that says what it is and what it is bound to.

The canonical lines of the documents, each with its line feed, form one stream, which is encrypted (stream.py) and
stored as one file. The manifest is a block of canonical JSON; its sha256 is the ``manifest`` of a commitment, and its
``dataset_root`` stands on chain for ciphertext, document root and key. It is published last: where there is a manifest,
the data set is whole.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.corpus.document import Document
from oracle.custody import cid as cids
from oracle.custody import documents as tree
from oracle.custody import metadata as croissant
from oracle.custody import stream
from oracle.custody.context import KEY_BYTES, Context
from oracle.custody.journal import Journal
from oracle.custody.manifest import MAX_BYTES, SealedManifest, key_commit, read_manifest
from oracle.custody.segments import whole
from oracle.custody.store import ContentStore, digest_to_cid
from oracle.custody.tally import MAX_LINE, Progress, Tally, batches
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment

__all__ = [
    "Packed",
    "SealedManifest",
    "documents_digest",
    "fetch_sealed",
    "open_lines",
    "open_sealed",
    "pack",
    "prove_document",
    "read_manifest",
    "require_published",
    "verify_sealed",
]


@dataclass(frozen=True, slots=True)
class Packed:
    """A data set in the store and the key that opens it. Keep the key: without it the data set is noise."""

    manifest: SealedManifest
    key: bytes = field(repr=False)


def pack(
    store: ContentStore,
    context: Context,
    documents: Iterable[Document],
    key: bytes | None = None,
    *,
    licence: bytes = bytes(32),
    metadata: Mapping[str, Any] | None = None,
    board_key: str | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
    processes: int = 1,
) -> Packed:
    """Encrypt and store documents in the order given; the manifest last. Both are pinned under the data set's name.

    Reads the documents once and holds some megabytes, whatever their number. ``key``: 32 random bytes that have sealed
    nothing else, by default new ones; a run that may be interrupted and go on has a ``journal`` of its context and key,
    which gives each run a salt of its own. ``metadata``: what the owner tells in public, as Croissant. ``board_key``:
    the address of a key that may sign key wraps for the provider. ``processes`` share the hashing; the result does not
    depend on their number.

    Raises ``BadInput`` for no documents, one that cannot be written, more than ``MAX_BYTES``, or metadata that are no
    small JSON object; the store then holds nothing but nameless blocks, which garbage collection removes.
    """
    key = secrets.token_bytes(KEY_BYTES) if key is None else key
    told = croissant.checked(metadata or {})
    hasher = hashlib.sha256()

    def plain(tally: Tally) -> Iterator[bytes]:
        for lines in batches(documents):
            yield tally.add(lines)
            yield b"\n"
            if tally.size > MAX_BYTES:
                raise BadInput(
                    f"a data set above {MAX_BYTES} bytes", input=context.provider, hint="offer it as several data sets"
                )
            if progress is not None:
                progress("sealing documents", tally.count, 0)
        if not tally.count:
            raise BadInput("a data set without documents", input=context.provider, hint="give at least one document")

    def hashed(sealed: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in sealed:
            hasher.update(chunk)
            yield chunk

    segments = journal.segments() if journal else whole(bytes(32))
    salt = segments[-1].salt
    with Tally(tree.salt_key(key, context, salt), processes=processes) as tally:
        sealed = stream.seal(key, context, plain(tally), segments)
        content = store.add(hashed(journal.guard(sealed, segments[-1]) if journal else sealed))
        tally.close()
    chunks = stream.chunks_of(content.size)
    store.pin(content.cid, f"{context.dataset.hex()}.content", max_size=content.size, exact=True)
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
        segments=tuple(segment for segment in segments if segment.first < chunks),
        salt=salt,
        document_root=tally.root,
        key_commit=key_commit(context, commitment.content_hash(digest, codec, tally.root), key),
        documents_digest=_seal_digest(context, key, salt, tally.digest),
        licence=licence,
        metadata=croissant.describe(
            told,
            context,
            documents=tally.count,
            size=tally.size,
            cid=content.cid,
            sealed=content.size,
            sha256=hasher.hexdigest(),
            licence=licence,
        ),
        board_key=board_key,
    )
    store.pin(store.put(manifest.to_bytes()), f"{context.dataset.hex()}.manifest")
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
    sealed = store.read(manifest.cid, max_size=manifest.ciphertext_size, exact=True)
    with Tally(tree.salt_key(key, context, manifest.salt), processes=processes) as tally:
        for lines in _lines(stream.unseal(key, context, sealed, manifest.segments)):
            tally.add(lines)
            yield from lines
            if progress is not None:
                progress("opening documents", tally.count, manifest.documents)
        tally.close()
    for name, found, promised in (
        ("number of documents", tally.count, manifest.documents),
        ("size", tally.size, manifest.size),
        ("document root", tally.root, manifest.document_root),
        ("documents digest", _seal_digest(context, key, manifest.salt, tally.digest), manifest.documents_digest),
    ):
        if found != promised:
            raise CheckFailed(
                f"data set {manifest.own_cid}: its {name} is not what the manifest says",
                input=name,
                hint="ask its provider",
            )


def require_published(store: ContentStore, manifest: SealedManifest) -> None:
    """``CheckFailed`` unless the store holds this very manifest: one that was altered since is not there."""
    try:
        store.get(manifest.own_cid)
    except CheckFailed as error:
        raise CheckFailed(
            f"the store holds no manifest {manifest.own_cid}: it was altered, or never published",
            input=manifest.own_cid,
            hint="use the manifest as it was packed, and the store it was packed into",
        ) from error


def verify_sealed(
    store: ContentStore,
    manifest: SealedManifest,
    key: bytes | None = None,
    *,
    progress: Progress | None = None,
    processes: int = 1,
) -> None:
    """Check that the store holds this manifest and every block of its ciphertext; with the key, all that is inside.

    Raises ``CheckFailed`` naming the first thing that is not what it should be.
    """
    require_published(store, manifest)
    if key is not None:
        for _ in open_sealed(store, manifest, key, progress=progress, processes=processes):
            pass
        return
    size = 0
    for piece in store.read(manifest.cid, max_size=manifest.ciphertext_size, exact=True):
        size += len(piece)
        if progress is not None:
            progress("reading bytes", size, manifest.ciphertext_size)
    if size != manifest.ciphertext_size:
        raise CheckFailed(
            f"the ciphertext has {size} bytes, not {manifest.ciphertext_size}",
            input=manifest.cid,
            hint="ask its provider",
        )


def prove_document(
    store: ContentStore, manifest: SealedManifest, key: bytes, index: int, *, progress: Progress | None = None
) -> tree.Opening:
    """Open document ``index`` (from 0) to whoever knows the manifest; the others stay closed. Reads all of them once.

    Raises ``BadInput`` when there is no such document, ``CheckFailed`` as :func:`open_sealed`.
    """
    lines = open_lines(store, manifest, key, progress=progress)
    return tree.prove(tree.salt_key(key, manifest.context, manifest.salt), lines, manifest.documents, index)


def documents_digest(manifest: SealedManifest, key: bytes) -> bytes:
    """The LtHash state of the documents, as the manifest states it: compared without fetching anything.

    Raises ``CheckFailed`` when the key is not the data set's or the state was altered.
    """
    manifest.check_key(key)
    sealed = [base64.b64decode(manifest.documents_digest)]
    (state,) = stream.unseal(key, manifest.context, sealed, whole(manifest.salt), purpose="digest")
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


def _seal_digest(context: Context, key: bytes, salt: bytes, state: bytes) -> str:
    (sealed,) = stream.seal(key, context, [state], whole(salt), purpose="digest")
    return base64.b64encode(sealed).decode()
