"""The steps of a bid's life, which the provider's commands and the demo share."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.cli.session import Session, send
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from oracle.cli.output import ProgressCallback
    from oracle.corpus.document import Document
    from oracle.custody.bidfile import Bid
    from oracle.custody.manifest import SealedManifest


@dataclass(frozen=True)
class Committed:
    """A bid on chain: what its owner needs to know. ``sent`` is False when it was there already."""

    bid: Bid
    documents: int
    transaction: str
    sent: bool


def commit_bid(
    session: Session,
    account: LocalAccount,
    secret: str,
    *,
    round: int,
    documents: Sequence[Document],
    cost: int,
    file: Path,
    replaces: Bid | None = None,
    board_key: str | None = None,
    work: int | None = None,
    progress: ProgressCallback | None = None,
) -> Committed:
    """Seal and publish the corpus, write the bid file, read it back, and only then send the transaction.

    A file left by an interrupted run is taken up: the same bid is sent, no second key or salt is made. ``replaces``: an
    earlier bid on the same texts, whose sealed data set and place the new one keeps. ``board_key``: the address of a
    key that may sign key wraps beside the wallet. ``work``: see ``write_bid``. Raises BadInput outside the commit
    phase, for a cost above the cap, or when a file holds another bid.
    """
    from oracle.chain.terms import Phase
    from oracle.custody.bidfile import SCRYPT_WORK, read_bid, write_bid
    from oracle.custody.context import Context
    from oracle.custody.sealed import pack

    market = session.market
    market.require_phase(round, Phase.COMMIT)
    terms = market.terms(round)
    if not 0 < cost <= terms.cap:
        raise BadInput(
            f"a bid of {cost} money units is never eligible: the cap is {terms.cap}",
            input="--cost",
            hint=f"Ask between 1 and {terms.cap} money units ({terms.money_unit} smallest units of the token each).",
        )
    known = read_bid(file, secret) if file.exists() else None
    if known is not None:
        _require_same(known, session, account.address, round, documents, cost, file, board_key)
        bid = known
    elif replaces is not None:
        _require_same(replaces, session, account.address, round, documents, replaces.cost, file, board_key)
        bid = replaces.model_copy(update={"cost": cost, "salt": secrets.token_bytes(32)})
    else:
        here = Context.new(chain_id=market.chain_id, market=market.address, round=round, provider=account.address)
        licence = terms.agreement_hash
        packed = pack(session.store, here, documents, licence=licence, board_key=board_key, progress=progress)
        bid = _new_bid(session, account.address, round, terms.hash(), packed.manifest, packed.key, cost)
    if known is None:
        write_bid(file, bid, secret, work=work or SCRYPT_WORK)
    live = {other.provider: other for other in market.commitments(round)}.get(account.address)
    if live is not None and live.sealed == bid.sealed():
        return Committed(bid, len(documents), "", sent=False)
    calls = market.contract.functions
    if live is not None and live.dataset_root == bid.dataset_root:
        call, value = calls.reseal(round, bid.sealed()), 0
    else:
        call = calls.commit(round, bid.sealed(), bid.dataset_root, bid.manifest)
        value = terms.bid_bond if live is None else 0
    receipt = send(session, account, call, value=value)
    return Committed(bid, len(documents), receipt, sent=True)


def wrap_bid(session: Session, account: LocalAccount, bid: Bid) -> dict[str, Any]:
    """Show the key of a bid's data set to the round's operators and auditors, each under its own key; signed by
    ``account``, the provider's or the one its manifest names as board key.

    Who of them is left out is said with the reason: it will report the data set as unavailable. Raises BadInput in the
    commit phase, for another account, or for a bid file without a content key; CheckFailed when the node names other
    terms than those that were bid under: they say who may read.
    """
    from oracle.node import pipeline
    from oracle.node.opening import publish_wraps, readers_of

    market = session.market
    require_terms(session, bid)
    if bid.content_key is None:
        raise BadInput("the bid file holds no content key", input="bid file", hint="Use the file of this very bid.")
    specification = pipeline.load(session.store, market.terms(bid.round).pipeline_hash)
    readers = readers_of(market, bid.round, specification)
    manifest = _manifest_of(session, bid)
    publish_wraps(market, bid.round, manifest, bid.content_key, readers, session.board, account)
    return {
        "round": bid.round,
        "provider": bid.provider,
        "readers": list(readers.keys),
        "left_out": [{"reader": who, "reason": reason} for who, reason in readers.left_out.items()],
    }


def require_terms(session: Session, bid: Bid) -> None:
    """What is shown of a bid, and to whom, follows from its round's terms: they have to be those that were bid under.

    Raises BadInput for a bid of another market, CheckFailed when the node names other terms than the bid file.
    """
    _require_here(bid, session)
    if session.market.terms(bid.round).hash() != bid.terms_hash:
        raise CheckFailed(
            f"the node names other terms of round {bid.round} than those you bid under",
            input=f"round {bid.round}",
            hint="Nothing was shown to anybody. Use another RPC URL.",
        )


def reveal_bid(session: Session, account: LocalAccount, bid: Bid) -> str:
    """Open a sealed bid with its score proof; the transaction hash. Anybody's account may send it.

    Raises BadInput outside the reveal phase, or when the file belongs to another market or chain; CheckFailed when the
    node names other terms than those that were bid under.
    """
    from oracle.chain.terms import Phase
    from oracle.node.reporting import leaf_and_proof

    market = session.market
    require_terms(session, bid)
    market.require_phase(bid.round, Phase.REVEAL)
    leaf, proof = leaf_and_proof(market, bid.round, bid.provider, session.board)
    call = market.contract.functions.reveal(bid.round, leaf.as_tuple(), proof, bid.cost, bid.salt)
    return send(session, account, call)


def claim_for(session: Session, account: LocalAccount, round: int, provider: str) -> str:
    """Pull one provider's cash, MUT, DST and bond to that provider, whoever sends it; the transaction hash."""
    return send(session, account, session.market.contract.functions.claim(round, provider))


