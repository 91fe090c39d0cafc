"""One operator scores one round: open and verify, compute alone, sign, commit the digest on chain.

The texts are opened by the operator's own key. They lie on disk under another one that dies with this process; what is
kept of unfinished work is encrypted, and no text is in it.
What does not open to its commitment is UNAVAILABLE to this operator, whatever the others see. Nothing is shown to
anybody before the observation phase is over (:mod:`oracle.node.reporting` publishes).
"""

from __future__ import annotations

from pathlib import Path

import torch
from eth_account.signers.local import LocalAccount

from oracle.chain.client import Market
from oracle.chain.terms import Phase
from oracle.custody.files import write_atomic
from oracle.custody.store import Board, ContentStore
from oracle.evidence.observation import Observation
from oracle.influence.base import load_base
from oracle.node import committee, validation
from oracle.node import pipeline as specification
from oracle.node.compute import Inputs, compute
from oracle.node.findings import observe
from oracle.node.folder import DataFolder, Progress
from oracle.node.held import Held
from oracle.node.observing import commit_observation, digest_on_chain, signed_observation
from oracle.node.opening import Reader, open_round
from oracle.node.pipeline import Pipeline


def score_round(
    market: Market,
    round_id: int,
    account: LocalAccount,
    reader: Reader,
    store: ContentStore,
    board: Board,
    data_dir: Path,
    *,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> Observation:
    """Score a round as operator ``account``, who opens the texts as ``reader``, and commit to the signed
    result on chain; returns the observation.

    Safe to repeat at any time: an observation that was signed is sent again if it is not on chain yet and never
    computed anew; before that, finished stages are taken from their checkpoints.

    Raises BadInput outside the observation phase or for a stranger to the committee, CheckFailed when the
    specification, base model or validation sample do not open to the terms or when another observation was signed
    before, EnvironmentFailure when this installation cannot compute the specification. A provider's dataset that does
    not open is a status, never an error.
    """
    folder = DataFolder(data_dir, reader.checkpoint_key)
    with folder.lock():
        committee.require_member(market, round_id, account.address)
        observation = signed_observation(market, round_id, account.address, folder)
        if observation is None:
            if digest_on_chain(market, round_id, account.address) is None:
                market.require_phase(round_id, Phase.OBSERVE)
            terms = market.terms(round_id)
            pipeline = specification.load(store, terms.pipeline_hash)
            held = open_round(market, round_id, store, board, reader, pipeline, keep=True, progress=progress)
            model_path = folder.model(terms.base_model_hash)
            inputs = load_inputs(market, round_id, store, board, model_path, pipeline, held)
            found = compute(
                inputs,
                stage=folder.stage,
                state=folder.unfinished,
                seal=folder.sealing,
                device=device,
                progress=progress,
            )
            observation = observe(market, round_id, account.address, found, folder.evidence)
        commit_observation(market, account, observation, folder)
        return observation


def load_inputs(
    market: Market,
    round_id: int,
    store: ContentStore,
    board: Board,
    model_path: Path,
    pipeline: Pipeline,
    held: tuple[Held, ...],
) -> Inputs:
    """Everything that the round's scores depend on beside specification and texts, fetched and checked.

    The base model is copied to ``model_path`` unless it is there. Raises CheckFailed and EnvironmentFailure as
    :func:`score_round`.
    """
    terms = market.terms(round_id)
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
