"""Why a provider got what it got, in one plain sentence."""

from __future__ import annotations

from datetime import UTC, datetime

from oracle.audit.auctions import Auction
from oracle.audit.deliveries import Delivery, Standing
from oracle.chain.terms import Phase, Terms
from oracle.evidence.leaf import QUANTUM, Status
from oracle.mechanism.clearing import Bid
from oracle.mechanism.integers import WAD

STATUS = {
    Status.UNAVAILABLE: "its texts could not be opened to what it committed, so it has no scores",
    Status.EMPTY: "nothing was left of its texts once copies of earlier commitments and of public text were removed",
    Status.UNSUPPORTED: "it is more than the scoring specification takes of one bid",
}
BOUND = {
    "budget": "its share of the budget by weight",
    "edge": "the bid at which the first loser would have come before it",
    "reserve": "the reserve price of its weight",
    "cap": "the public cap on bids",
}


def price(cost: int, weight: int) -> int:
    """Money units for one WAD of weight, rounded up."""
    return -(-cost * WAD // weight)


def before_opening(phase: Phase, status: Status | None) -> str:
    """Of a provider whose bid was not opened, or not yet."""
    if phase == Phase.VOID:
        return "the round ended without a settlement: its bond comes back"
    if status is None:
        return "its bid is sealed and its texts are not scored yet"
    if phase in (Phase.SETTLE, Phase.CLAIM):
        return "its bid was never opened: it takes no part and its bond is burned"
    if status != Status.SCORED:
        return f"{STATUS[status]}; opening its bid brings the bond back"
    return "scored; its bid is still sealed"


def ineligible(terms: Terms, status: Status, quality: int, impact: int, bid: Bid) -> str:
    """Of an opened bid that the clearing rule does not keep; empty for one that it keeps."""
    if status != Status.SCORED:
        return STATUS[status]
    if not bid.weight:
        if not quality:
            return "its quality is 0, so its weight is 0"
        if not impact:
            return "its texts did not lower the loss on the validation sample, so its weight is 0"
        return "its weight is 0 under these exponents"
    if bid.cost > terms.cap:
        return f"it asked {bid.cost}, above the cap of {terms.cap}"
    if bid.cost * WAD > terms.reserve * bid.weight:
        return (
            f"it asked {price(*bid)} for one unit of weight, above the reserve price of {terms.reserve} "
            f"(q {_score(quality)}, phi {_score(impact)})"
        )
    return ""


def cleared(auction: Auction, position: int, reward: int, binding: str) -> str:
    """Of a bid that the clearing rule kept, by its position in its auction."""
    own, marginal = auction.bids[position], auction.outcome.certificate.marginal
    if binding:
        return f"won: asked {own.cost}, paid {reward}, the largest bid it would still have won with ({BOUND[binding]})"
    if marginal == position:
        return (
            f"lost: it asked {price(*own)} for one unit of weight and was the first for whom the budget of "
            f"{auction.budget} was no longer enough"
        )
    first = "" if marginal is None else f"; the first loser asked {price(*auction.bids[marginal])}"
    return f"lost: it asked {price(*own)} for one unit of weight, others offered more for less{first}"


def delivered(delivery: Delivery, deliver_end: int, bounty_end: int) -> str:
    """Of a winner, what became of its key; goes on from the sentence of `cleared`."""
    match delivery.standing:
        case Standing.AWAITED if delivery.until == deliver_end:
            return f"its key is awaited until {_time(deliver_end)}, then an operator may deliver it for its bond"
        case Standing.AWAITED:
            return f"it did not deliver its key; until {_time(bounty_end)} it or an operator still can"
        case Standing.DELIVERED:
            who = "an operator delivered its key" if delivery.bounty else "its key is delivered"
            return f"{who}; unless the planner disputes it, the reward can be claimed from {_time(delivery.until)} on"
        case Standing.ACCEPTED if delivery.bounty:
            return "an operator delivered its key: the reward is its own, the bond the operator's"
        case Standing.ACCEPTED:
            return "its key is accepted"
        case Standing.REVERSED if delivery.refuted:
            cause = "what it delivered was of another's making or of other data"
        case Standing.REVERSED:
            cause = "it delivered another key than it committed to"
        case Standing.MISSING:
            cause = "nobody delivered its key in time"
    return f"{cause}: the planner keeps the reward, the bond is burned"


def next_step(delivery: Delivery | None) -> str:
    """What a winner that was not paid yet does next."""
    if delivery is None or not delivery.pending:
        return "mia claim"
    if delivery.standing is Standing.AWAITED:
        return f"mia delivery send, before {_time(delivery.until)}: reward and bond are at stake"
    return f"wait until the planner accepts your key or {_time(delivery.until)}, then mia claim"


def _time(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _score(value: int) -> str:
    return f"{value // QUANTUM / 10_000:.4f}"
