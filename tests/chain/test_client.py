from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Scene
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3.exceptions import Web3RPCError

from oracle.chain import logs
from oracle.chain.artifacts import load
from oracle.chain.client import Market, connect
from oracle.chain.terms import ABI_TYPES, MIN_PHASE, Phase, Terms
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.score_report import ObservationSeal, ScoreReport, typed_digest


def test_terms_are_the_contracts_struct(scene: Scene) -> None:
    (opening,) = (e for e in load("DataMarket").abi if e["type"] == "function" and e["name"] == "open")
    fields = opening["inputs"][0]["components"]
    assert tuple(field["type"] for field in fields) == ABI_TYPES
    ours = [name.title().replace("_", "") for name in Terms.__dataclass_fields__]
    assert [field["name"][0].upper() + field["name"][1:] for field in fields] == ours
    round = scene.open()
    terms = scene.market.terms(round)
    assert scene.market.state(round).terms_hash == terms.hash() == keccak(encode(ABI_TYPES, terms.as_tuple()))
    assert scene.market.contract.functions.MIN_PHASE().call() == MIN_PHASE


def test_domain_and_typed_data_are_the_contracts(scene: Scene) -> None:
    """The digests themselves are proven by signatures that the contract accepts in the rounds played here."""
    domain = scene.market.domain
    assert scene.market.contract.functions.domainSeparator().call() == domain.separator()
    report = ScoreReport(1, b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, b"\x04" * 32, 5)
    assert typed_digest(domain, report) != typed_digest(domain, ObservationSeal(1, b"\x02" * 32, b"\x03" * 32))


def test_phases_follow_the_clock(scene: Scene) -> None:
    market, round = scene.market, scene.open()
    assert market.phase(10**6) is Phase.NONE
    terms = market.terms(round)
    ends = (terms.commit_end, terms.observe_end, terms.report_end)
    for phase, end in zip((Phase.COMMIT, Phase.OBSERVE, Phase.REPORT), ends, strict=True):
        assert market.phase(round) is phase and terms.window(phase)[1] == end
        market.require_phase(round, phase)
        scene.chain.warp_to(end)
    assert market.phase(round) is Phase.VOID
    with pytest.raises(BadInput, match="void phase"):
        market.require_phase(round, Phase.REVEAL)
    assert terms.window(Phase.COMMIT) == (None, terms.commit_end)
    assert terms.window(Phase.SETTLE) == (terms.reveal_end, terms.settle_end)
    assert terms.window(Phase.CLAIM) == (None, None)


def test_no_such_round(scene: Scene) -> None:
    for read in (scene.market.terms, scene.market.state, scene.market.commitments, scene.market.beacon):
        with pytest.raises(BadInput, match="no round"):
            read(10**6)


def test_beacon_is_the_first_block_after_the_commit_phase(scene: Scene) -> None:
    round = scene.open()
    with pytest.raises(CheckFailed):
        scene.market.beacon(round)
    scene.chain.mine(5)
    scene.to(round, "commit_end")
    first = scene.w3.eth.get_block("latest")
    scene.chain.mine(7)
    assert scene.market.beacon(round) == bytes(first["hash"])
    assert first["timestamp"] >= scene.market.terms(round).commit_end
    before = scene.w3.eth.get_block(first["number"] - 1)
    assert before["timestamp"] < scene.market.terms(round).commit_end


def test_an_address_without_market(scene: Scene) -> None:
    for address in ("0x1", "market", scene.planner.address, scene.token.address, scene.market.committee.address):
        with pytest.raises(BadInput) as failure:
            Market(scene.w3, address)
        assert failure.value.input == address


def test_small_ranges_and_a_found_deployment_read_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    round = scene.open()
    for provider in scene.providers[:3]:
        scene.commit(round, provider, 1)
    expected = scene.market.commitments(round)
    assert len(expected) == 3
    monkeypatch.setattr(logs, "RANGE", 3)
    assert Market(connect(scene.chain.rpc), scene.market.address).commitments(round) == expected
    at = logs.first_block(scene.w3, scene.market.address)
    assert scene.w3.eth.get_code(scene.market.address, at) and not scene.w3.eth.get_code(scene.market.address, at - 1)


class Stingy:
    """A node that answers for at most ``most`` blocks at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.eth = SimpleNamespace(get_logs=self._get_logs)

    def _get_logs(self, query: dict[str, Any]) -> list[int]:
        if query["toBlock"] - query["fromBlock"] + 1 > self.most:
            raise Web3RPCError("query returned more than 10000 results")
        return list(range(query["fromBlock"], query["toBlock"] + 1))


def test_ranges_shrink_to_what_a_node_answers(scene: Scene) -> None:
    node: Any = Stingy(7)
    assert list(logs.read_logs(node, scene.market.address, [], 10, 30_000)) == list(range(10, 30_001))
    nothing: Any = Stingy(0)
    with pytest.raises(EnvironmentFailure):
        list(logs.read_logs(nothing, scene.market.address, [], 10, 20))


def test_a_report_posted_while_one_reads_hides_no_observations(scene: Scene) -> None:
    """Operators sign over the running hash: read half before and half after another's report it would be zero."""
    round = scene.open()
    scene.commit(round, scene.providers[0], 10)
    scene.to(round, "commit_end")
    for operator in scene.operators:
        scene.observe(round, operator, keccak(text=operator.address))
    scene.to(round, "observe_end")
    expected = scene.market.observed(round)
    (seen,) = scene.market.commitments(round)
    leaf = ScoreLeaf(seen.provider, seen.dataset_root, Status.SCORED, 0, 10**17, 10**17, 10, 0)

    class Overtaken(Market):
        def report(self, round: int) -> Any:
            found = super().report(round)
            if found is None:
                scene.post_report(round, [leaf], scene.operators[:3])
            return found

    market = Overtaken(scene.w3, scene.market.address)
    assert market.observed(round) == expected != bytes(32)
    scene.post_report(round, [leaf], scene.operators[:3])
    assert market.observed(round) == expected
