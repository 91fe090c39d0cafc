"""What was paid in a round, and to whom: what claims say against what they should say, and against the ledgers.

Ledgers tell of every movement; what a market says that it paid is not yet paid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.contract import Contract

from oracle.audit.difference import Difference, Mismatch
from oracle.chain.client import Market
from oracle.chain.events import Claim
from oracle.chain.logs import decoded, read_logs
from oracle.chain.token import erc20

if TYPE_CHECKING:
    from oracle.audit.outcome import RoundOutcome

NOBODY = "0x" + "0" * 40


def payment_differences(outcome: RoundOutcome, market: Market) -> Iterator[Difference]:
    """What was claimed, and what can still be claimed, against every row; reversed or not included."""
    claims = {claim.provider: claim for claim in market.claims(outcome.round)}
    for row in outcome.rows:
        claim, cash = claims.get(row.provider), row.cash + row.cash_reversed
        if claim:
            paid = {"cash": claim.cash, "units": claim.units, "shares": claim.shares, "bond": claim.bond}
            units = row.units + row.units_reversed
            due = {"cash": cash, "units": units, "shares": row.shares, "bond": outcome.terms.bid_bond}
            if row.delivery is not None:
                paid["reversal"], due["reversal"] = claim.reversed, row.delivery.lost
        elif market.state(outcome.round).settled:
            reward, found = market.contract.functions.rewardOf(outcome.round, row.provider).call()
            paid, due = {"reward": reward, "cash": found}, {"reward": row.reward, "cash": cash}
        else:
            continue
        for name, amount in due.items():
            if paid[name] != amount:
                yield Difference("rewards", f"{name} of provider {row.provider}", str(amount), str(paid[name]))


def require_moved(market: Market, round_id: int, claims: Sequence[Claim]) -> str:
    """The cash of all ``claims`` left the market, and their MUT units were minted, for the winner or for the planner.

    Block by block: at least what the claims of the round say, since others may be paid there too. Raises `Mismatch`.
    """
    terms = market.terms(round_id)
    if not claims:
        return "nothing claimed"
    payee = {claim.provider: terms.planner if claim.reversed else claim.provider for claim in claims}
    cash = Counter[tuple[int, str]]()
    units = Counter[tuple[int, str]]()
    for claim in claims:
        cash[claim.block, payee[claim.provider]] += claim.cash * terms.money_unit
        units[claim.block, payee[claim.provider]] += claim.units
    _require(cash, erc20(market.w3, terms.payment_token), market.address, claims, "payment tokens")
    ledger = market.revenue_token(round_id)
    if ledger is not None:
        _require(units, ledger, NOBODY, claims, "MUT units")
    burned = sum(terms.bid_bond for claim in claims if claim.reversed)
    if market.bonds_burned(round_id) < burned:
        raise Mismatch("bonds burned", f"at least {burned} wei of reversed winners", market.bonds_burned(round_id))
    return f"{sum(claim.reversed for claim in claims)} of {len(claims)} claims went to the planner"


def _require(due: Counter[tuple[int, str]], ledger: Contract, source: str, claims: Sequence[Claim], what: str) -> None:
    """That ``ledger`` moved what is due by block and payee."""
    transfer = ledger.events.Transfer()
    topics = [HexBytes(transfer.topic), HexBytes(int(source, 16).to_bytes(32, "big"))]
    first, last = min(claim.block for claim in claims), max(claim.block for claim in claims)
    found = Counter[tuple[int, str]]()
    for log in read_logs(ledger.w3, to_checksum_address(ledger.address), topics, first, last):
        event = decoded(log, {HexBytes(transfer.topic): transfer})
        arguments = list(event["args"].values())
        found[event["blockNumber"], arguments[1]] += arguments[2]
    for (block, payee), amount in due.items():
        if found[block, payee] < amount:
            raise Mismatch(f"{what} to {payee} in block {block}", f"at least {amount}", found[block, payee])
