"""Install the wheel in dist/ into an empty environment outside the checkout and use it there: `make wheel-check`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from setup import BIN, ROOT, environment

# Run outside the checkout, without brownie or a compiler: artifacts, a chain, a deployment.
PROBE = """
import sys
from oracle.chain import artifacts
from oracle.chain.devnet import Anvil
from web3 import HTTPProvider, Web3
assert not any(name in sys.modules for name in ("brownie", "solcx"))
with Anvil() as chain:
    w3 = Web3(HTTPProvider(chain.rpc))
    committee = artifacts.load("OracleCommittee")
    sender = {"from": chain.accounts[0].address}
    sent = w3.eth.contract(abi=committee.abi, bytecode=committee.bytecode).constructor().transact(sender)
    address = w3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
    print("deployed from the package:", w3.eth.contract(address, abi=committee.abi).functions.MIN_STAKE().call(), "wei")
"""

CORPUS = "The tide rose slowly over the harbour wall. Nobody in the village had seen it so high before.\n" * 40


def main() -> None:
    wheel = max((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    with tempfile.TemporaryDirectory() as folder:

        def run(*command: str | Path, **variables: str) -> None:
            env = environment() | variables
            subprocess.run(command, check=True, cwd=folder, env=env, stdin=subprocess.DEVNULL)

        python = Path(folder, "env/bin/python")
        run(sys.executable, "-m", "venv", "--without-pip", "env")
        constraints = ("-c", ROOT / "constraints.txt")
        run(BIN / "uv", "pip", "install", "-q", "--python", python, *constraints, f"{wheel}[demo]")
        # nothing of the checkout on PATH, an empty cache: anvil comes from npm
        run(python, "-c", PROBE, PATH=os.defpath, XDG_CACHE_HOME=folder)
        mia = python.with_name("mia")
        run(mia, "--help")
        Path(folder, "corpus.txt").write_text(CORPUS)
        run(mia, "score", "corpus.txt", "--json")
        run(mia, "demo", "--out", "demo", "--json", PATH=os.defpath, XDG_CACHE_HOME=folder)
    print(f"{wheel.name} works in an empty environment")


if __name__ == "__main__":
    main()
