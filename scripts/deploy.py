"""Deploy the market on a local chain: `brownie run deploy`.

Puts up the committee contract with four staked operators, the market and a payment token that anybody can mint, and
prints where they are. `brownie console` offers the same as `run("deploy")`.
"""

from typing import Any, NamedTuple

from brownie import DataMarket, DemoToken, OracleCommittee, accounts, network
from rich.console import Console
from rich.table import Table

OPERATORS = 4
QUORUM = 3  # more than two thirds


class Deployment(NamedTuple):
    committee: Any
    market: Any
    token: Any
    committee_id: Any
    operators: list[Any]


def deploy() -> Deployment:
    """Deploy with the first account; the last accounts stake as operators and form a committee."""
    deployer = {"from": accounts[0]}
    committee = OracleCommittee.deploy(deployer)
    market = DataMarket.deploy(committee, deployer)
    token = DemoToken.deploy(6, deployer)
    operators = sorted(accounts[-OPERATORS:], key=lambda account: int(account.address, 16))
    for operator in operators:
        committee.stake(operator, {"from": operator, "value": committee.MIN_STAKE()})
    formed = committee.form(operators, QUORUM, deployer)
    return Deployment(committee, market, token, formed.events["Formed"]["committee"], operators)


def main() -> Deployment:
    if network.show_active() != "anvil":
        raise SystemExit("this deploys a token that anybody can mint: use it with --network anvil only")
    deployment = deploy()
    table = Table("contract", "address", title="mixed-mia")
    table.add_row("OracleCommittee", deployment.committee.address)
    table.add_row("DataMarket", deployment.market.address)
    table.add_row("DataShareToken", deployment.market.shareToken())
    table.add_row("DemoToken", deployment.token.address)
    table.add_row(f"committee, {QUORUM} of {OPERATORS}", str(deployment.committee_id))
    Console(width=100).print(table)
    return deployment
