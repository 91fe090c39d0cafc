"""Sending one transaction, and knowing afterwards what became of it.

Everything that can be known beforehand is checked beforehand: the call is simulated and the money counted, so that a
refusal costs nothing and says why. A transaction that went out is never sent a second time: when its fate is unknown,
the error carries its hash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from filelock import FileLock, Timeout
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractLogicError, TimeExhausted, TransactionNotFound, Web3RPCError
from web3.types import TxParams, TxReceipt, Wei

from oracle.chain import reverts
from oracle.chain.client import Market
from oracle.chain.terms import Phase
from oracle.errors import BadInput, EnvironmentFailure, MiaError

PATIENCE = 120.0
"""Seconds to wait for a receipt, and for another process that sends from the same account."""
GAS_MARGIN = 1.25
"""Estimates are of the latest block; another transaction may come first and move a hash chain or a slot."""
MAX_GAS = 1 << 24
"""Of one transaction (EIP-7825)."""
MAX_TIP = 10**18
"""Wei that go to a block's builder for one transaction, at most, whatever the node calls usual."""

_PHASES = {
    "commit": Phase.COMMIT,
    "reseal": Phase.COMMIT,
    "observe": Phase.OBSERVE,
    "postReport": Phase.REPORT,
    "challenge": Phase.CHALLENGE,
    "reveal": Phase.REVEAL,
    "settle": Phase.SETTLE,
}


class Call(Protocol):
    """A contract function with its arguments, or a constructor with its own."""

    def build_transaction(self, transaction: TxParams | None = None) -> TxParams: ...


def send(w3: Web3, account: LocalAccount, call: Call, value: int = 0, *, patience: float = PATIENCE) -> TxReceipt:
    """Simulate, price, sign and send one call; wait for its receipt. ``value`` in wei, ``patience`` in seconds.

    Raises the decoded refusal of the contract (``BadInput`` or ``CheckFailed``, see :mod:`oracle.chain.reverts`),
    ``BadInput`` when the account cannot pay, ``EnvironmentFailure`` when the node is away, names a tip beyond
    ``MAX_TIP``, refuses the transaction, or does not mine it in time: then the message names the transaction hash.
    """
    with _one_writer(w3.eth.chain_id, account.address, patience):
        transaction = _prepare(w3, account, call, value)
        signed = account.sign_transaction(transaction)  # type: ignore[arg-type]
        name = "0x" + signed.hash.hex().removeprefix("0x")
        try:
            w3.eth.send_raw_transaction(signed.raw_transaction)
        except Web3RPCError as error:
            raise EnvironmentFailure(
                f"the node refuses the transaction: {error.message}",
                input=name,
                hint="is another program sending from this account?",
            ) from error
        except EnvironmentFailure as error:
            raise _unknown(name, f"the connection broke while sending ({error})") from error
        return _wait(w3, transaction, name, patience)


def receipt(w3: Web3, name: str) -> TxReceipt | None:
    """What became of a transaction by its hash; None while it is not mined."""
    try:
        return w3.eth.get_transaction_receipt(HexStr(name))
    except TransactionNotFound:
        return None


