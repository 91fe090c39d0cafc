"""The steps of a bid's life, which the provider's commands and the demo share."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.cli.session import Session, send
from oracle.errors import BadInput

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from oracle.corpus.document import Document
    from oracle.custody.bidfile import Bid


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
    work: int | None = None,
) -> Committed:
    """Publish the corpus, write the bid file, read it back, and only then send the transaction.

    A file left by an interrupted run is taken up: the same bid is sent, no second salt is made. Raises BadInput outside
    the commit phase, for a cost above the cap, or when the file holds another bid. ``work``: see ``write_bid``.
    """
    from oracle.chain.terms import Phase
    from oracle.custody.bidfile import SCRYPT_WORK, read_bid, write_bid
    from oracle.custody.dataset import publish_dataset

    market = session.market
    market.require_phase(round, Phase.COMMIT)
    terms = market.terms(round)
    if not 0 < cost <= terms.cap:
        raise BadInput(
            f"a bid of {cost} money units is never eligible: the cap is {terms.cap}",
            input="--cost",
            hint=f"Ask between 1 and {terms.cap} money units ({terms.money_unit} smallest units of the token each).",
        )
    manifest = publish_dataset(session.store, account.address, documents)
    if file.exists():
        bid = read_bid(file, secret)
        _require_same(bid, session, account.address, round, manifest.digest, cost, file)
    else:
        bid = _new_bid(session, account.address, round, terms.hash(), manifest, cost)
        write_bid(file, bid, secret, work=work or SCRYPT_WORK)
    live = {known.provider: known for known in market.commitments(round)}.get(account.address)
    if live is not None and live.sealed == bid.sealed():
        return Committed(bid, manifest.documents, "", sent=False)
    calls = market.contract.functions
    if live is not None and live.dataset_root == bid.dataset_root:
        call, value = calls.reseal(round, bid.sealed()), 0
    else:
        call = calls.commit(round, bid.sealed(), bid.dataset_root, bid.manifest)
        value = terms.bid_bond if live is None else 0
    receipt = send(session, account, call, value=value)
    return Committed(bid, manifest.documents, receipt, sent=True)


def reveal_bid(session: Session, account: LocalAccount, bid: Bid) -> str:
    """Open a sealed bid with its score proof; the transaction hash. Anybody's account may send it.

    Raises BadInput outside the reveal phase, or when the file belongs to another market or chain.
    """
    from oracle.chain.terms import Phase
    from oracle.node.reporting import leaf_and_proof

    market = session.market
    _require_here(bid, session)
    market.require_phase(bid.round, Phase.REVEAL)
    leaf, proof = leaf_and_proof(market, bid.round, bid.provider, session.board)
    call = market.contract.functions.reveal(bid.round, leaf.as_tuple(), proof, bid.cost, bid.salt)
    return send(session, account, call)


def claim_for(session: Session, account: LocalAccount, round: int, provider: str) -> str:
    """Pull one provider's cash, MUT, DST and bond to that provider, whoever sends it; the transaction hash."""
    return send(session, account, session.market.contract.functions.claim(round, provider))


def bid_status(session: Session, round: int, provider: str) -> dict[str, Any]:
    """What the chain says of one provider's bid, money in money units and smallest units as strings."""
    market = session.market
    phase = market.phase(round)
    live = next((known for known in market.commitments(round) if known.provider == provider), None)
    opened = next((known for known in market.reveals(round) if known.provider == provider), None)
    paid = next((known for known in market.claims(round) if known.provider == provider), None)
    reward = market.contract.functions.rewardOf(round, provider).call() if market.state(round).settled else None
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
        "next": _next_step(phase.name, live is not None, opened is not None, paid is not None),
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


def _new_bid(session: Session, provider: str, round: int, terms_hash: bytes, manifest: Any, cost: int) -> Bid:
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
    bid: Bid, session: Session, provider: str, round: int, manifest: bytes, cost: int, file: Path
) -> None:
    _require_here(bid, session)
    if (bid.provider, bid.round, bid.manifest, bid.cost) != (provider, round, manifest, cost):
        raise BadInput(
            "the bid file holds another bid (other round, provider, corpus or cost)",
            input=str(file),
            hint="Choose another --bid-file: a bid that may be on chain is never overwritten.",
        )
