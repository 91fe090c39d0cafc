"""A whole small round, stage by stage, with mistakes tried on the way; then the page, the audit, and what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Mia
from small_round import here, key, play, small_run, write_market

from oracle.cli.demo import MARKER
from oracle.cli.demo_run import PASSWORD, ROUND, Run
from oracle.cli.handover import manifest_of
from oracle.cli.output import jsonable
from oracle.cli.report.page import render
from oracle.custody.bidfile import read_bid, write_bid


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that the tests below take through its stages, in their order."""
    with small_run(tmp_path_factory.mktemp("demo")) as run:
        yield run


def test_bids_are_sealed_under_their_providers_passwords(run: Run) -> None:
    play(run, "local chain", "sealed bids")
    assert len(run.session.market.commitments(ROUND)) == 4
    assert {read_bid(file, PASSWORD).provider for file in run.bids.values()} == {
        run.accounts[name].address for name in run.providers
    }


def test_three_processes_observe_the_same(run: Run) -> None:
    play(run, "key wraps", "report")
    seen = run.session.market.observations(ROUND)
    assert len({observed.operator for observed in seen}) == 3
    assert run.session.market.report(ROUND) is not None


def test_a_wrong_salt_a_wrong_password_and_a_wrong_window_open_nothing(run: Run, mia: Mia, tmp_path: Path) -> None:
    name = run.providers[0]
    early = mia("bid", "reveal", run.bids[name], *key(run, name), *here(run))
    assert early.code == 2

    run.chain.warp_to(run.session.market.terms(ROUND).challenge_end)
    bid = read_bid(run.bids[name], PASSWORD)
    write_bid(tmp_path / "salted.json", bid.model_copy(update={"salt": bytes(32)}), PASSWORD)
    salted = mia("bid", "reveal", tmp_path / "salted.json", *key(run, name), *here(run))
    assert salted.code == 2
    assert "sealed bid" in salted.document["error"]["hint"]

    write_bid(tmp_path / "other.json", bid, "another password")
    locked = mia("bid", "reveal", tmp_path / "other.json", *key(run, name), *here(run))
    assert (locked.code, locked.document["error"]["input"]) == (2, str(tmp_path / "other.json"))
    assert not run.session.market.reveals(ROUND)


def test_everything_is_paid_to_the_last_unit(run: Run, mia: Mia) -> None:
    play(run, "opened bids", "round.json")
    document = jsonable(run.document)
    for book in document["money"]:
        assert int(book["total_in"]) == int(book["total_out"])
        assert int(book["left"]) == 0
    rows = {row["name"]: row for row in document["providers"]}
    copy, won = rows["copy-of-part-0"], [row for row in document["providers"] if row["won"]]
    assert (copy["won"], copy["tokens"], copy["cash"]) == (False, "0", "0")
    assert won
    assert sum(int(row["critical"]) for row in won) == int(document["certificate"]["total_reward"])
    assert all(int(row["critical"]) >= int(row["bid"]) for row in won)
    assert run.audit is not None
    assert run.audit["ok"], run.audit["first_difference"]
    assert int(document["revenue"]["deposited"]) == sum(
        int(line["amount"]) for line in document["revenue"]["withdrawn"]
    ) + int(document["revenue"]["left"])


def test_late_commands_say_what_became_of_the_round(run: Run, mia: Mia) -> None:
    assert mia("round", "settle", ROUND, *key(run, "planner"), *here(run)).code == 2
    assert mia("claim", ROUND, *key(run, run.providers[0]), *here(run)).code == 2
    assert mia("bid", "reveal", run.bids[run.providers[0]], *key(run, "planner"), *here(run)).code == 2
    status = mia("round", "status", ROUND, *here(run)).document
    assert (status["phase"], status["bids"], status["claimed"]) == ("claim", 4, 4)


def test_every_term_of_a_payout_is_explained(run: Run, mia: Mia) -> None:
    winner = next(row for row in run.document["providers"] if row["won"])
    answer = mia("explain", ROUND, winner["provider"], *here(run))
    assert answer.code == 0
    assert answer.document["provider"]["critical"] == winner["critical"]
    terms = [step["term"] for step in answer.document["steps"]]
    assert terms[:4] == ["quality q", "impact phi", "tokens", "weight w"]
    assert {"critical payment t", "cash", "MUT", "DST", "bond"} <= set(terms)


def test_the_page_shows_every_provider_and_needs_nothing_else(run: Run) -> None:
    page = render(jsonable(run.document | {"stages": []}))
    assert all(name in page for name in run.providers)
    assert page.count("<svg") >= 12
    assert "cut-off" in page
    assert "src=" not in page
    assert "href=" not in page


def test_an_altered_ciphertext_fails_the_audit_by_name(run: Run, mia: Mia) -> None:
    bid = run.session.market.commitments(ROUND)[0]
    shard = manifest_of(run.session, ROUND, bid.provider).cid
    block = next(run.evidence.rglob(shard))
    whole = block.read_bytes()
    block.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    answer = mia("audit", "round", ROUND, "--rpc", run.chain.rpc, "--store", run.store)
    block.write_bytes(whole)
    assert (answer.code, answer.document["ok"]) == (1, False)
    difference = answer.document["first_difference"]
    assert shard in json.dumps(difference) or bid.provider in json.dumps(difference)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds child processes through /proc")
def test_an_interrupt_ends_the_chain_and_says_where(tmp_path: Path) -> None:
    market, out = tmp_path / "market", tmp_path / "out"
    write_market(market)
    demo = subprocess.Popen(
        [sys.executable, "-m", "oracle.cli.main", "demo", "--market", str(market), "--out", str(out), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore Ctrl-C
    )
    assert demo.stderr is not None
    said = ""
    for line in demo.stderr:
        said += line
        if "base model 1/" in line:
            break
    children = _children(demo.pid)
    assert children, said
    demo.send_signal(signal.SIGINT)
    result, rest = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert json.loads(result)["error"]["name"] == "Interrupted"
    assert "base model" in rest
    assert (out / MARKER).exists()
    assert not [pid for pid in children if _alive(pid)]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    direct = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return direct + [deeper for child in direct for deeper in _children(child)]


def _alive(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True
