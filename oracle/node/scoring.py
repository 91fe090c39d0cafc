"""One operator scores one round: fetch and verify, compute alone, sign, commit the digest on chain.

Everything happens in the operator's own data folder. What its copies of the texts are worth is what it observes: a copy
that no longer opens to its commitment is UNAVAILABLE to this operator, whatever the others hold. Nothing is shown to
anybody before the observation phase is over (:mod:`oracle.node.reporting` publishes).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from eth_account.signers.local import LocalAccount

from oracle.chain import transact
from oracle.chain.client import Commitment, Market
from oracle.corpus.canonical import canonical_line, parse_line
from oracle.corpus.document import Document
from oracle.custody.dataset import fetch_dataset
from oracle.custody.files import write_atomic
from oracle.custody.store import Board, ContentStore
from oracle.errors import BadInput, CheckFailed, MiaError
from oracle.evidence import canonical, commitment, merkle, score_report
from oracle.evidence.observation import Observation, Score
from oracle.influence.base import load_base
from oracle.node import pipeline as specification
from oracle.node import validation
from oracle.node.compute import Held, Inputs, Progress, Result, compute
from oracle.node.folder import DataFolder
from oracle.node.rounds import RoundName
from oracle.node.signing import SigningKey

EVIDENCE_KIND = "mixed-mia/evidence/1"


def fetch_round(
    market: Market,
    round_id: int,
    store: ContentStore,
    data_dir: Path,
    *,
    progress: Progress | None = None,
) -> dict[str, str]:
    """Copy every live commitment's texts into the operator's folder, each verified against manifest and root.

    Returns, by provider, why a dataset could not be had (missing, altered, or not the provider's own): its status will
    be UNAVAILABLE. Copies that are there already are left as they are.
    """
    folder = DataFolder(data_dir)
    commitments = market.commitments(round_id)
    missing: dict[str, str] = {}
    for done, bid in enumerate(commitments):
        if progress:
            progress("fetch", done, len(commitments))
        path = folder.dataset(bid.dataset_root)
        if path.exists():
            continue
        try:
            documents = fetch_dataset(store, bid.manifest, provider=bid.provider, dataset_root=bid.dataset_root)
        except CheckFailed as error:
            missing[bid.provider] = str(error)
            continue
        write_atomic(path, b"".join(canonical_line(document) for document in documents))
    if progress:
        progress("fetch", len(commitments), len(commitments))
    return missing


def score_round(
    market: Market,
    round_id: int,
    account: LocalAccount,
    store: ContentStore,
    board: Board,
    data_dir: Path,
    *,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> Observation:
    """Score a round as operator ``account`` and commit to the signed result on chain; returns the observation.

    Safe to repeat at any time: an observation that was signed is sent again if it is not on chain yet and never
    computed anew; before that, finished stages are taken from their checkpoints.

    Raises BadInput outside the observation phase or for a stranger to the committee, CheckFailed when the
    specification, base model or validation sample do not open to the terms, EnvironmentFailure when this installation
    cannot compute the specification. A provider's dataset that does not open is a status, never an error.
    """
    folder = DataFolder(data_dir)
    with folder.lock():
        _require_member(market, round_id, account.address)
        name = round_name(market, round_id)
        observation = _signed_before(folder, name, market, round_id, account.address)
        if observation is None:
            market.require_phase(round_id, Phase.OBSERVE)
            missing = fetch_round(market, round_id, store, data_dir, progress=progress)
            inputs = _inputs(market, round_id, store, board, folder, missing)
            results = compute(inputs, stage=folder.stage, device=device, progress=progress)
            observation = observe(market, round_id, account.address, results, folder.evidence)
            write_atomic(folder.observation(name), observation.to_bytes())
        _commit_on_chain(market, round_id, account, observation, folder)
        return observation
