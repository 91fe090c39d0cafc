"""Sealed data sets and those who score them: keys wrapped to the readers, texts opened by nobody else.

A provider wraps the key of its data set, once nobody can commit any more, to every member of the committee and to the
auditors whom the published specification names. A reader opens what was wrapped to it; what does not open under its
committer's address, a copied root for one, is struck before anything is compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oracle.chain.client import Market
from oracle.chain.events import Commitment
from oracle.chain.exchange import Exchange
from oracle.chain.terms import Phase
from oracle.corpus.spool import gather
from oracle.custody.context import Context
from oracle.custody.keystore import Keys
from oracle.custody.sealed import SealedManifest, fetch_sealed, open_sealed
from oracle.custody.store import Board, ContentStore, round_key
from oracle.custody.wraps import Wraps, read_wraps, unwrap_key, wrap_key
from oracle.errors import BadInput, CheckFailed
from oracle.evidence.leaf import Status
from oracle.node.committee import committee_of
from oracle.node.folder import Progress
from oracle.node.held import Held

if TYPE_CHECKING:  # it loads the language models' libraries, which handing over a key does without
    from oracle.node.pipeline import Pipeline

_REASON = 1000  # characters of what is published of a reason


@dataclass(frozen=True, slots=True)
class Reader:
    """Who opens: its address and its X25519 private keys (32 bytes each), oldest first."""

    address: str
    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, keys: Keys) -> Reader:
        """The owner of a key file, with the keys of all generations."""
        return cls(keys.owner, tuple(pair.x25519 for pair in keys.generations))

    @property
    def checkpoint_key(self) -> bytes:
        """What this reader's unfinished work on the texts is encrypted under: rotating keys does not change it."""
        return Context(0, self.address, 0, self.address, bytes(32)).derive(self.keys[0], "checkpoints")


def readers_of(market: Market, round_id: int, pipeline: Pipeline) -> dict[str, bytes]:
    """Registered X25519 keys by address, of the committee's members and of the specification's auditors; whoever has
    registered none can be shown nothing."""
    exchange = Exchange(market)
    members = committee_of(market, round_id).members
    found = {who: exchange.encryption_key(who) for who in dict.fromkeys((*members, *pipeline.auditors))}
    return {who: key for who, key in found.items() if key is not None}


def publish_wraps(
    market: Market, round_id: int, manifest: SealedManifest, key: bytes, readers: Mapping[str, bytes], board: Board
) -> Wraps:
    """Show the key of a data set to its readers, each under its own key.

    Raises BadInput in the commit phase: whoever saw wraps there could still commit to the same data as its own.
    """
    if market.phase(round_id) == Phase.COMMIT:
        raise BadInput(
            f"round {round_id} still takes commitments", input=f"round {round_id}", hint="wrap keys once it does not"
        )
    manifest.check_key(key)
    wraps = tuple(wrap_key(manifest.context, key, who, public) for who, public in readers.items())
    shown = Wraps(manifest=manifest.digest, wraps=wraps)
    board.publish(_key(market, round_id), _slot(manifest.provider), shown.to_bytes())
    return shown


def manifest_of(market: Market, round_id: int, bid: Commitment, store: ContentStore) -> SealedManifest:
    """The manifest that a commitment speaks of; CheckFailed when it is missing, altered or for another place."""
    return fetch_sealed(
        store,
        bid.manifest,
        provider=bid.provider,
        dataset_root=bid.dataset_root,
        chain_id=market.chain_id,
        market=market.address,
        round=round_id,
    )


def content_key(market: Market, manifest: SealedManifest, board: Board, reader: Reader) -> bytes:
    """The key that was wrapped to ``reader``, checked against the manifest; CheckFailed naming what is wrong."""
    wraps = wraps_of(market, manifest, board)
    if wraps is None:
        raise CheckFailed(
            f"{manifest.provider} has wrapped no keys",
            input=_slot(manifest.provider),
            hint="its owner does: mia bid wrap",
        )
    return unwrapped(manifest, wraps, reader)


def wraps_of(market: Market, manifest: SealedManifest, board: Board) -> Wraps | None:
    """What the provider has shown of its key; None while it has shown nothing. CheckFailed when it is unreadable or
    speaks of another manifest."""
    slot = _slot(manifest.provider)
    data = board.read(_key(market, manifest.round), slot)
    return None if data is None else read_wraps(data, manifest=manifest.digest, name=slot)


def unwrapped(manifest: SealedManifest, wraps: Wraps, reader: Reader) -> bytes:
    """The key out of the wrap addressed to ``reader``; CheckFailed where there is none or it is not the key."""
    key = unwrap_key(manifest.context, wraps, reader.address, *reader.keys)
    manifest.check_key(key)
    return key


def open_round(
    market: Market,
    round_id: int,
    store: ContentStore,
    board: Board,
    reader: Reader,
    pipeline: Pipeline,
    *,
    keep: bool = False,
    progress: Progress | None = None,
) -> tuple[Held, ...]:
    """Every live commitment's texts, verified, in the order of places, on disk under a key that dies with this process.

    Whatever is wrong with a bid is its status, with the reason: UNSUPPORTED for more than the specification takes of
    one, UNAVAILABLE for what does not open. ``keep`` pins the ciphertexts: operators keep them until deliveries cannot
    be disputed any more.

    Raises EnvironmentFailure when disk, store or board do not do their part: that is nobody's fault who bids.
    """
    commitments = market.commitments(round_id)
    held = []
    for done, bid in enumerate(commitments):
        if progress:
            progress("open", done, len(commitments))
        try:
            manifest = manifest_of(market, round_id, bid, store)
            if excess := pipeline.bid_limits.exceeded(manifest.size, manifest.documents):
                held.append(Held(None, excess, Status.UNSUPPORTED))
                continue
            documents = gather(open_sealed(store, manifest, content_key(market, manifest, board, reader)))
            if keep:  # what was read to its end is bounded: a pin walks all of what it is given
                store.pin(manifest.cid, f"{_key(market, round_id)}.{bid.provider.lower()}.content")
                store.pin(manifest.own_cid, f"{_key(market, round_id)}.{bid.provider.lower()}.manifest")
            held.append(Held(documents))
        except CheckFailed as error:
            held.append(Held(None, str(error).replace(reader.address, "the reader")[:_REASON]))
        except Exception as error:
            error.add_note(f"while the bid of {bid.provider} in round {round_id} was opened")
            raise
    if progress:
        progress("open", len(commitments), len(commitments))
    return tuple(held)


def _key(market: Market, round_id: int) -> str:
    return round_key(market.chain_id, market.address, round_id)


def _slot(provider: str) -> str:
    return f"wraps-{provider.lower()}"
