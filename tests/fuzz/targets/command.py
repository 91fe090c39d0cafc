"""Exact JSON and tables of the command line: `mia allocate`, score tables, keystores by their address."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from fuzz.change import change
from fuzz.forms import document
from fuzz.parties import File
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.corpora import is_table, table_of
from fuzz.targets.custody import keystores
from oracle.cli.allocation_file import read_market
from oracle.cli.score_table import read_scores
from oracle.cli.session import keystore_address
from oracle.errors import MiaError
from oracle.evidence import canonical
from oracle.mechanism.integers import WAD, MechanismError


def _market(source: Random) -> bytes:
    scored = source.random() < 0.5
    bids = [
        {
            "id": f"b{number}",
            "bid": source.randrange(1 << 40),
            **({"quality": str(WAD // 2), "impact": WAD // 3} if scored else {"weight": str(WAD // 2)}),
            "tokens": source.randrange(1000),
            "group": source.choice(("a", "b")),
        }
        for number in range(3)
    ]
    return spell(
        {
            "budget": "1000000",
            "utility_pool": 5,
            "liquidity": str(WAD // 2),
            "reserve": "100000000000000000",
            "cap": str(1 << 60),
            **({"eta": str(WAD), "gamma": str(WAD // 2), "kappa": 0} if scored else {}),
            "bids": bids,
            "dst": {
                "supply": "1000",
                "volume_weight": str(WAD),
                "quality_weight": 0,
                "impact_weight": 0,
                "floor": 0,
                "cap": str(WAD),
            },
            "tranche": {"group": "a", "share": str(WAD // 10)},
        }
    )


def _read_market(data: bytes) -> None:
    found = read_market(str(File("market.json").holding(data)))
    assert len(found.ids) == len(found.bids) == len(found.groups)
    assert all(type(bid.cost) is type(bid.weight) is int for bid in found.bids)
    "".join(found.ids).encode()


def _rows(source: Random) -> list[dict[str, Any]]:
    return [
        {
            "provider": f"p{number}",
            "bid": 10 * number,
            "quality": "0.5",
            "impact": 0.25,
            "tokens": 3,
            "group": number % 2,
        }
        for number in range(3)
    ]


def _scores(source: Random) -> bytes:
    return spell({"bids": _rows(source)})


def _scores_table(source: Random) -> bytes:
    rows = _rows(source)
    return table_of(list(rows[0]), [[str(value) for value in row.values()] for row in rows], ",")


def _scores_table_varied(source: Random) -> Input:
    rows = _rows(source)
    changed = change(source, [list(rows[0]), *[[str(value) for value in row.values()] for row in rows]])
    lines = changed.value if isinstance(changed.value, list) else [[changed.value]]
    cells = [line if isinstance(line, list) else [line] for line in lines]
    texts = [
        [cell if isinstance(cell, str) else spell(cell).decode("utf-8", "replace") for cell in line] for line in cells
    ]
    return Input(table_of(texts[0] if texts else [], texts[1:], ","), changed.how)


def _read_scores(data: bytes) -> None:
    found = read_scores(str(File("scores").holding(data)), WAD, WAD, 0)
    assert len(found.ids) == len(found.bids) == len(found.members)
    canonical.dumps(found.ids)


def _address(data: bytes) -> None:
    assert keystore_address(File("keystore.json").holding(data)).startswith("0x")


def _keystore(source: Random) -> bytes:
    return json.dumps(json.loads(source.choice(keystores()))).encode()


NAMED = (MiaError, MechanismError)

TARGETS = (
    document("allocation file", _market, _read_market, allowed=NAMED),
    document("score table, JSON", _scores, _read_scores, allowed=NAMED),
    Target("score table, CSV", _scores_table, _scores_table_varied, is_table(","), _read_scores, allowed=NAMED),
    document("address of a keystore", _keystore, _address),
)
