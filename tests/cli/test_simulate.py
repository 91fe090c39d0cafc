"""``mia round simulate``: every combination of terms, bought as a round would buy, and told in the terms' own units."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conftest import Answer, Mia
from typer.testing import CliRunner

from oracle.chain.terms_file import template
from oracle.cli.main import app
from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD
from oracle.mechanism.liquidity import cash_of, split
from oracle.mechanism.tranche import clear_tranche
from oracle.mechanism.weights import weight

CSV = """provider,bid,quality,impact,tokens,group
alice,300000,0.9,0.8,1000,0
bob,200000,0.5,0.5,2000,1
carol,800000,0.95,0.99,500,
dave,900000,0.4,1,77,1
"""
BIDS = [
    Bid(300_000, 72 * WAD // 100),
    Bid(200_000, WAD // 4),
    Bid(800_000, 9405 * WAD // 10_000),
    Bid(900_000, 4 * WAD // 10),
]
BUDGET, POOL, RESERVE, CAP = 1_250_000, 1_250_000, 10_000_000, 1_000_000  # the default terms, in units of 0.01 DEMO

Simulated = Callable[..., Answer]


@pytest.fixture
def simulated(mia: Mia, tmp_path: Path) -> Simulated:
    def run(*options: object, scores: str = CSV, terms: str = "") -> Answer:
        (tmp_path / "terms.toml").write_text(terms or template())
        (tmp_path / "scores").write_text(scores)
        return mia("round", "simulate", tmp_path / "terms.toml", tmp_path / "scores", *options)

    return run


def expected(budget: int, liquidity: int, reserve: int, cap: int) -> dict[str, Any]:
    cash, deferred = split(budget, POOL, liquidity)
    outcome = clear(BIDS, cash + deferred, reserve, cap)
    return {
        "budget": str(budget),
        "liquidity": str(liquidity),
        "reserve": str(reserve),
        "cap": str(cap),
        "tranche": "0",
        "winners": len(outcome.winners),
        "weight": str(sum(BIDS[i].weight for i in outcome.winners)),
        "spent": str(outcome.total_reward),
        "cash": str(sum(cash_of(reward, cash, cash + deferred) for reward in outcome.rewards)),
        "shares": str(outcome.total_reward if deferred else 0),
        "unsold": str(cash + deferred - outcome.total_reward),
        "tokens": str(sum((1000, 2000, 500, 77)[i] for i in outcome.winners)),
    }


def without_price(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "price"}


def test_the_terms_alone_give_one_line(simulated: Simulated) -> None:
    document = simulated().document
    assert [without_price(row) for row in document["rows"]] == [expected(BUDGET, 8 * WAD // 10, RESERVE, CAP)]
    assert (document["bids"], document["money_unit"]) == (4, "0.01 DEMO")


def test_every_combination_of_the_values_given(simulated: Simulated) -> None:
    answer = simulated(
        *("--budget", "8000.00 DEMO", "--budget", "2000000", "--liquidity", "0.5", "--liquidity", "1.0"),
        *("--reserve", "9000.00 DEMO", "--reserve", "100_000 DEMO", "--cap", "2500.00 DEMO", "--cap", "1000000"),
    )
    variants = product((800_000, 2_000_000), (WAD // 2, WAD), (900_000, 10_000_000), (250_000, 1_000_000))
    assert [without_price(row) for row in answer.document["rows"]] == [expected(*variant) for variant in variants]
    assert len({row["weight"] for row in answer.document["rows"]}) == 3


@pytest.mark.parametrize(
    ("options", "price"),
    [
        (["--budget", "2000000", "--liquidity", "1.0"], 2_000_000 * WAD // (BIDS[0][1] + BIDS[1][1] + BIDS[2][1])),
        ([], 800_000 * WAD // BIDS[2].weight),  # carol is the first that does not fit
        (["--cap", "300000", "--reserve", "820000"], 820_000),
        (["--cap", "0"], None),
    ],
)
def test_the_price_is_what_binds(simulated: Simulated, options: list[str], price: int | None) -> None:
    row = simulated(*options).document["rows"][0]
    assert row["price"] == (None if price is None else str(price))


def test_a_tranche_is_set_aside(simulated: Simulated) -> None:
    none, row = simulated("--liquidity", "1.0", "--tranche", "0.0", "--tranche", "0.4").document["rows"]
    assert without_price(none) == expected(BUDGET, WAD, RESERVE, CAP)
    outcome = clear_tranche(BIDS, [False, True, False, True], 4 * WAD // 10, BUDGET, RESERVE, CAP)
    assert outcome.winners == (1, 0)
    assert (row["winners"], row["spent"]) == (2, str(outcome.total_reward))
    assert row["price"] == str(800_000 * WAD // BIDS[2].weight)
    terms = template().replace('tranche = "0.0"', 'tranche = "0.4"')
    assert simulated("--liquidity", "1.0", terms=terms).document["rows"] == [row]


def test_json_and_weights_say_the_same(simulated: Simulated) -> None:
    rows = [{"id": f"p{n}", "bid": str(bid.cost), "weight": bid.weight} for n, bid in enumerate(BIDS)]
    for scores in (rows, {"bids": rows}):
        found = simulated(scores=json.dumps(scores)).document["rows"][0]
        assert found == {k: v for k, v in simulated().document["rows"][0].items() if k != "tokens"}


def test_scores_are_fractions_up_to_one_and_wad_above(simulated: Simulated) -> None:
    scores = f"id,bid,weight\na,1,1\nb,1,1.0\nc,1,0.5\nd,1,{WAD // 4}\ne,1,1e-1\nf,0,2\n"
    found = simulated(scores=scores)
    assert found.document["rows"][0]["weight"] == str(2 * WAD + WAD // 2 + WAD // 4 + WAD // 10 + 2)


def test_quality_and_impact_weigh_by_the_terms(simulated: Simulated) -> None:
    terms = template().replace('gamma = "1.0"', 'gamma = "0.5"').replace('kappa = "0.0"', 'kappa = "0.1"')
    answer = simulated(terms=terms, scores="id,bid,quality,impact\na,1,0.81,0.5\n")
    made = weight(81 * WAD // 100, WAD // 2, WAD, WAD // 2, WAD // 10)
    assert answer.document["rows"][0]["weight"] == str(made)


def test_splitting_is_warned_of(simulated: Simulated) -> None:
    (always,) = simulated().document["warnings"]
    assert "homogeneous" in always and "clip" in always
    assert simulated(terms=template().replace('gamma = "1.0"', 'gamma = "2.0"')).document["warnings"] == [always]
    terms = template().replace('gamma = "1.0"', 'gamma = "0.5"').replace('kappa = "0.0"', 'kappa = "0.25"')
    kappa, gamma, last = simulated(terms=terms).document["warnings"]
    assert "kappa = 0.25 " in kappa and "gamma = 0.5 " in gamma and last == always


def test_the_table_is_in_the_tokens_own_money(tmp_path: Path) -> None:
    (tmp_path / "terms.toml").write_text(template())
    (tmp_path / "scores.csv").write_text(CSV)
    asked = ["round", "simulate", str(tmp_path / "terms.toml"), str(tmp_path / "scores.csv"), "--liquidity", "1.0"]
    heading, row, *rest = CliRunner().invoke(app, asked).output.splitlines()
    assert heading.split()[:6] == ["budget", "liquidity", "reserve", "cap", "tranche", "winners"]
    assert row.split()[:7] == ["12,500.00", "1", "100,000.00", "10,000.00", "0", "2", "0.9700"]
    assert len(heading) == len(row)
    assert any("homogeneous" in line for line in rest)


@pytest.mark.parametrize(
    ("options", "scores", "name", "input"),
    [
        (["--budget", "many"], CSV, "BadTerm", "--budget"),
        (["--budget", "5.00 EURO"], CSV, "BadTerm", "--budget"),
        (["--cap", "0.001 DEMO"], CSV, "BadTerm", "--cap"),
        (["--reserve", "-1"], CSV, "BadTerm", "--reserve"),
        (["--liquidity", "1.5"], CSV, "BadTerm", "--liquidity"),
        (["--liquidity", "1"], CSV, "BadTerm", "--liquidity"),
        (["--tranche", "2.0"], CSV, "BadTerm", "--tranche"),
        (["--tranche", "1.0"], CSV, "TrancheOutOfRange", "scores"),
        (["--budget", "0", "--liquidity", "1.0"], CSV, "ZeroReward", "terms.toml"),
        ([], "id,bid\na,1\n", "MissingField", "scores"),
        ([], "id,bid,weight\na,1\n", "NotATable", "scores"),
        ([], 'id,bid,weight\n"a,1,1\n', "NotATable", "scores"),
        ([], "id,bid,bid\na,1,1\n", "DuplicateKey", "scores"),
        ([], "id,bid,wait\na,1,1\n", "UnknownField", "scores"),
        ([], "id,bid,weight\na,1,1\na,2,1\n", "DuplicateId", "scores"),
        ([], "id,bid,weight\na,-1,1\n", "NegativeValue", "scores"),
        ([], "id,bid,weight\na,1.5,1\n", "NotAnInteger", "scores"),
        ([], "id,bid,weight\na,1,-0.5\n", "NegativeValue", "scores"),
        ([], "id,bid,weight\na,1,heavy\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,1.5\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,NaN\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,1e-999999999\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,0.1234567890123456789\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,٠.٥\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,1_0\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,1,+0.5\n", "NotAScore", "scores"),
        ([], "id,bid,weight\na,２,0.5\n", "NotAnInteger", "scores"),
        (["--budget", "٥"], CSV, "BadTerm", "--budget"),
        (["--liquidity", "０.５"], CSV, "BadTerm", "--liquidity"),
        ([], "id,bid,weight,group\na,1,1,small\n", "NotAGroup", "scores"),
        ([], "id,bid,weight,quality\na,1,1,1\n", "ConflictingFields", "scores"),
        ([], "id,provider,bid,weight\na,b,1,1\n", "ConflictingFields", "scores"),
        ([], "[1", "NotJson", "scores"),
        ([], '{"rows": []}', "MissingField", "scores"),
        ([], "[[1]]", "WrongType", "scores"),
    ],
)
def test_bad_input_is_named(simulated: Simulated, options: list[str], scores: str, name: str, input: str) -> None:
    answer = simulated(*options, scores=scores)
    assert (answer.code, set(answer.document)) == (2, {"error"})
    assert answer.document["error"]["name"] == name, answer.document
    assert answer.document["error"]["input"].endswith(input)
    assert answer.document["error"]["hint"]


def test_a_missing_file_is_named(mia: Mia, tmp_path: Path) -> None:
    (tmp_path / "terms.toml").write_text(template())
    assert mia("round", "simulate", tmp_path / "terms.toml", "nowhere.csv").document["error"]["input"] == "nowhere.csv"
    assert mia("round", "simulate", tmp_path / "none.toml", "nowhere.csv").code == 2
