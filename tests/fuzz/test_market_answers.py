"""What a lying or lagging node tells of a market is refused as what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from eth_utils.crypto import keccak

from fuzz.targets import market
from oracle.chain.terms import ABI_TYPES
from oracle.errors import CheckFailed, EnvironmentFailure, MiaError


def _without_topics(world: dict[str, Any]) -> None:
    world["logs"][-1]["topics"] = []


def _without_commitment(world: dict[str, Any]) -> None:
    topic = market._abi()["event", "Committed"][0]
    world["logs"] = [log for log in world["logs"] if log["topics"][0] != topic]


def _answering(name: str, word: int, value: int) -> Callable[[dict[str, Any]], None]:
    def change(world: dict[str, Any]) -> None:
        start = 2 + 64 * word
        text = world["calls"][name]
        world["calls"][name] = f"{text[:start]}{value:064x}{text[start + 64 :]}"
        if name == "terms":
            market._bind(world)

    return change


@pytest.mark.parametrize(
    ("question", "change", "kind", "told"),
    [
        ("phase", _answering("phase", 0, 9), EnvironmentFailure, "no phase"),
        ("delivered", _answering("deliveryOf", 0, 4), EnvironmentFailure, "no state"),
        ("delivered", _answering("deliveryOf", 2, (1 << 40) - 1), EnvironmentFailure, "9999"),
        ("commitments", _without_commitment, EnvironmentFailure, "committed"),
        ("commitments", _without_topics, EnvironmentFailure, "no event"),
        ("delivered", _without_topics, EnvironmentFailure, "no event"),
        ("terms", _answering("terms", ABI_TYPES.index("uint40"), (1 << 40) - 1), CheckFailed, "9999"),
        ("in another phase", _answering("terms", ABI_TYPES.index("uint40"), (1 << 40) - 1), CheckFailed, "9999"),
    ],
)
def test_an_answer_that_no_market_gives(
    question: str, change: Callable[[dict[str, Any]], None], kind: type[MiaError], told: str
) -> None:
    world = json.loads(market._asked(question))
    change(world)
    with pytest.raises(kind, match=told):
        market._place().ask(question, world)


def test_terms_are_hashed_as_the_contract_does() -> None:
    """Or the inputs above would end at another check."""
    world = json.loads(market._asked("terms"))
    assert world["calls"]["roundOf"][2 + 64 : 2 + 128] == keccak(bytes.fromhex(world["calls"]["terms"][2:])).hex()