def bid_status(session: Session, round: int, provider: str) -> dict[str, Any]:
    """What the chain says of one provider's bid, money in money units and smallest units as strings."""
    from oracle.audit.deliveries import deliveries_of
    from oracle.audit.sentences import next_step

    market = session.market
    phase = market.phase(round)
    live = next((known for known in market.commitments(round) if known.provider == provider), None)
    opened = next((known for known in market.reveals(round) if known.provider == provider), None)
    paid = next((known for known in market.claims(round) if known.provider == provider), None)
    reward = market.contract.functions.rewardOf(round, provider).call() if market.state(round).settled else None
    delivery = deliveries_of(market, round, [provider]).get(provider) if reward and reward[0] else None
    return {
        "round": round,
        "provider": provider,
        "phase": phase.name.lower(),
        "committed": live is not None,
        "place": live.position if live else None,
        "revealed": opened is not None,
        "cost": str(opened.cost) if opened else None,
        "weight": str(opened.weight) if opened else None,
        "reward": str(reward[0]) if reward else None,
        "claimed": paid is not None,
        "delivery": delivery.standing.value if delivery else None,
        "next": next_step(delivery)
        if delivery
        else _next_step(phase.name, live is not None, opened is not None, paid is not None),
    }


def _next_step(phase: str, committed: bool, revealed: bool, claimed: bool) -> str:
    if not committed:
        return "mia bid commit" if phase == "COMMIT" else "nothing: no bid in this round"
    if phase in ("CLAIM", "VOID"):
        return "nothing: all paid" if claimed else "mia claim"
    if phase == "REVEAL":
        return "wait for settlement" if revealed else "mia bid reveal, before the phase ends: the bond is at stake"
    return (
        "wait for the reveal phase" if phase in ("COMMIT", "OBSERVE", "REPORT", "CHALLENGE") else "wait for settlement"
    )


def _new_bid(
    session: Session, provider: str, round: int, terms_hash: bytes, manifest: SealedManifest, key: bytes, cost: int
) -> Bid:
    from oracle.custody.bidfile import Bid

    return Bid(
        chain=session.market.chain_id,
        market=session.market.address,
        round=round,
        provider=provider,
        terms_hash=terms_hash,
        dataset_root=manifest.dataset_root,
        manifest=manifest.digest,
        cost=cost,
        salt=secrets.token_bytes(32),
        content_key=key,
    )


def _manifest_of(session: Session, bid: Bid) -> SealedManifest:
    """The manifest behind a bid file; CheckFailed when the store has lost it."""
    from oracle.custody.sealed import fetch_sealed

    return fetch_sealed(
        session.store,
        bid.manifest,
        provider=bid.provider,
        dataset_root=bid.dataset_root,
        chain_id=bid.chain,
        market=bid.market,
        round=bid.round,
    )


def _require_here(bid: Bid, session: Session) -> None:
    here = (session.market.chain_id, session.market.address)
    if (bid.chain, bid.market) != here:
        raise BadInput(
            f"this bid is for market {bid.market} on chain {bid.chain}, not {here[1]} on chain {here[0]}",
            input="bid file",
            hint="Give the RPC URL and the contract of the bid's own market.",
        )


def _require_same(
    bid: Bid,
    session: Session,
    provider: str,
    round: int,
    documents: Sequence[Document],
    cost: int,
    file: Path,
    board_key: str | None,
) -> None:
    """BadInput unless the bid is the provider's, in this round, at this cost, with this board key and on these very
    texts."""
    from oracle.custody import documents as tree
    from oracle.custody.tally import Tally, batches

    _require_here(bid, session)
    same = (bid.provider, bid.round, bid.cost) == (provider, round, cost) and bid.content_key is not None
    if same and bid.content_key is not None:
        manifest = _manifest_of(session, bid)
        with Tally(tree.salt_key(bid.content_key, manifest.context, manifest.salt)) as tally:
            for lines in batches(documents):
                tally.add(lines)
            tally.close()
        same = (tally.root, board_key) == (manifest.document_root, manifest.board_key)
    if not same:
        raise BadInput(
            "the bid file holds another bid (other round, provider, corpus, cost or board key)",
            input=str(file),
            hint="Choose another --bid-file: a bid that may be on chain is never overwritten.",
        )
