"""``mia allocate``: the command contract's document to the unit, every rule, and a name for everything wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Answer, Mia
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from oracle.cli.main import app
from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD
from oracle.mechanism.liquidity import cash_of, split

HALF = WAD // 2


def equal_weights(*costs: int, **terms: Any) -> dict[str, Any]:
    """A market of bids a, b, c, ... with a weight of 1.0 each; budget 10 unless said."""
    bids = [{"id": id, "bid": cost, "weight": WAD} for id, cost in zip("abcdefghij", costs, strict=False)]
    return {"budget": 10, "bids": bids} | terms


@pytest.fixture
def allocated(mia: Mia, tmp_path: Path) -> Any:
    def run(market: Any, *options: object) -> Answer:
        file = tmp_path / "market.json"
        file.write_text(market if isinstance(market, str) else json.dumps(market))
        return mia("allocate", file, *options)

    return run


def test_the_document_is_the_contracts(allocated: Any) -> None:
    answer = allocated(equal_weights(1, 6, utility_pool=20, liquidity=HALF, reserve=WAD, cap=WAD))
    assert answer.code == 0
    assert answer.document == {
        "rule": "clearing",
        "winners": ["a", "b"],  # R = 5 + 10 = 15, and 6 * 2 <= 15
        "rewards": {"a": "7", "b": "7"},
        "cash": {"a": "3", "b": "3"},  # ceil(7 * 5 / 15)
        "shares": {"a": "7", "b": "7"},
        "certificate": {"winning_weight": str(2 * WAD), "marginal": None},
        "total_reward": "14",
        "over_budget": False,
    }


NUMBERS = st.integers(0, 40)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(NUMBERS, st.integers(0, 5)), min_size=1, max_size=8),
    st.integers(1, 200),
    st.integers(0, 200),
    st.integers(1, WAD),
    st.none() | st.integers(0, 9).map(lambda price: price * WAD),
    st.none() | NUMBERS,
    st.booleans(),
)
def test_any_market_is_the_mechanisms(
    mia: Mia,
    tmp_path: Path,
    rows: list[tuple[int, int]],
    budget: int,
    pool: int,
    liquidity: int,
    reserve: int | None,
    cap: int | None,
    as_text: bool,
) -> None:
    """Integers and decimal strings alike; absent and null terms alike."""

    def number(value: int | None) -> Any:
        return str(value) if as_text and value is not None else value

    bids = [{"id": f"p{n}", "bid": number(c), "weight": number(w)} for n, (c, w) in enumerate(rows)]
    terms = {"budget": budget, "utility_pool": pool, "liquidity": liquidity, "reserve": reserve, "cap": cap}
    (tmp_path / "market.json").write_text(json.dumps({k: number(v) for k, v in terms.items()} | {"bids": bids}))
    answer = mia("allocate", tmp_path / "market.json")
    if budget * liquidity // WAD + pool * (WAD - liquidity) // WAD == 0:
        assert answer.document["error"]["name"] == "ZeroReward"
        return
    cash, deferred = split(budget, pool, liquidity)
    outcome = clear([Bid(*row) for row in rows], cash + deferred, reserve, cap)
    if outcome.certificate == (0, None):
        assert answer.document["error"]["name"] == "NoEligibleBid"
        return
    marginal = outcome.certificate.marginal
    assert answer.document["winners"] == [f"p{n}" for n in sorted(outcome.winners)]
    for n, reward in enumerate(outcome.rewards):
        assert answer.document["rewards"][f"p{n}"] == str(reward)
        assert answer.document["cash"][f"p{n}"] == str(cash_of(reward, cash, cash + deferred))
        assert answer.document["shares"][f"p{n}"] == str(reward if deferred else 0)
    assert answer.document["certificate"]["marginal"] == (None if marginal is None else f"p{marginal}")
    assert answer.document["certificate"]["winning_weight"] == str(outcome.certificate.winning_weight)
    assert answer.document["total_reward"] == str(outcome.total_reward)


def test_all_cash_leaves_no_shares(allocated: Any) -> None:
    document = allocated(equal_weights(1, 6)).document
    assert document["rewards"] == document["cash"] == {"a": "6", "b": "0"}
    assert document["shares"] == {"a": "0", "b": "0"}
    assert document["certificate"]["marginal"] == "b"


def test_the_paper_is_over_budget_and_says_so(allocated: Any) -> None:
    answer = allocated(equal_weights(1, 6, cap=5), "--rule", "paper")
    assert answer.document["rewards"] == {"a": "6", "b": "9"}
    assert (answer.document["total_reward"], answer.document["over_budget"]) == ("15", True)
    assert "neither reserve price nor cap" in answer.said


def test_the_paper_buys_what_reserve_and_cap_exclude(allocated: Any) -> None:
    assert allocated(equal_weights(1, 6, cap=0, reserve=0), "--rule", "paper").document["winners"] == ["a", "b"]


def test_the_paper_pays_shares_on_top(allocated: Any) -> None:
    """A hundred times the example of Theorem 2: 6 and 9 at half liquidity, and half of U = 10 shared by weight."""
    market = equal_weights(100, 600, budget=1000, utility_pool=1000, liquidity=HALF)
    document = allocated(market, "--rule", "paper").document
    assert document["cash"] == {"a": "300", "b": "450"}
    assert document["shares"] == {"a": "250", "b": "250"}
    assert document["rewards"] == {"a": "550", "b": "700"}


@pytest.mark.parametrize(
    ("rule", "rewards"),
    [
        ("volume", ["6", "0", "4", "0"]),  # tokens per cost 10, 1, 5, 8: d is too large for what is left
        ("trust", ["0", "7", "0", "0"]),
        ("cheapest", ["6", "0", "4", "0"]),
        ("posted", ["8", "0", "0", "0"]),  # the price of 8 buys the first, and 2 are left
    ],
)
def test_other_rules_pay_as_bid_or_posted(allocated: Any, rule: str, rewards: list[str]) -> None:
    market = equal_weights(6, 7, 4, 9, price=8)
    for bid, tokens, reputation in zip(market["bids"], (60, 7, 20, 72), (1, 9, 0, 5), strict=True):
        bid |= {"tokens": tokens, "reputation": reputation}
    document = allocated(market, "--rule", rule).document
    assert list(document["rewards"].values()) == list(document["cash"].values()) == rewards
    assert document["winners"] == [id for id, reward in document["rewards"].items() if reward != "0"]
    assert document["certificate"] == {"winning_weight": str(len(document["winners"]) * WAD), "marginal": None}


def test_random_follows_its_seed(allocated: Any) -> None:
    bought = [allocated(equal_weights(6, 6, 6, seed=seed), "--rule", "random").document["winners"] for seed in range(9)]
    assert {tuple(winners) for winners in bought} == {("a",), ("b",), ("c",)}
    again = allocated(equal_weights(6, 6, 6, seed=0), "--rule", "random").document["winners"]
    assert again == bought[0]


def test_reserve_and_cap_hold_for_simple_rules(allocated: Any) -> None:
    market = equal_weights(6, 5, 4, reserve=5, cap=4)
    assert allocated(market, "--rule", "cheapest").document["winners"] == ["c"]


def test_weights_are_made_of_quality_and_impact(allocated: Any) -> None:
    market = {
        "budget": 100,
        "eta": HALF,
        "kappa": WAD // 10,
        "bids": [{"id": "a", "bid": 1, "quality": WAD // 4, "impact": str(WAD // 10)}],
    }
    certificate = allocated(market).document["certificate"]
    assert certificate["winning_weight"] == str(WAD // 2 * (WAD // 5) // WAD)


def test_votes_add_up_and_do_not_depend_on_who_wins(allocated: Any) -> None:
    terms = {"supply": 1000, "volume_weight": WAD, "quality_weight": 0, "impact_weight": 0, "floor": 0, "cap": HALF}
    market = equal_weights(1, 600, 600, dst=terms)
    for bid, tokens in zip(market["bids"], (8, 1, 1), strict=True):
        bid["tokens"] = tokens
    document = allocated(market).document
    assert document["winners"] == ["a"]
    assert document["dst"] == {"a": "500", "b": "250", "c": "250"}
    assert "dst" not in allocated(equal_weights(1)).document


def test_a_tranche_is_auctioned_first(allocated: Any) -> None:
    market = equal_weights(5, 40, 10, 95, budget=100, tranche={"group": "small", "share": HALF})
    for bid in market["bids"][:2]:
        bid["group"] = "small"
    document = allocated(market).document
    assert list(document["rewards"].values()) == ["40", "0", "60", "0"]
    assert document["certificate"] == {"winning_weight": str(WAD), "marginal": "d"}
    assert document["tranche"] == {
        "group": "small",
        "budget": "50",
        "total_reward": "40",
        "certificate": {"winning_weight": str(WAD), "marginal": "b"},
    }


def test_standard_input_is_a_file(mia: Mia, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO(json.dumps(equal_weights(1)).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
    assert mia("allocate", "-").document["winners"] == ["a"]


def test_the_table_is_aligned_and_names_everybody(tmp_path: Path) -> None:
    file = tmp_path / "market.json"
    file.write_text(json.dumps(equal_weights(1_234_567, 9, budget=10_000_000)))
    lines = CliRunner().invoke(app, ["allocate", str(file)]).output.splitlines()
    assert lines[0].split() == ["id", "bid", "weight", "reward", "cash", "MUT"]
    assert "1,234,567" in lines[1] and len(lines[1]) == len(lines[2]) == len(lines[0])
    assert "2 of 2 bought" in lines[-1]


def test_a_long_table_shows_the_first_winners(tmp_path: Path) -> None:
    file = tmp_path / "market.json"
    bids = [{"id": f"p{n}", "bid": 1, "weight": 1} for n in range(150)]
    file.write_text(json.dumps({"budget": 120, "bids": bids}))
    output = CliRunner().invoke(app, ["allocate", str(file)]).output
    assert "100 of 120 winners among 150 bids" in output
    assert len(output.splitlines()) == 103


def without(market: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in market.items() if name != field}


ONE = equal_weights(1)
TWO = equal_weights(1, 6)
DST = {"supply": 10, "volume_weight": WAD, "quality_weight": 0, "impact_weight": 0, "floor": 0, "cap": WAD}


def dst(**terms: int) -> dict[str, Any]:
    market = equal_weights(1, 6, dst=DST | terms)
    for bid in market["bids"]:
        bid["tokens"] = 5
    return market


def first_bid(**fields: Any) -> dict[str, Any]:
    market = equal_weights(1, 6)
    market["bids"][0] |= fields
    return market


@pytest.mark.parametrize(
    ("market", "rule", "name", "says"),
    [
        ("[1, 2", "clearing", "NotJson", "line 1"),
        ('{"budget": NaN, "bids": []}', "clearing", "NotJson", "NaN"),
        ("[" * 100_000, "clearing", "NotJson", "recursion"),
        ('{"budget": ' + "9" * 5000 + ', "bids": []}', "clearing", "NotJson", "digits"),
        ('{"budget": 1, "budget": 2, "bids": []}', "clearing", "DuplicateKey", "'budget'"),
        ('{"budget": 1, "bids": [{"id": "a", "bid": 1, "bid": 2, "weight": 1}]}', "clearing", "DuplicateKey", "'bid'"),
        ([], "clearing", "WrongType", "the file"),
        (ONE | {"bids": {}}, "clearing", "WrongType", "bids"),
        (ONE | {"bids": [7]}, "clearing", "WrongType", "bids"),
        (first_bid(id=7), "clearing", "WrongType", "id"),
        (first_bid(id="\ud800"), "clearing", "WrongType", "surrogate"),
        (first_bid(group=7), "clearing", "WrongType", "group"),
        (first_bid(id="b"), "clearing", "DuplicateId", "'b'"),
        (without(ONE, "budget"), "clearing", "MissingField", "budget"),
        (without(ONE, "bids"), "clearing", "MissingField", "bids"),
        (ONE | {"bids": [{"id": "a", "bid": 1}]}, "clearing", "MissingField", "weight"),
        (ONE | {"bids": [{"id": "a", "bid": 1, "quality": 1}]}, "clearing", "MissingField", "impact"),
        (first_bid(tokens=1), "clearing", "MissingField", "bid 1"),
        (ONE | {"buget": 1}, "clearing", "UnknownField", "budget"),
        (first_bid(wieght=1), "clearing", "UnknownField", "weight"),
        (first_bid(quality=1, impact=1), "clearing", "MissingField", "bid 1"),
        (ONE | {"bids": [ONE["bids"][0] | {"quality": 1, "impact": 1}]}, "clearing", "ConflictingFields", "weight"),
        (first_bid(bid=-1), "clearing", "NegativeValue", "bid 0"),
        (first_bid(bid="-1"), "clearing", "NegativeValue", "bid 0"),
        (first_bid(bid=1.5), "clearing", "NotAnInteger", "1.5"),
        (first_bid(bid=1e3), "clearing", "NotAnInteger", "bid 0"),
        (first_bid(bid="1_000"), "clearing", "NotAnInteger", "1_000"),
        (first_bid(bid="٣"), "clearing", "NotAnInteger", "bid 0"),
        (first_bid(bid=True), "clearing", "NotAnInteger", "True"),
        (first_bid(bid=None), "clearing", "NotAnInteger", "None"),
        (first_bid(weight=-1), "clearing", "NegativeValue", "weight"),
        (first_bid(bid=2**128), "clearing", "ValueTooLarge", "bid 0"),
        (first_bid(weight=str(2**96)), "clearing", "ValueTooLarge", "weight"),
        (ONE | {"budget": 2**128}, "clearing", "ValueTooLarge", "budget"),
        (ONE | {"reserve": -1}, "clearing", "NegativeValue", "reserve"),
        (ONE | {"cap": 0.5}, "clearing", "NotAnInteger", "cap"),
        (ONE | {"liquidity": WAD + 1}, "clearing", "LiquidityOutOfRange", "liquidity"),
        (ONE | {"liquidity": -1}, "clearing", "NegativeValue", "liquidity"),
        (ONE | {"budget": 0}, "clearing", "ZeroBudget", "budget"),
        (ONE | {"budget": 0, "utility_pool": 5, "liquidity": HALF}, "clearing", "ZeroBudget", "budget"),
        (ONE | {"budget": 0, "liquidity": 0}, "clearing", "ZeroReward", "zero"),
        (ONE | {"bids": []}, "clearing", "NoEligibleBid", "0 bids"),
        (ONE | {"cap": 0}, "clearing", "NoEligibleBid", "1 bids"),
        (ONE | {"reserve": 0}, "cheapest", "NoEligibleBid", "reserve"),
        (ONE | {"bids": [{"id": "a", "bid": 1, "weight": 0}]}, "paper", "NoEligibleBid", "weight"),
        (ONE, "dictator", "UnknownRule", "dictator"),
        (ONE, "volume", "MissingField", "tokens"),
        (ONE, "trust", "MissingField", "reputation"),
        (ONE, "random", "MissingField", "seed"),
        (ONE, "posted", "MissingField", "price"),
        (dst(floor=WAD, cap=HALF), "clearing", "FloorAboveCap", "floor"),
        (dst(cap=WAD // 4), "clearing", "CapsBelowSupply", "caps"),
        (dst(supply=-1), "clearing", "NegativeValue", "supply"),
        (ONE | {"dst": DST}, "clearing", "MissingField", "tokens"),
        (ONE | {"dst": without(DST, "cap")}, "clearing", "MissingField", "cap"),
        (ONE | {"dst": 5}, "clearing", "WrongType", "dst"),
        (ONE | {"tranche": {"group": "g", "share": 0}}, "clearing", "TrancheOutOfRange", "share"),
        (ONE | {"tranche": {"group": "g", "share": WAD}}, "clearing", "TrancheOutOfRange", "share"),
        (ONE | {"tranche": {"group": 1, "share": HALF}}, "clearing", "WrongType", "group"),
        (ONE | {"tranche": {"group": "g", "share": HALF}}, "paper", "ConflictingFields", "tranche"),
        (ONE | {"budget": 1, "tranche": {"group": "g", "share": HALF}}, "clearing", "TrancheOutOfRange", "tranche"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing_else(
    allocated: Any, market: Any, rule: str, name: str, says: str
) -> None:
    answer = allocated(market, "--rule", rule)
    assert answer.code == 2
    assert set(answer.document) == {"error"}
    error = answer.document["error"]
    assert error["name"] == name, error
    assert says in error["hint"]
    assert error["input"] == "--rule" or error["input"].endswith("market.json")


def test_what_is_no_text_is_named(mia: Mia, tmp_path: Path) -> None:
    (tmp_path / "market.json").write_bytes(b'{"budget": 1, "bids": [], "\xff": 1}')
    assert mia("allocate", tmp_path / "market.json").document["error"]["name"] == "NotJson"
    assert mia("allocate", tmp_path / "nowhere.json").document["error"]["name"] == "BadInput"
