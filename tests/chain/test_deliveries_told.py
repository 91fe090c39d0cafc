"""What is told of a round whose winners deliver keys: states, sentences and books; and what an audit checks."""

# ruff: noqa: F811 - the fixtures are those of test_exchange
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Scene
from test_exchange import Sold, settled, sold  # noqa: F401

from oracle.audit import deliveries, payments
from oracle.audit import settled as stages
from oracle.audit.deliveries import Delivery, Standing
from oracle.audit.difference import Mismatch
from oracle.audit.outcome import RoundOutcome, Row, differences, rebuild
from oracle.audit.sentences import next_step
from oracle.audit.subject import Subject
from oracle.cli.auditor import payout_steps
from oracle.cli.document import round_document
from oracle.cli.report.page import render
from oracle.cli.session import Session
from oracle.custody.delivery import Delivery as Made
from oracle.custody.store import Board, LocalStore
from oracle.evidence.hidden import first_hidden
from oracle.node.exchange import publish_leaves


class Told:
    """The round as anybody can rebuild it."""

    def __init__(self, sold: Sold, folder: Path) -> None:
        self.sold, self.market = sold, sold.scene.market
        self.store, self.board = LocalStore(folder), Board(folder)
        publish_leaves(self.market, sold.round, sold.leaves, self.board)

    def outcome(self) -> RoundOutcome:
        outcome = rebuild(self.market, self.sold.round, self.store, self.board)
        assert list(differences(outcome, self.market)) == []
        return outcome

    def row(self, winner: int) -> Row:
        return self.outcome().row(self.sold.winners[winner].address)

    def delivery(self, winner: int) -> Delivery:
        found = self.row(winner).delivery
        assert found is not None
        return found

    def subject(self) -> Subject:
        return Subject(self.market, self.sold.round, self.store, self.board)

    def document(self) -> dict[str, Any]:
        session = Session(w3=self.sold.scene.w3, market=self.market, store=self.store, board=self.board)
        return round_document(session, self.outcome())


@pytest.fixture
def told(sold: Sold, tmp_path: Path) -> Told:
    return Told(sold, tmp_path)


def _claim_all(told: Told) -> None:
    market, scene = told.market, told.sold.scene
    for provider in scene.providers[:4]:
        scene.call(scene.planner, "claim", told.sold.round, provider.address)
    for operator in scene.operators[:3]:
        scene.call(scene.planner, "claimOperatorFee", told.sold.round, operator.address)
    scene.call(scene.planner, "refund", told.sold.round)
    assert len(market.claims(told.sold.round)) == 4


def test_what_is_waited_for(told: Told) -> None:
    sold = told.sold
    row, terms = told.row(0), sold.terms
    assert told.delivery(0) == Delivery(Standing.AWAITED, False, False, terms.deliver_end, "")
    assert "its key is awaited until" in row.why and row.why.startswith("won: asked")
    assert row.cash > 0 and row.units > 0 and row.bond == terms.bid_bond
    assert next_step(row.delivery).startswith("mia delivery send, before ")
    loser = told.outcome().row(sold.scene.providers[3].address)
    assert loser.delivery is None and next_step(loser.delivery) == "mia claim"
    sold.deliver(sold.winners[0])
    end = sold.exchange.require(sold.round, sold.winners[0].address).dispute_end
    assert told.delivery(0) == Delivery(Standing.DELIVERED, False, False, end, "")
    assert "unless the planner disputes it" in told.row(0).why
    assert next_step(told.delivery(0)).startswith("wait until the planner accepts")
    assert "3 deliveries are pending" in stages.rewards(told.subject())
    document = told.document()
    assert [row["delivery"] and row["delivery"]["state"] for row in document["providers"]] == [
        "delivered",
        "awaited",
        "awaited",
        None,
    ]
    page = render(document)
    assert "settled, 3 keys still to be delivered or accepted" in page and "Keys for payment" in page
    page = render(document | {"token": document["token"] | {"symbol": "D\x1b[8m\u202e\ud800<b>"}})
    assert r"D\x1b[8m\u202e\ud800&lt;b&gt;" in page and first_hidden(page) is None
    sold.scene.to(sold.round, "deliver_end")
    assert "it or an operator still can" in told.row(1).why and told.delivery(1).until == terms.bounty_end
    sold.deliver(sold.winners[1], by=sold.scene.operators[1])
    assert told.delivery(1).bounty and told.delivery(1).pending and "an operator delivered" in told.row(1).why


