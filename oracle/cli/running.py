"""The steps of a running round, which the planner's commands and the demo share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oracle.cli.session import Session

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


def draw_sample(session: Session, round: int, pool: list[Any]) -> int:
    """Open the drawn documents of the validation pool on the board; how many."""
    from oracle.node import pipeline, validation

    size = pipeline.load(session.store, session.market.terms(round).pipeline_hash).validation
    return len(validation.open_sample(session.market, round, pool, size, session.board).documents)


def settle_round(session: Session, account: LocalAccount, round: int, batch: int) -> dict[str, Any]:
    """Clear the opened bids in the order of reveals and propose the certificates, the tranche's first.

    Weights and money as strings; ``winning_weight`` and ``marginal`` are the main auction's.
    """
    from oracle.audit.auctions import clear_round
    from oracle.chain.settlement import settle_auction
    from oracle.chain.terms import Phase

    market = session.market
    market.require_phase(round, Phase.SETTLE)
    opened = market.reveals(round)
    auctions = clear_round(market.terms(round), opened)
    transactions = [
        "0x" + receipt["transactionHash"].hex()
        for auction in reversed(auctions)  # the tranche first: what it leaves is the main auction's
        for receipt in settle_auction(
            market, account, round, auction.group, auction.bids, auction.outcome.certificate, batch=batch
        )
    ]
    weight, marginal = auctions[0].outcome.certificate
    main = [reveal for reveal in opened if reveal.group == 0]
    return {
        "round": round,
        "bids": len(opened),
        "winners": sum(len(auction.outcome.winners) for auction in auctions),
        "winning_weight": str(weight),
        "marginal": None if marginal is None else main[marginal].provider,
        "total_reward": str(sum(auction.outcome.total_reward for auction in auctions)),
        "transactions": transactions,
    }


def round_status(session: Session, round: int) -> dict[str, Any]:
    """Everything a planner asks of a running round; times in ISO 8601, money units and weights as strings."""
    market = session.market
    frozen, state = market.terms(round), market.state(round)
    settled = market.settlements(round) if state.settled else ()
    deadlines = ["commit", "observe", "report", "challenge", "reveal", "settle"]
    if frozen.deliver_end:
        deadlines += ["deliver", "bounty"]
    return {
        "round": round,
        "market": market.address,
        "chain_id": market.chain_id,
        "phase": market.phase(round).name.lower(),
        "planner": frozen.planner,
        "terms_hash": frozen.hash(),
        "deadlines": {
            name: datetime.fromtimestamp(getattr(frozen, f"{name}_end"), UTC).isoformat() for name in deadlines
        },
        "bids": state.bonded,
        "observations": len(market.observations(round)),
        "reported": market.report(round) is not None,
        "revealed": state.revealed,
        "winning_weight": str(sum(one.winning_weight for one in settled)) if settled else None,
        "total_reward": str(state.total_reward) if settled else None,
        "claimed": len(market.claims(round)),
    }
