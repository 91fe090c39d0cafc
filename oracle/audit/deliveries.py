"""Whether winners delivered their keys, and what follows from it for their rewards and bonds.

As of the latest block: what the contract will say in the next one may differ where a deadline lies between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hexbytes import HexBytes
from web3.types import EventData

from oracle.audit.difference import Mismatch
from oracle.chain.client import Market
from oracle.chain.exchange import Exchange, State
from oracle.chain.logs import read_events
from oracle.custody import delivery as masks
from oracle.custody.bn254 import Proof
from oracle.evidence import commitment


class Standing(StrEnum):
    """Of a winner's key."""

    AWAITED = "awaited"  # nothing delivered yet, or an operator's wrong key was struck
    DELIVERED = "delivered"  # may still be disputed
    ACCEPTED = "accepted"  # by the planner, by its silence, or by a dispute that found it good
    REVERSED = "reversed"  # shown to be wrong
    MISSING = "missing"  # nobody delivered in time


PENDING = (Standing.AWAITED, Standing.DELIVERED)
LOST = (Standing.REVERSED, Standing.MISSING)


@dataclass(frozen=True, slots=True)
class Delivery:
    """``bounty``: an operator delivered; ``refuted``: struck as of another's making or of other data, without any key.

    ``until``: unix second at which what is waited for ends, 0 when nothing is. ``bond_to``: whose the winner's bond is,
    "" for nobody's and while that is open.
    """

    standing: Standing
    bounty: bool
    refuted: bool
    until: int
    bond_to: str

    @property
    def pending(self) -> bool:
        """Whether it is still open who gets the reward."""
        return self.standing in PENDING

    @property
    def lost(self) -> bool:
        """Whether the reward is the planner's and the bond burned."""
        return self.standing in LOST


def deliveries_of(market: Market, round_id: int, winners: Iterable[str]) -> dict[str, Delivery]:
    """How the keys of ``winners`` stand; empty for a round in which nothing is delivered.

    ``winners``: those with a reward, in a settled round. Raises EnvironmentFailure when the node is away.
    """
    terms, names = market.terms(round_id), tuple(winners)
    if not terms.deliver_end or not names:
        return {}
    exchange, now = Exchange(market), int(market.w3.eth.get_block("latest")["timestamp"])
    refuted = {event["args"]["provider"] for event in _events(exchange, round_id, "Refuted")}
    return {
        provider: _delivery(exchange, round_id, provider, refuted=provider in refuted, now=now) for provider in names
    }


def _delivery(exchange: Exchange, round_id: int, provider: str, *, refuted: bool, now: int) -> Delivery:
    calls, terms = exchange.contract.functions, exchange.market.terms(round_id)
    state, bounty, dispute_end, _ = calls.deliveryOf(round_id, provider).call()
    if state == State.NONE:
        if now >= terms.bounty_end:
            return Delivery(Standing.MISSING, False, False, 0, "")
        until = terms.deliver_end if now < terms.deliver_end else terms.bounty_end
        return Delivery(Standing.AWAITED, False, False, until, "")
    if state == State.REVERSED:
        return Delivery(Standing.REVERSED, False, refuted, 0, "")
    if state == State.DELIVERED and now < dispute_end:
        return Delivery(Standing.DELIVERED, bounty, False, dispute_end, "")
    owner = calls.bondTo(round_id, provider, terms.bounty_end).call() if bounty else provider
    return Delivery(Standing.ACCEPTED, bounty, False, 0, owner)


def events_of(market: Market, round_id: int) -> list[EventData]:
    """What was delivered, disputed and refuted, in order."""
    if not market.terms(round_id).deliver_end:
        return []
    return _events(Exchange(market), round_id, "Delivered", "Disputed", "Refuted")


def require_fair(market: Market, round_id: int, events: Sequence[EventData], roots: Mapping[str, bytes]) -> str:
    """Open every disputed key again, and look again at everything refuted; ``roots``: committed to, by provider.

    Raises `Mismatch` where the contract decided otherwise than what was published says.
    """
    exchange = Exchange(market)
    disputed = refuted = 0
    last: dict[str, EventData] = {}
    for event in events:
        provider = event["args"]["provider"]
        if event["event"] == "Delivered":
            last[provider] = event
        elif event["event"] == "Disputed":
            disputed += 1
            good = _opens(exchange, round_id, provider, last[provider], event)
            if good != event["args"]["good"]:
                raise Mismatch(f"dispute over the key of provider {provider}", good, event["args"]["good"])
        else:
            refuted += 1
            _require_refutable(exchange, round_id, provider, last[provider], roots[provider])
    return f"{disputed} disputed keys opened again, {refuted} refuted deliveries" if disputed or refuted else ""


def _opens(exchange: Exchange, round_id: int, provider: str, delivered: EventData, disputed: EventData) -> bool:
    """Whether the key behind a delivery is the one that the delivery is committed to."""
    parcel, shared = delivered["args"]["parcel"], disputed["args"]["shared"]
    sale = exchange.sale(round_id, provider)
    key = masks.unmask(sale, bytes(parcel["sealedKey"]), (shared["x"], shared["y"]))
    return bytes(parcel["keyCommit"]) == commitment.key_commit(
        chain_id=sale.chain_id,
        market=sale.market,
        round=round_id,
        provider=provider,
        content_hash=bytes(parcel["contentHash"]),
        key=key,
    )


def _require_refutable(exchange: Exchange, round_id: int, provider: str, delivered: EventData, root: bytes) -> None:
    parcel = delivered["args"]["parcel"]
    words = bytes(parcel["contentHash"]), bytes(parcel["keyCommit"])
    if commitment.sealed_dataset_root(provider, *words) != root:
        return
    made = masks.Delivery(
        exchange.market.w3.eth.get_transaction(delivered["transactionHash"])["from"],
        (parcel["ephemeral"]["x"], parcel["ephemeral"]["y"]),
        bytes(parcel["sealedKey"]),
        Proof(parcel["challenge"], parcel["response"]),
        *words,
    )
    if masks.delivery_holds(exchange.sale(round_id, provider), made):
        raise Mismatch(f"delivery for provider {provider}", "sound: its sender made it, of the scored data", "refuted")


def _events(exchange: Exchange, round_id: int, *names: str) -> list[EventData]:
    """In order; nothing is delivered before the report."""
    market = exchange.market
    report = market.report(round_id)
    if report is None:
        return []
    return read_events(exchange.contract, names, [HexBytes(round_id.to_bytes(32, "big"))], report.block)
