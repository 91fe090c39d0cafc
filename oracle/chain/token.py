"""The payment token of a round: any ERC-20 that moves exactly what it is told to move."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import BadFunctionCallOutput, ContractLogicError

from oracle.chain import transact
from oracle.chain.client import contract
from oracle.errors import BadInput


@dataclass(frozen=True, slots=True)
class Token:
    """``decimals``: one token is 10**decimals smallest units."""

    address: str
    symbol: str
    decimals: int


def read_token(w3: Web3, address: str) -> Token:
    """Symbol and decimals from the chain; ``BadInput`` when there is no ERC-20 at ``address``."""
    token = erc20(w3, address)
    try:
        return Token(str(token.address), token.functions.symbol().call(), token.functions.decimals().call())
    except (BadFunctionCallOutput, ContractLogicError, OverflowError) as error:
        raise BadInput(f"no ERC-20 token at {address}", input=address, hint="check address and chain") from error


def erc20(w3: Web3, address: str) -> Contract:
    """The token's contract: every ERC-20 answers to this ABI's standard part."""
    return contract(w3, "DemoToken", address)


def approve(w3: Web3, account: LocalAccount, token: str, spender: str, amount: int) -> None:
    """Let ``spender`` take ``amount`` smallest units, unless it may already; errors as ``transact.send``.

    Raises ``BadInput`` when the account holds less than ``amount``.
    """
    functions = erc20(w3, token).functions
    held = functions.balanceOf(account.address).call()
    if held < amount:
        raise BadInput(
            f"{account.address} holds {held} smallest units of the payment token, {amount} are needed",
            input=token,
            hint="get more of the token, or lower the amount",
        )
    if functions.allowance(account.address, spender).call() < amount:
        transact.send(w3, account, functions.approve(spender, amount))
