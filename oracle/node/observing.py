"""An operator's observation from the moment it is made: kept, recorded, signed, and its digest put on chain."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eth_account.signers.local import LocalAccount

from oracle.chain import transact
from oracle.chain.client import Market
from oracle.custody.files import write_atomic
from oracle.custody.store import round_key
from oracle.errors import CheckFailed
from oracle.evidence import commitment, score_report
from oracle.evidence.observation import Observation
from oracle.node.folder import DataFolder
from oracle.node.signing import SigningKey


def signed_observation(market: Market, round_id: int, operator: str, folder: DataFolder) -> Observation | None:
    """The observation this operator has signed for the round's commitments, or None.

    None also when the record of signing is there and the file is lost: computing it again must then give the same one.
    """
    recorded = folder.signed.recorded(_signing_key(market, round_id, operator))
    path = _observation_path(market, round_id, folder)
    if recorded is None or not path.exists():
        return None
    raw = path.read_bytes()
    return Observation.from_bytes(raw, name=str(path)) if hashlib.sha256(raw).digest() == recorded else None


def commit_observation(market: Market, account: LocalAccount, observation: Observation, folder: DataFolder) -> None:
    """Keep the observation, record it, sign it and send its digest, in this order; what is done stays done.

    Raises CheckFailed when another observation was signed or is on chain for the same commitments.
    """
    round_id, digest = observation.round, observation.digest()
    folder.signed.claim(_signing_key(market, round_id, account.address), digest)
    write_atomic(_observation_path(market, round_id, folder), observation.to_bytes())
    there = digest_on_chain(market, round_id, account.address)
    if there is None:
        seal = score_report.ObservationSeal(round_id, observation.commitments, digest)
        signature = score_report.sign(account, market.domain, seal)
        call = market.contract.functions.observe(round_id, account.address, digest, signature)
        transact.send(market.w3, account, call)
    elif there != digest:
        raise CheckFailed(
            f"operator {account.address} committed to observation {there.hex()} on chain; this folder holds "
            f"{digest.hex()}",
            input=str(folder.root),
            hint="use the data folder the first observation was made in",
        )


def require_observed(market: Market, round_id: int, operator: str, folder: DataFolder) -> None:
    """CheckFailed unless this folder recorded that ``operator`` signed an observation of the round as the node tells
    it: of these terms, and of these commitments."""
    commitments = commitment.commitments_hash(market.terms(round_id).hash(), market.commits(round_id))
    key = SigningKey(market.chain_id, market.address, round_id, "observation", operator, commitments)
    if folder.signed.recorded(key) is None:
        raise CheckFailed(
            f"{operator} has signed no observation of round {round_id} under the terms that the node names",
            input=str(folder.root),
            hint="give the data folder it observed with; if it is that one, use another RPC URL",
        )


def digest_on_chain(market: Market, round_id: int, operator: str) -> bytes | None:
    return next((seen.digest for seen in market.observations(round_id) if seen.operator == operator), None)


def _signing_key(market: Market, round_id: int, operator: str) -> SigningKey:
    commitments = market.state(round_id).commitments
    return SigningKey(market.chain_id, market.address, round_id, "observation", operator, commitments)


def _observation_path(market: Market, round_id: int, folder: DataFolder) -> Path:
    return folder.observation(round_key(market.chain_id, market.address, round_id))
