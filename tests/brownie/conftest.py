"""A deployment and an open round, as a user of brownie would set them up."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from oracle.chain.artifacts import load
from scripts.deploy import Deployment, deploy

DAY = 86_400
WAD = 10**18
BOND = 10**16


@pytest.fixture(scope="module")
def deployment(accounts: Any) -> Deployment:
    """Contracts and a committee; ``accounts`` is what starts the chain's session."""
    return deploy()


@pytest.fixture(autouse=True)
def isolation(fn_isolation: None) -> None:
    """Every test starts from the chain as its fixtures left it."""


def terms_of(deployment: Deployment, planner: Any, opened: int) -> list[Any]:
    """Terms in the order of the contract's struct; every phase lasts a day."""
    values: dict[str, Any] = {
        "planner": planner,
        "paymentToken": deployment.token,
        "moneyUnit": 10**4,
        "budget": 100_000,
        "liquidity": WAD,
        "eta": WAD,
        "gamma": WAD,
        "reserve": 10**6,
        "cap": 10**6,
        "maxBids": 8,
        "shareSupply": 10**9,
        "volumeWeight": WAD,
        "shareCap": WAD,
        "bidBond": BOND,
        "challengeBond": WAD,
        "committee": deployment.committee_id,
        "arbitrator": deployment.committee,
    }
    ends = ("commitEnd", "observeEnd", "reportEnd", "challengeEnd", "revealEnd", "settleEnd")
    values |= {end: opened + DAY * (place + 1) for place, end in enumerate(ends)}
    return [values.get(name, 0) for name in struct_fields("Terms")]


def struct_fields(name: str) -> Sequence[str]:
    inputs = next(entry["inputs"] for entry in load("DataMarket").abi if entry.get("name") == "open")
    return [field["name"] for argument in inputs for field in argument["components"]]


@pytest.fixture(scope="module")
def open_round(deployment: Deployment, accounts: Any, chain: Any) -> SimpleNamespace:
    planner = accounts[1]
    terms = terms_of(deployment, planner, chain.time())
    deployment.token.mint(planner, 10**12, {"from": planner})
    deployment.token.approve(deployment.market, 10**12, {"from": planner})
    opened = deployment.market.open(terms, {"from": planner}).events["Opened"]
    return SimpleNamespace(number=opened["round"], terms_hash=bytes(opened["termsHash"]), opened=terms)