def test_reversed_winners_and_bounties_in_the_books(told: Told) -> None:
    sold, scene, round_id = told.sold, told.sold.scene, told.sold.round
    wrong, silent, third = sold.winners
    bond = sold.terms.bid_bond
    due = {winner.address: told.outcome().row(winner.address) for winner in sold.winners}
    sold.deliver(wrong, bytes(32))
    sold.dispute(wrong)
    scene.to(round_id, "deliver_end")
    sold.deliver(silent, by=scene.operators[1])
    sold.exchange.accept(scene.planner, round_id, silent.address)
    scene.to(round_id, "bounty_end")  # the third one never comes

    states = [told.delivery(winner) for winner in range(3)]
    assert [one.standing for one in states] == [Standing.REVERSED, Standing.ACCEPTED, Standing.MISSING]
    assert states[1].bond_to == scene.operators[1].address and not any(one.pending for one in states)
    assert told.row(0).why.endswith(
        "it delivered another key than it committed to: the planner keeps the reward, the bond is burned"
    )
    assert "the bond the operator's" in told.row(1).why and "nobody delivered its key in time" in told.row(2).why
    before = told.outcome().totals
    assert before.cash_owed == sum(row.cash for row in due.values()) and before.bonds_owed == 4 * bond

    _claim_all(told)
    claims = {claim.provider: claim for claim in told.market.claims(round_id)}
    assert [claims[winner.address].reversed for winner in sold.winners] == [True, False, True]
    outcome = told.outcome()
    lost = [due[wrong.address], due[third.address]]
    totals = outcome.totals
    assert totals.cash_reversed == sum(row.cash for row in lost) > 0
    assert totals.units_reversed == sum(row.units for row in lost) > 0
    assert totals.cash_paid == due[silent.address].cash
    assert totals.escrow == totals.cash_paid + totals.cash_reversed + totals.fees_paid + totals.refunded
    assert totals.money_held == totals.cash_owed == 0 and totals.bonds_owed == 0
    assert (totals.bonds_returned, totals.bonds_rewarded, totals.bonds_burned) == (bond, bond, 2 * bond)
    assert totals.units + totals.units_refunded == outcome.budget
    rows = {row.provider: row for row in outcome.rows}
    assert rows[wrong.address].cash == rows[wrong.address].shares == rows[wrong.address].bond == 0
    assert rows[wrong.address].cash_reversed == due[wrong.address].cash
    assert rows[silent.address].cash == due[silent.address].cash and rows[silent.address].bond == 0

    subject = told.subject()
    paid = stages.rewards(subject)
    assert "2 of 4 claims went to the planner" in paid and "1 disputed keys opened again" in paid
    assert f"reversed to the planner {totals.cash_reversed}" in stages.escrow(subject)
    assert stages.shares(subject)
    document = told.document()
    for book in document["money"]:
        assert int(book["total_in"]) == int(book["total_out"])
    assert {line["what"] for line in document["money"][0]["out"]} >= {
        "cash of winners without a good key, to the planner"
    }
    assert {line["what"] for line in document["money"][1]["out"]} >= {"bonds to operators that delivered"}
    first = document["providers"][0]
    assert first["won"] and first["cash"] == "0" and first["delivery"]["reversed"]["cash"] != "0"
    steps = [{step["term"]: step for step in payout_steps(document, row)} for row in document["providers"]]
    assert steps[0]["key"]["value"] == "reversed" and steps[0]["to the planner"]["how"] == "for want of a good key"
    assert steps[1]["key"]["value"] == "accepted, by an operator" and "to the planner" not in steps[1]
    assert steps[2]["key"]["value"] == "missing" and "key" not in steps[3]
    page = render(document)
    assert "settled and paid" in page and "another key than it committed to" in page


def test_a_refuted_delivery_is_told_as_such(told: Told) -> None:
    sold = told.sold
    honest, thief, _ = sold.winners
    sold.deliver(honest)
    original = sold.exchange.require(sold.round, honest.address).delivery
    stolen = Made(thief.address, original.point, original.sealed_key, original.proof, **sold.words[thief.address])
    sold.exchange.send_delivery(thief, sold.round, thief.address, stolen)
    sold.refute(thief)
    assert told.delivery(1).refuted and "of another's making or of other data" in told.row(1).why
    assert "1 refuted deliveries" in stages.rewards(told.subject())


def test_a_market_that_pays_the_wrong_one_is_found(told: Told) -> None:
    """What the contract does not do is put into what was read from it."""
    sold, market = told.sold, told.market
    wrong, good, _ = sold.winners
    sold.deliver(wrong, bytes(32))
    sold.dispute(wrong)
    sold.deliver(good)
    sold.exchange.accept(sold.scene.planner, sold.round, good.address)
    for winner in (wrong, good):
        sold.scene.call(sold.scene.planner, "claim", sold.round, winner.address)
    outcome, (first, second) = told.outcome(), market.claims(sold.round)

    rows = list(outcome.rows)
    assert rows[1].delivery is not None
    rows[1] = replace(rows[1], delivery=replace(rows[1].delivery, standing=Standing.REVERSED))
    (difference,) = differences(replace(outcome, rows=tuple(rows)), market)
    assert difference.item == f"reversal of provider {good.address}"

    planner = sold.scene.planner.address
    for claims, item in (
        ((replace(first, reversed=False), second), f"payment tokens to {wrong.address}"),
        ((first, replace(second, reversed=True)), f"payment tokens to {planner}"),
        ((first, replace(second, units=second.units + 1)), f"MUT units to {good.address}"),
        ((first, first, replace(first, cash=0, units=0)), f"payment tokens to {planner}"),
        ((replace(first, cash=0, units=0), replace(second, cash=0, units=0, reversed=True)), "bonds burned"),
    ):
        with pytest.raises(Mismatch, match=item):
            payments.require_moved(market, sold.round, claims)


def test_a_dispute_decided_wrongly_is_found(told: Told) -> None:
    sold, market = told.sold, told.market
    first = sold.winners[0]
    sold.deliver(first, bytes(32))
    sold.dispute(first)
    roots = {leaf.provider: leaf.dataset_root for leaf in sold.leaves}
    delivered, disputed = events = deliveries.events_of(market, sold.round)
    fair = deliveries.require_fair(market, sold.round, events, roots)
    assert fair == "1 disputed keys opened again, 0 refuted deliveries"
    lie: Any = {**disputed, "args": {**disputed["args"], "good": True}}
    with pytest.raises(Mismatch, match=f"dispute over the key of provider {first.address}"):
        deliveries.require_fair(market, sold.round, [delivered, lie], roots)
    lie = {**disputed, "event": "Refuted"}
    with pytest.raises(Mismatch, match="sound"):
        deliveries.require_fair(market, sold.round, [delivered, lie], roots)


def test_rounds_without_deliveries_wait_for_nothing(scene: Scene) -> None:
    round_id = scene.open()
    assert deliveries.deliveries_of(scene.market, round_id, [scene.providers[0].address]) == {}
    assert deliveries.events_of(scene.market, round_id) == []
