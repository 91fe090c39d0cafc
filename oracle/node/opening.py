"""Sealed data sets and those who score them: keys wrapped to the readers, texts opened by nobody else.

A provider wraps the key of its data set, once nobody can commit any more, to every member of the committee and to the
auditors whom the published specification names: each under a key that its own wallet signed. A reader opens what was
wrapped to it; what does not open under its committer's address, a copied root for one, is struck before anything is
compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eth_account.signers.local import LocalAccount

from oracle.chain.client import Market
from oracle.chain.events import Commitment
from oracle.chain.exchange import Exchange
from oracle.chain.terms import Phase
from oracle.corpus.spool import gather
from oracle.custody.context import Context
from oracle.custody.keystore import Keys
from oracle.custody.sealed import SealedManifest, fetch_sealed, open_sealed
from oracle.custody.store import Board, ContentStore, round_key
from oracle.custody.wraps import (
    MAX_WRAPS,
    Wraps,
    read_wraps,
    require_recipient,
    require_signed,
    sign_wraps,
    unwrap_key,
    wrap_key,
)
from oracle.errors import BadInput, CheckFailed
from oracle.evidence.encryption_key import require_owner
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


@dataclass(frozen=True, slots=True)
class Readers:
    """Who is to open the texts of a round: X25519 keys (32 bytes) by address, and why others are left out."""

    keys: Mapping[str, bytes]
    left_out: Mapping[str, str]


def readers_of(market: Market, round_id: int, pipeline: Pipeline) -> Readers:
    """The committee's members and the specification's auditors, each with the key that its own wallet signed.

    Whoever was slashed, has registered no key, or one that nothing can be wrapped to, is left out with the reason: that
    costs nobody else anything. CheckFailed for more readers than wraps can be read.
    """
    exchange, committee = Exchange(market), committee_of(market, round_id)
    wanted = dict.fromkeys((*committee.members, *pipeline.auditors))
    if len(wanted) > MAX_WRAPS:
        raise CheckFailed(
            f"{len(wanted)} are to read the texts of round {round_id}, {MAX_WRAPS} can",
            input=f"round {round_id}",
            hint="its planner named too many auditors",
        )
    keys, left_out = {}, {}
    for who in wanted:
        try:
            _, _, slashed = market.committee.functions.operatorOf(who).call()
            if slashed or who in committee.retired:
                raise CheckFailed("it was slashed", input=who)
            keys[who] = _own_key(exchange, who)
        except (BadInput, CheckFailed) as error:
            left_out[who] = str(error)
    return Readers(keys, left_out)


def publish_wraps(
    market: Market,
    round_id: int,
    manifest: SealedManifest,
    key: bytes,
    readers: Readers,
    board: Board,
    signer: LocalAccount,
) -> Wraps:
    """Show the key of a data set to its readers, each under its own key, signed by the provider or its board key.

    Raises BadInput for another signer, and in the commit phase: whoever saw wraps there could still commit to the same
    data as its own.
    """
    if market.phase(round_id) == Phase.COMMIT:
        raise BadInput(
            f"round {round_id} still takes commitments", input=f"round {round_id}", hint="wrap keys once it does not"
        )
    manifest.check_key(key)
    wraps = [wrap_key(manifest.context, key, who, public) for who, public in readers.keys.items()]
    shown = sign_wraps(signer, manifest, wraps)
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
            f"{manifest.provider} has wrapped no keys under its signature",
            input=_slot(manifest.provider),
            hint="its owner does: mia bid wrap",
        )
    return unwrapped(manifest, wraps, reader)


def wraps_of(market: Market, manifest: SealedManifest, board: Board) -> Wraps | None:
    """What the provider has shown of its key; None while it has shown nothing that is signed.

    CheckFailed for what is unreadable, speaks of another manifest, was altered, or is signed by somebody else.
    """
    slot = _slot(manifest.provider)
    data = board.read(_key(market, manifest.round), slot)
    if data is None:
        return None
    wraps = read_wraps(data, manifest=manifest.digest, name=slot)
    if wraps.signature is None:
        return None
    require_signed(manifest, wraps, name=slot)
    return wraps


def unwrapped(manifest: SealedManifest, wraps: Wraps, reader: Reader) -> bytes:
    """The key out of a wrap addressed to ``reader``; CheckFailed where there is none or it is not the key."""
    return unwrap_key(manifest, wraps, reader.address, *reader.keys)


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
            if keep:  # what was read to its end
                name = f"{_key(market, round_id)}.{bid.provider.lower()}"
                store.pin(manifest.cid, f"{name}.content", max_size=manifest.ciphertext_size, exact=True)
                store.pin(manifest.own_cid, f"{name}.manifest")
            held.append(Held(documents))
        except CheckFailed as error:
            held.append(Held(None, str(error).replace(reader.address, "the reader")[:_REASON]))
        except Exception as error:
            error.add_note(f"while the bid of {bid.provider} in round {round_id} was opened")
            raise
    if progress:
        progress("open", len(commitments), len(commitments))
    return tuple(held)


def _own_key(exchange: Exchange, who: str) -> bytes:
    found = exchange.encryption_key(who)
    if found is None:
        raise CheckFailed("it has registered no encryption key", input=who)
    require_owner(who, found.key, found.signature)
    require_recipient(who, found.key)
    return found.key


def _key(market: Market, round_id: int) -> str:
    return round_key(market.chain_id, market.address, round_id)


def _slot(provider: str) -> str:
    return f"wraps-{provider.lower()}"
