"""One operator scores one round: fetch and verify, compute alone, sign, commit the digest on chain.

Everything happens in the operator's own data folder. What its copies of the texts are worth is what it observes: a copy
that no longer opens to its commitment is UNAVAILABLE to this operator, whatever the others hold. Nothing is shown to
anybody before the observation phase is over (:mod:`oracle.node.reporting` publishes).
"""

from __future__ import annotations

from pathlib import Path

import torch
from eth_account.signers.local import LocalAccount

from oracle.chain.client import Market
from oracle.chain.events import Commitment
from oracle.chain.terms import Phase
from oracle.corpus.canonical import canonical_line, parse_line
from oracle.custody.dataset import fetch_dataset
from oracle.custody.files import write_atomic
from oracle.custody.store import Board, ContentStore
from oracle.errors import CheckFailed
from oracle.evidence import commitment, merkle
from oracle.evidence.observation import Observation
from oracle.influence.base import load_base
from oracle.node import committee, validation
from oracle.node import pipeline as specification
from oracle.node.compute import Held, Inputs, compute
from oracle.node.findings import observe
from oracle.node.folder import DataFolder, Progress
from oracle.node.observing import commit_observation, digest_on_chain, signed_observation


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
        write_atomic(path, b"".join(canonical_line(document) + b"\n" for document in documents))
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
    specification, base model or validation sample do not open to the terms or when another observation was signed
    before, EnvironmentFailure when this installation cannot compute the specification. A provider's dataset that does
    not open is a status, never an error.
    """
    folder = DataFolder(data_dir)
    with folder.lock():
        committee.require_member(market, round_id, account.address)
        observation = signed_observation(market, round_id, account.address, folder)
        if observation is None:
            if digest_on_chain(market, round_id, account.address) is None:
                market.require_phase(round_id, Phase.OBSERVE)
            missing = fetch_round(market, round_id, store, data_dir, progress=progress)
            inputs = _inputs(market, round_id, store, board, folder, missing)
            found = compute(inputs, stage=folder.stage, state=folder.unfinished, device=device, progress=progress)
            observation = observe(market, round_id, account.address, found, folder.evidence)
        commit_observation(market, account, observation, folder)
        return observation


def load_inputs(
    market: Market, round_id: int, store: ContentStore, board: Board, model_path: Path, held: tuple[Held, ...]
) -> Inputs:
    """Everything but the texts that the round's scores depend on, fetched and checked against the terms.

    The base model is copied to ``model_path`` unless it is there. Raises CheckFailed and EnvironmentFailure as
    :func:`score_round`.
    """
    terms = market.terms(round_id)
    pipeline = specification.load(store, terms.pipeline_hash)
    if not model_path.exists():
        write_atomic(model_path, specification.fetch_base_model(store, pipeline, terms.base_model_hash))
    return Inputs(
        pipeline=pipeline,
        base=load_base(model_path, digest=terms.base_model_hash.hex()),
        held=held,
        validation=validation.read_sample(market, round_id, pipeline.validation, board),
        reference=None if pipeline.reference is None else specification.fetch_corpus(store, pipeline.reference),
        beacon=market.beacon(round_id),
    )


def _inputs(
    market: Market, round_id: int, store: ContentStore, board: Board, folder: DataFolder, missing: dict[str, str]
) -> Inputs:
    held = tuple(_held(folder.dataset(bid.dataset_root), bid, missing) for bid in market.commitments(round_id))
    model_path = folder.model(market.terms(round_id).base_model_hash)
    return load_inputs(market, round_id, store, board, model_path, held)


def _held(path: Path, bid: Commitment, missing: dict[str, str]) -> Held:
    """The operator's own copy as it is now: it was verified when fetched and is verified again when scored."""
    if not path.exists():
        return Held(None, missing.get(bid.provider, "never fetched"))
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    if commitment.dataset_root(bid.provider, merkle.document_root(lines)) != bid.dataset_root:
        return Held(None, "the operator's copy no longer opens to the committed dataset root")
    return Held(tuple(parse_line(line) for line in lines))
