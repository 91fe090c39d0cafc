"""Where a round's money and bonds are: every unit that went in is paid, owed to somebody, or burned."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.chain.client import Market
from oracle.mechanism import liquidity
from oracle.node.committee import committee_of


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over one round: money in money units, bonds in wei, ``units`` in MUT units, ``shares`` in DST units.

    ``escrow = cash_paid + cash_reversed + cash_owed + fees_paid + fees_owed + refunded + refund_owed`` and
    ``bonds = bonds_returned + bonds_rewarded + bonds_owed + bonds_burned``; what is owed can be pulled now, once keys
    are delivered, or, in a running round, still belongs to the planner (escrow) and to the bidders (bonds).
    ``cash_reversed`` and ``units_reversed`` went to the planner for winners without a good key, ``bonds_rewarded`` to
    operators that delivered in a winner's place. ``units_refunded`` are other MUT units minted to the planner.
    """

    reward: int
    units: int
    shares: int
    escrow: int
    cash_paid: int
    cash_reversed: int
    cash_owed: int
    fees_paid: int
    fees_owed: int
    refunded: int
    refund_owed: int
    units_refunded: int
    units_reversed: int
    bonds: int
    bonds_returned: int
    bonds_rewarded: int
    bonds_owed: int
    bonds_burned: int

    @property
    def money_held(self) -> int:
        """What the market still holds of the escrow, money units."""
        return self.cash_owed + self.fees_owed + self.refund_owed


def totals_of(
    market: Market, round_id: int, *, reward: int, cash: int, units: int, shares: int, rewarded: int = 0
) -> Totals:
    """The accounts of a round whose winners are due ``cash``, ``units`` and ``shares`` in all, from the chain's events.

    Of the bonds claimed, ``rewarded`` wei are operators'.

    A negative amount owed would mean that more was paid than was due: the audit looks for that.
    """
    terms, state = market.terms(round_id), market.state(round_id)
    committee = committee_of(market, round_id)
    whole, _ = liquidity.split(terms.budget, terms.utility_pool, terms.liquidity)
    escrow = whole + terms.max_bids + len(committee.members) * terms.operator_fee
    fees = state.observers.bit_count() * terms.operator_fee
    claims, refunds = market.claims(round_id), market.refunds(round_id)
    cash_paid = sum(claim.cash for claim in claims if not claim.reversed)
    cash_reversed = sum(claim.cash for claim in claims if claim.reversed)
    fees_paid = sum(payment.amount for payment in market.operator_payments(round_id))
    refunded = sum(refund.amount for refund in refunds)
    bonds = state.bonded * terms.bid_bond
    burned = (state.bonded - state.revealed) * terms.bid_bond if state.settled else 0
    burned += sum(claim.bond for claim in claims if claim.reversed)
    returned = sum(claim.bond for claim in claims if not claim.reversed) - rewarded
    return Totals(
        reward=reward,
        units=units,
        shares=shares,
        escrow=escrow,
        cash_paid=cash_paid,
        cash_reversed=cash_reversed,
        cash_owed=cash - cash_paid - cash_reversed,
        fees_paid=fees_paid,
        fees_owed=fees - fees_paid,
        refunded=refunded,
        refund_owed=escrow - cash - fees - refunded,
        units_refunded=sum(refund.units for refund in refunds),
        units_reversed=sum(claim.units for claim in claims if claim.reversed),
        bonds=bonds,
        bonds_returned=returned,
        bonds_rewarded=rewarded,
        bonds_owed=bonds - returned - rewarded - burned,
        bonds_burned=burned,
    )
