"""Putting the contracts on a chain. Nobody owns them afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from eth_account.signers.local import LocalAccount
from pydantic import ConfigDict, TypeAdapter, ValidationError
from web3 import Web3

from oracle.chain import artifacts, transact
from oracle.chain.client import Market
from oracle.custody.files import read_small, write_atomic
from oracle.errors import BadInput, EnvironmentFailure
from oracle.evidence.fields import Address, Count

MAX_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a market lives. ``block``: the number of the block that holds it; reading starts there."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)
    chain_id: Count
    market: Address
    committee: Address
    shares: Address
    block: Count

    def save(self, path: Path) -> None:
        """Write a small JSON file."""
        write_atomic(path, json.dumps(asdict(self), indent=1).encode() + b"\n")

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read it back; ``BadInput`` for a missing file or one of another kind."""
        try:
            return _DEPLOYMENT.validate_json(read_small(path, "deployment", most=MAX_FILE))
        except ValidationError as error:
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"
            raise BadInput(f"cannot read the deployment {path}: {why}", input=str(path), hint="deploy again") from error

    def connect(self, w3: Web3) -> Market:
        """The market, checked to be there; ``BadInput`` on another chain."""
        if w3.eth.chain_id != self.chain_id:
            raise BadInput(
                f"the deployment is on chain {self.chain_id}, the node on {w3.eth.chain_id}",
                input="RPC",
                hint="use a node of the right chain",
            )
        return Market(w3, self.market, from_block=self.block)


_DEPLOYMENT = TypeAdapter(Deployment)


def deploy_market(w3: Web3, account: LocalAccount) -> Deployment:
    """Deploy OracleCommittee and DataMarket (which makes its own tokens); errors as ``transact.send``."""
    committee, _ = _deploy(w3, account, "OracleCommittee")
    address, block = _deploy(w3, account, "DataMarket", committee)
    market = Market(w3, address, from_block=block)
    return Deployment(w3.eth.chain_id, market.address, committee, str(market.share_token.address), block)


def deploy_demo_token(w3: Web3, account: LocalAccount, decimals: int = 6) -> str:
    """A payment token that anybody can mint, for local chains; its address."""
    return _deploy(w3, account, "DemoToken", decimals)[0]


def _deploy(w3: Web3, account: LocalAccount, name: str, *arguments: Any) -> tuple[str, int]:
    artifact = artifacts.load(name)
    factory = w3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    mined = transact.send(w3, account, factory.constructor(*arguments))
    address = mined["contractAddress"]
    if address is None:
        raise EnvironmentFailure(f"{name} was not deployed", input=name, hint="look at the node's log")
    return str(address), int(mined["blockNumber"])
