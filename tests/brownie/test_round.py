"""The contracts through brownie: deploy, commit, and a reveal with the wrong salt."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import brownie
import pytest
from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from oracle.chain.devnet import MNEMONIC
from oracle.evidence import merkle, score_report
from oracle.evidence.commitment import sealed_bid
from oracle.evidence.leaf import ScoreLeaf, Status
from scripts.deploy import QUORUM, Deployment

DAY = 86_400
BOND = 10**16
COST = 1_000
SALT = b"\x07" * 32
DATASET = b"\x01" * 32
MANIFEST = b"\x02" * 32


@pytest.fixture
def provider(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture
def committed(deployment: Deployment, open_round: SimpleNamespace, provider: Any, chain: Any) -> Any:
    sealed = sealed_bid(
        chain_id=chain.id,
        market=deployment.market.address,
        round=open_round.number,
        provider=provider.address,
        terms_hash=open_round.terms_hash,
        dataset_root=DATASET,
        cost=COST,
        salt=SALT,
    )
    sent = {"from": provider, "value": BOND}
    return deployment.market.commit(open_round.number, sealed, DATASET, MANIFEST, sent)


def operator_keys(deployment: Deployment, accounts: Any) -> list[Any]:
    """The operators with their keys: anvil's accounts are those of its well-known mnemonic."""
    seed = seed_from_mnemonic(MNEMONIC, "")
    keys = [Account.from_key(key_from_seed(seed, f"m/44'/60'/0'/0/{index}")) for index in range(len(accounts))]
    return [next(key for key in keys if key.address == operator.address) for operator in deployment.operators]


def report(deployment: Deployment, number: int, leaf: ScoreLeaf, accounts: Any, chain: Any) -> None:
    """All operators observe and a quorum of them signs the one leaf."""
    market, operators = deployment.market, operator_keys(deployment, accounts)
    domain = score_report.Domain(chain.id, market.address)
    chain.sleep(DAY)
    for place, operator in enumerate(operators):
        digest = bytes([place + 1]) * 32
        seal = score_report.ObservationSeal(number, bytes(market.roundOf(number)["commitments"]), digest)
        signature = score_report.sign(operator, domain, seal)
        market.observe(number, operator.address, digest, signature, {"from": accounts[0]})
    chain.sleep(DAY)
    state = market.roundOf(number)
    message = score_report.ScoreReport(
        round=number,
        terms_hash=bytes(state["termsHash"]),
        commitments=bytes(state["commitments"]),
        observations=bytes(state["observations"]),
        root=merkle.root([leaf.hash()]),
        count=1,
    )
    signers = operators[:QUORUM]
    signatures = [score_report.sign(signer, domain, message) for signer in signers]
    addresses = [signer.address for signer in signers]
    market.postReport(number, message.root, 1, addresses, signatures, {"from": accounts[0]})


def test_deployment_holds_together(deployment: Deployment) -> None:
    assert deployment.market.committee() == deployment.committee
    members, quorum = deployment.committee.committeeOf(deployment.committee_id)
    assert list(members) == [operator.address for operator in deployment.operators]
    assert quorum == QUORUM


def test_commit_takes_the_bond(deployment: Deployment, open_round: SimpleNamespace, committed: Any) -> None:
    assert committed.events["Committed"]["datasetRoot"] == "0x" + DATASET.hex()
    assert deployment.market.balance() == BOND
    assert deployment.market.roundOf(open_round.number)["bonded"] == 1


def test_commit_without_bond_reverts(deployment: Deployment, open_round: SimpleNamespace, provider: Any) -> None:
    with brownie.reverts("WrongBond: "):
        deployment.market.commit(open_round.number, b"\xff" * 32, DATASET, MANIFEST, {"from": provider})


def test_reveal_needs_the_salt(
    deployment: Deployment, open_round: SimpleNamespace, committed: Any, provider: Any, accounts: Any, chain: Any
) -> None:
    market, number = deployment.market, open_round.number
    leaf = ScoreLeaf(provider.address, DATASET, Status.SCORED, 0, 8 * 10**17, 5 * 10**17, 1_000, 10**9)
    report(deployment, number, leaf, accounts, chain)
    chain.sleep(2 * DAY)
    with brownie.reverts("WrongOpening: "):
        market.reveal(number, leaf.as_tuple(), [], COST, b"\x08" * 32, {"from": provider})
    revealed = market.reveal(number, leaf.as_tuple(), [], COST, SALT, {"from": provider}).events["Revealed"]
    assert int(str(revealed["record"]), 16) == 10**9 << 160 | 1 << 128 | COST << 64 | 4 * 10**17