def _prepare(w3: Web3, account: LocalAccount, call: Call, value: int) -> TxParams:
    sender = account.address
    latest = w3.eth.get_block("latest")
    if "baseFeePerGas" not in latest:
        raise EnvironmentFailure("this chain has no EIP-1559 fees", input="RPC", hint="use a chain with London's rules")
    tip = w3.eth.max_priority_fee
    fee = 2 * latest["baseFeePerGas"] + tip  # stays valid while the base fee doubles: six full blocks
    balance = w3.eth.get_balance(sender)
    if balance < value:
        raise _poor(sender, balance, value)
    transaction = call.build_transaction(
        {
            "from": sender,
            "value": Wei(value),
            "nonce": w3.eth.get_transaction_count(sender, "pending"),
            "chainId": w3.eth.chain_id,
            "gas": latest["gasLimit"],  # a placeholder, so that nothing is estimated before the simulation
            "maxFeePerGas": Wei(fee),
            "maxPriorityFeePerGas": Wei(tip),
        }
    )
    asked = _question(transaction)
    try:
        w3.eth.call(asked)
        estimate = w3.eth.estimate_gas(asked)
    except ContractLogicError as error:
        raise _refusal(w3, call, error) from error
    except Web3RPCError as error:
        raise EnvironmentFailure(
            f"the node cannot run the call: {error.message}", input="RPC", hint="use another RPC URL"
        ) from error
    transaction["gas"] = max(estimate, min(int(estimate * GAS_MARGIN), latest["gasLimit"], MAX_GAS))
    if transaction["gas"] * tip > MAX_TIP:
        raise EnvironmentFailure(
            f"the node names a tip of {tip} wei a gas: {Web3.from_wei(transaction['gas'] * tip, 'ether')} ETH for this "
            "transaction, and at most 1 is paid",
            input="RPC",
            hint="use another RPC URL",
        )
    if balance < value + transaction["gas"] * fee:
        raise _poor(sender, balance, value + transaction["gas"] * fee)
    return transaction


def _wait(w3: Web3, transaction: TxParams, name: str, patience: float) -> TxReceipt:
    try:
        mined = w3.eth.wait_for_transaction_receipt(HexStr(name), timeout=patience, poll_latency=0.05)
    except TimeExhausted as error:
        raise _unknown(name, f"it is not mined after {patience:.0f} s") from error
    except EnvironmentFailure as error:
        raise _unknown(name, f"the connection broke while waiting ({error})") from error
    if mined["status"] != 1:
        raise _why(w3, transaction, mined, name)
    return mined


def _refusal(w3: Web3, call: Call, error: ContractLogicError) -> MiaError:
    """In plain words; for a call outside its phase, with the time of that phase."""
    refusal = reverts.explain(error)
    if refusal.input == "WrongPhase" and isinstance(call, ContractFunction) and call.fn_name in _PHASES:
        Market(w3, call.address).require_phase(call.args[0], _PHASES[call.fn_name])
    return refusal


def _why(w3: Web3, transaction: TxParams, mined: TxReceipt, name: str) -> Exception:
    """The call passed its simulation and failed in its block: ask again, on that block's state."""
    try:
        w3.eth.call(_question(transaction), mined["blockNumber"])
    except ContractLogicError as error:
        return reverts.explain(error)
    except Web3RPCError:
        pass  # the state of that block is gone: the plain message has to do
    return EnvironmentFailure(
        f"transaction {name} failed in block {mined['blockNumber']}", input=name, hint="look at the state and try again"
    )


def _question(transaction: TxParams) -> TxParams:
    """The call alone: what it costs is not asked yet."""
    asked = {key: value for key, value in transaction.items() if key in ("from", "to", "data", "value") and value}
    return cast(TxParams, asked)


def _unknown(name: str, why: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"transaction {name} was sent, but {why}",
        input=name,
        hint="it may still be mined: look it up by its hash before you send anything again",
    )


def _poor(address: str, balance: int, needed: int) -> BadInput:
    return BadInput(
        f"{address} holds {Web3.from_wei(balance, 'ether')} ETH, the transaction may take "
        f"{Web3.from_wei(needed, 'ether')} ETH",
        input=address,
        hint=f"send it {Web3.from_wei(needed - balance, 'ether')} ETH or more",
    )


@contextmanager
def _one_writer(chain_id: int, address: str, patience: float) -> Iterator[None]:
    """Two processes that send from one account would take the same nonce."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixed-mia" / "locks"
    lock = FileLock(folder / f"{chain_id}-{address.lower()}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise EnvironmentFailure(
            f"another program is sending from {address}", input=address, hint="wait for it, or end it"
        ) from error
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot lock {address} in {folder}: {error.strerror}",
            input=str(folder),
            hint="let XDG_CACHE_HOME name a folder that you may write to",
        ) from error
    try:
        yield
    finally:
        lock.release()
