"""Bids and a key that were made to stop a round, and every party in a process of its own: the round settles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import orjson
import pytest
from small_round import here, key, play, small_run, tell

from oracle.chain import transact
from oracle.chain.exchange import Exchange
from oracle.chain.keys import create_keystore
from oracle.cli.bidding import commit_bid
from oracle.cli.children import Child, run_together
from oracle.cli.demo_run import PASSWORD, ROUND, SCRYPT_WORK, Run, pass_on
from oracle.corpus.document import Document
from oracle.evidence.encryption_key import shortened, sign_key

SMALL_ORDER = (1).to_bytes(32, "little")
HOSTILE = {
    "number": Document(id="x", text=5),  # type: ignore[arg-type]
    "list": Document(id="x", text=["a", "b"]),  # type: ignore[arg-type]
    "language": Document(id="x", text="A text like any other.", lang=5),  # type: ignore[arg-type]
}


@dataclass
class Played:
    """A round to its end: what every ``mia bid wrap`` said, by bid."""

    run: Run
    wrapped: dict[str, Any] = field(default_factory=dict)

    @property
    def evil(self) -> str:
        """The operator whose key is of small order."""
        return self.run.accounts[self.run.operators[-1]].address


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with small_run(tmp_path_factory.mktemp("hostile"), operators=4) as run:
        play(run, "local chain", "sealed bids")
        made = Played(run)
        _register_small_order(run)
        with pytest.MonkeyPatch.context() as patch:  # our own packing writes no such line
            for room in ("custody.tally", "corpus.canonical"):
                patch.setattr(f"oracle.{room}.canonical_line", _unchecked_line)
            for name, document in HOSTILE.items():
                _commit(run, name, document)
        run.chain.warp_to(run.session.market.terms(ROUND).commit_end)
        made.wrapped = {name: _wrap(run, name) for name in run.bids}
        play(run, "scores", "payments")
        play(run, "audit", "round.json")
        yield made


def test_a_key_of_small_order_costs_its_owner_alone(played: Played) -> None:
    for said in played.wrapped.values():
        assert len(said["readers"]) == 4  # three operators and the auditor
        ((left),) = said["left_out"]
        assert left["reader"] == played.evil and "small order" in left["reason"]


def test_the_round_settles_and_pays(played: Played) -> None:
    winners = {row["name"] for row in played.run.document["providers"] if row["won"]}
    assert winners and winners <= {"part-0", "part-1", "part-2"}  # not the copy of the first, nor odd types
    assert played.run.audit is not None and played.run.audit["ok"]


@pytest.mark.parametrize(("name", "said"), [("number", "text"), ("list", "text"), ("language", "lang")])
def test_a_bid_of_odd_types_has_its_reason(played: Played, name: str, said: str) -> None:
    session, address = played.run.session, played.run.accounts[name].address
    (told,) = run_together(
        [Child("explain", ["explain", str(ROUND), address, *here(played.run), "--json"])], hear=partial(pass_on, tell)
    )
    assert not session.market.contract.functions.rewardOf(ROUND, address).call()[0]
    assert "unavailable" in told[1].lower() and f"its {said} is no text" in told[1]


def _register_small_order(run: Run) -> None:
    """As a client of its own would: ours refuses."""
    account = run.accounts[run.operators[-1]]
    call = Exchange(run.session.market).contract.functions.registerEncryptionKey
    signature = shortened(sign_key(account, SMALL_ORDER))
    transact.send(run.session.w3, account, call(SMALL_ORDER, *signature))


def _commit(run: Run, name: str, document: Document) -> None:
    account = create_keystore(run.keystore(name), PASSWORD, work=SCRYPT_WORK)
    run.chain.request("anvil_setBalance", account.address, hex(100 * 10**18))
    run.accounts[name], run.bids[name] = account, run.out / "bids" / f"{name}.json"
    commit_bid(
        run.session,
        account,
        PASSWORD,
        round=ROUND,
        documents=[Document(id="first", text="What comes first is as it should be."), document],
        cost=1,
        file=run.bids[name],
        work=SCRYPT_WORK,
    )


def _unchecked_line(document: Document) -> bytes:
    """What somebody else's program packs."""
    return orjson.dumps(asdict(document), option=orjson.OPT_SORT_KEYS)


def _wrap(run: Run, name: str) -> dict[str, Any]:
    arguments = ["bid", "wrap", str(run.bids[name]), *key(run, name), *here(run), "--json"]
    ((_, said),) = run_together([Child(name, arguments)], hear=partial(pass_on, tell))
    (row,) = json.loads(said)["wrapped"]
    return dict(row)
