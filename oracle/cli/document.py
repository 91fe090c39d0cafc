"""``round.json``: a rebuilt round as one JSON document, the input of `explain`, of the report page and of other tools.

Money units, weights, units, shares and wei are decimal strings; scores are numbers in [0, 1] with four decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oracle.cli.session import Session
from oracle.mechanism.clearing import price

if TYPE_CHECKING:
    from oracle.audit.auctions import Auction
    from oracle.audit.outcome import RoundOutcome, Row
    from oracle.evidence.observation import Observation

KIND = "mixed-mia/round/1"
WAD = 10**18
QUANTA = 10_000


def round_document(session: Session, outcome: RoundOutcome, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The whole round. ``names`` calls addresses by what their owners are called; without it they stand for themselves.

    What only the demo knows (audit, stages, next steps) is left empty for it to fill in.
    """
    from oracle.chain.token import read_token
    from oracle.node.reporting import collect_observations

    market, terms = session.market, outcome.terms
    token = read_token(session.w3, terms.payment_token)
    observations, _ = collect_observations(market, outcome.round, session.board)
    called = names or {}
    return {
        "kind": KIND,
        "chain_id": market.chain_id,
        "market": market.address,
        "round": outcome.round,
        "phase": outcome.phase.name.lower(),
        "terms_hash": terms.hash(),
        "terms": {name: _exact(getattr(terms, name)) for name in terms.__slots__},
        "token": {"address": token.address, "symbol": token.symbol, "decimals": token.decimals},
        "rule": {
            "reward": str(outcome.budget),
            "cash": str(outcome.cash),
            "deferred": str(outcome.deferred),
            "reserve": str(terms.reserve),
            "cap": str(terms.cap),
        },
        "certificate": _certificate(outcome),
        "providers": [_provider(row, called, terms.money_unit) for row in outcome.rows],
        "operators": sorted(
            (_operator(seen, observations, called) for seen in observations), key=lambda line: line["name"]
        ),
        "money": _books(session, outcome, token.symbol),
        "revenue": _revenue(session, outcome, called),
        "audit": None,
        "stages": [],
        "next": [],
    }


def _provider(row: Row, called: Mapping[str, str], unit: int) -> dict[str, Any]:
    axes = row.reasons.quality.model_dump()
    return {
        "name": called.get(row.provider, row.provider),
        "provider": row.provider,
        "position": row.position,
        "status": row.status.name.lower() if row.status is not None else None,
        "tokens": str(row.tokens),
        "quality": round(row.quality / WAD, 4),
        "impact": round(row.impact / WAD, 4),
        "axes": {axis: None if value is None else value / QUANTA for axis, value in axes.items()},
        "weight": str(row.weight),
        "group": row.group,
        "bid": None if row.bid is None else str(row.bid),
        "eligible": row.eligible,
        "won": row.won,
        "critical": str(row.reward),
        "binding": row.binding or None,
        "cash": str(row.cash * unit),
        "units": str(row.units),
        "shares": str(row.shares),
        "bond": str(row.bond),
        "delivery": _delivery(row, unit),
        "claimed": row.claimed,
        "why": row.why,
        "reason": row.reasons.missing or None,
    }


def _delivery(row: Row, unit: int) -> dict[str, Any] | None:
    """How a winner's key stands, and what went to others for want of a good one; None where nothing is delivered."""
    found = row.delivery
    if found is None:
        return None
    return {
        "state": found.standing.value,
        "bounty": found.bounty,
        "until": found.until or None,
        "bond_to": found.bond_to or None,
        "reversed": {"cash": str(row.cash_reversed * unit), "units": str(row.units_reversed)} if found.lost else None,
    }


def _certificate(outcome: RoundOutcome) -> dict[str, Any] | None:
    """W, m and the uniform price of the main auction; the same of the tranche's under its name, where there is one."""
    if outcome.auctions is None:
        return None
    main, tranche = (_auction(outcome, auction) for auction in outcome.auctions)
    return main | {
        "total_reward": str(outcome.totals.reward),
        "tranche": tranche if outcome.terms.tranche_share else None,
    }


