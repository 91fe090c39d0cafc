"""A local chain for demos and tests: Anvil as a context manager.

    with Anvil() as chain:
        w3 = Web3(Web3.HTTPProvider(chain.rpc))

The chain ends with the context, with the program, and even when the program is killed: a shell beside it holds the
other end of a pipe and ends the chain as soon as that closes.
"""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import tempfile
import time
import weakref
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_account.signers.local import LocalAccount
from requests.exceptions import RequestException
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from oracle.addresses import scrubbed, shown
from oracle.chain.anvil_program import find_anvil
from oracle.chain.rpc import rewound
from oracle.errors import BadInput, EnvironmentFailure

CHAIN_ID = 31337
HARDFORK = "osaka"
MNEMONIC = "test test test test test test test test test test test junk"
START_SECONDS = 20.0

# "$@" is the chain's command. Standard input is the pipe; reading from it ends when the program does.
WATCH = """
exec 3<&0
"$@" </dev/null & chain=$!
{ read -r _ <&3; kill -KILL $chain; } 2>/dev/null & watch=$!
wait $chain; status=$?
kill $watch 2>/dev/null
exit $status
"""


class LocalChain:
    """Controls of an Anvil that is already running at ``rpc``: its clock, its blocks and its state."""

    def __init__(self, rpc: str) -> None:
        self.rpc = rpc

    def warp_to(self, timestamp: int) -> None:
        """Mine a block at ``timestamp`` (unix seconds); time goes on from there. Does nothing once that has passed."""
        if self.now() < timestamp:
            self.request("evm_setNextBlockTimestamp", timestamp)
            self.mine()

    def now(self) -> int:
        """Timestamp of the latest block, unix seconds."""
        return int(self.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def mine(self, blocks: int = 1) -> None:
        self.request("anvil_mine", hex(blocks))

    def snapshot(self) -> str:
        """Remember the state; the result goes to `revert`, which can use it once."""
        return str(self.request("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Return to ``snapshot``. Raises BadInput when it is unknown or used up."""
        if not self.request("evm_revert", snapshot):
            raise BadInput("no such snapshot", input=snapshot, hint="a snapshot serves once: take a new one")
        rewound(self.rpc)

    def dump_state(self, path: Path) -> None:
        """Write blocks, transactions and state to ``path`` in one step; ``Anvil(load_state=path)`` goes on from it.

        The states of former blocks go along: clients ask for them to find where a market begins.
        """
        state = bytes.fromhex(self.request("anvil_dumpState", True)[2:])
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as fresh:
            fresh.write(gzip.decompress(state))
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).replace(path)

    def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call. Raises EnvironmentFailure when the chain cannot be reached or refuses it."""
        try:
            response = HTTPProvider(self.rpc).make_request(RPCEndpoint(method), params)
        except RequestException as error:
            raise EnvironmentFailure(
                f"the local chain does not answer: {type(error).__name__}",
                input=shown(self.rpc),
                hint="is it still running?",
            ) from error
        if "error" in response:
            raise EnvironmentFailure(
                f"the local chain refused {method}: {scrubbed(str(response['error']), self.rpc)}",
                input=shown(self.rpc),
                hint="is it an Anvil?",
            )
        return response["result"]


class Anvil(LocalChain):
    """An Anvil of our own on a free port, mining a block for every transaction, with EIP-7825's limit on their gas.

    ``funded`` accounts of a fixed mnemonic hold 10,000 ether each. ``load_state`` is a file of `dump_state`.
    """

    def __init__(self, *, funded: int = 10, port: int = 0, load_state: Path | None = None) -> None:
        if load_state is not None and not load_state.is_file():
            raise BadInput("there is no such state", input=str(load_state), hint="give a file written by dump_state")
        self.funded = funded
        self._options = ["--port", str(port), *(["--load-state", str(load_state)] if load_state else [])]

    @cached_property
    def accounts(self) -> tuple[LocalAccount, ...]:
        """The funded accounts with their keys, the same ones in every run."""
        seed = seed_from_mnemonic(MNEMONIC, "")
        keys = (key_from_seed(seed, f"m/44'/60'/0'/0/{index}") for index in range(self.funded))
        return tuple(Account.from_key(key) for key in keys)

    def __enter__(self) -> Self:
        command = [str(find_anvil()), "--chain-id", str(CHAIN_ID), "--hardfork", HARDFORK, "--enable-tx-gas-limit"]
        command += ["--mnemonic", MNEMONIC, "--accounts", str(self.funded), *self._options]
        with tempfile.NamedTemporaryFile(prefix="anvil-", suffix=".log") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", WATCH, "watch", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for the program: the chain outlives its clean-up
            )
            self._end = weakref.finalize(self, _end, process)
            try:
                super().__init__(f"http://127.0.0.1:{_listening_port(process, Path(log.name))}")
                self.request("anvil_setLoggingEnabled", False)
            except BaseException:
                self._end()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


def _listening_port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"Listening on \S+:(\d+)", log.read_text(errors="replace")):
            return int(found[1])
        time.sleep(0.02)
    said = " ".join(log.read_text(errors="replace").split())[:300] or "it said nothing"
    raise EnvironmentFailure(
        f"anvil did not start: {said}", input="anvil", hint="is the port free and Anvil 1.7 or newer?"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
