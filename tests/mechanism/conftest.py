"""The Solidity side of the twins: the harness contract, deployed on a chain of its own; and the depth of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import solcx
from deep import DEEP
from hypothesis import settings
from tally import pytest_terminal_summary, tally
from web3 import HTTPProvider, Web3
from web3.contract import Contract

from oracle.chain.compile import ROOT, SETTINGS, SOLC_VERSION
from oracle.chain.devnet import Anvil

__all__ = ["harness", "pytest_terminal_summary", "tally"]

settings.register_profile("deep", max_examples=2_500, deadline=None)
if DEEP:
    settings.load_profile("deep")

HARNESS = "tests/forge/harness/MechanismHarness.sol"


@pytest.fixture(scope="session")
def harness() -> Iterator[Contract]:
    compiled = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {HARNESS: {"content": (ROOT / HARNESS).read_text("utf-8")}},
            "settings": SETTINGS,
        },
        base_path=ROOT,
        allow_paths=ROOT,
        solc_binary=solcx.install.get_executable(SOLC_VERSION, ROOT / ".cache" / "solcx"),
    )
    artifact = compiled["contracts"][HARNESS]["MechanismHarness"]
    with Anvil(funded=1) as chain:
        w3 = Web3(HTTPProvider(chain.rpc))
        factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["evm"]["bytecode"]["object"])
        sent = factory.constructor().transact({"from": chain.accounts[0].address})
        yield w3.eth.contract(address=w3.eth.wait_for_transaction_receipt(sent)["contractAddress"], abi=artifact["abi"])