def _auction(outcome: RoundOutcome, auction: Auction) -> dict[str, Any]:
    """The price is the least of budget share, first loser's ask and reserve (no cap)."""
    certificate = auction.outcome.certificate
    place = (auction.group, certificate.marginal)
    loser = next((row for row in outcome.rows if row.reveal is not None and (row.group, row.reveal) == place), None)
    least = price(auction.bids, certificate, auction.budget, outcome.terms.reserve) or 0
    return {
        "budget": str(auction.budget),
        "winning_weight": str(certificate.winning_weight),
        "marginal": loser.provider if loser else None,
        "total_reward": str(auction.outcome.total_reward),
        "price": str(int(least * WAD)),
    }


def _operator(seen: Observation, observations: Sequence[Observation], called: Mapping[str, str]) -> dict[str, Any]:
    """How far one operator's scores lie from the medians, in quanta of 1e-4."""
    from oracle.evidence.medians import medians

    pairs = list(zip(seen.scores, medians(observations), strict=True))
    return {
        "name": called.get(seen.operator, seen.operator),
        "operator": seen.operator,
        "digest": seen.digest(),
        "quality_difference": max(abs(score.quality - median.quality) for score, median in pairs),
        "impact_difference": max(abs(score.impact - median.impact) for score, median in pairs),
    }


def _books(session: Session, outcome: RoundOutcome, symbol: str) -> list[dict[str, Any]]:
    """Both of the market's accounts, closed: what came in, what went out, what the contract still holds."""
    from oracle.chain.token import erc20

    totals, market, unit = outcome.totals, session.market, outcome.terms.money_unit
    held = erc20(session.w3, outcome.terms.payment_token).functions.balanceOf(market.address).call()
    wei = session.w3.eth.get_balance(market.address)
    return [
        _book(
            "Payment token",
            f"smallest units of {symbol}",
            {"escrow of the planner": totals.escrow * unit},
            {"cash to providers": totals.cash_paid * unit}
            | _some("cash of winners without a good key, to the planner", totals.cash_reversed * unit)
            | {"fees to oracles": totals.fees_paid * unit, "refund to the planner": totals.refunded * unit},
            held,
        ),
        _book(
            "Bonds",
            "wei",
            {"bonds of the providers": totals.bonds},
            {"bonds returned": totals.bonds_returned}
            | _some("bonds to operators that delivered", totals.bonds_rewarded)
            | {"bonds burned": totals.bonds_burned},
            wei,
        ),
    ]


def _some(what: str, amount: int) -> dict[str, int]:
    """A line that most rounds do not have."""
    return {what: amount} if amount else {}


def _book(title: str, unit: str, came: Mapping[str, int], went: Mapping[str, int], left: int) -> dict[str, Any]:
    return {
        "title": title,
        "unit": unit,
        "in": [{"what": what, "amount": str(amount)} for what, amount in came.items()],
        "out": [{"what": what, "amount": str(amount)} for what, amount in went.items()],
        "total_in": str(sum(came.values())),
        "total_out": str(sum(went.values())),
        "left": str(left),
    }


def _revenue(session: Session, outcome: RoundOutcome, called: Mapping[str, str]) -> dict[str, Any] | None:
    """What was paid into the round's MUT ledger and who drew how much of it; None where nothing was deferred."""
    from oracle.chain.token import erc20

    ledger = session.market.revenue_token(outcome.round)
    if ledger is None:
        return None
    drawn: dict[str, int] = {}
    for event in ledger.events.Withdrawn().get_logs(from_block=0):
        drawn[event["args"]["holder"]] = drawn.get(event["args"]["holder"], 0) + event["args"]["amount"]
    deposited = sum(event["args"]["amount"] for event in ledger.events.Deposited().get_logs(from_block=0))
    left = erc20(session.w3, outcome.terms.payment_token).functions.balanceOf(ledger.address).call()
    return {
        "ledger": ledger.address,
        "units": str(outcome.budget),
        "deposited": str(deposited),
        "withdrawn": [
            {
                "name": called.get(holder, holder),
                "holder": holder,
                "units": str(ledger.functions.balanceOf(holder).call()),
                "amount": str(amount),
            }
            for holder, amount in sorted(drawn.items(), key=lambda line: -line[1])
        ],
        "left": str(left),
    }


def _exact(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value
