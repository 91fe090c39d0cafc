"""Stages that open the content store: specification, base model, validation sample, datasets, evidence."""

from __future__ import annotations

from oracle.audit.difference import Mismatch
from oracle.audit.subject import Subject
from oracle.custody.dataset import fetch_dataset
from oracle.errors import CheckFailed
from oracle.evidence.leaf import Status
from oracle.node import pipeline as specification
from oracle.node import validation
from oracle.node.findings import read_evidence


def pipeline(subject: Subject) -> str:
    """The scoring specification opens to the hash in the terms, and this installation computes it."""
    return f"{subject.pipeline.kind}, profile {subject.pipeline.quality_spec.profile}"


def base_model(subject: Subject) -> str:
    """The base model opens to the hash in the terms."""
    data = specification.fetch_base_model(subject.store, subject.pipeline, subject.terms.base_model_hash)
    return f"{len(data)} bytes, sha256 {subject.terms.base_model_hash.hex()}"


def validation_sample(subject: Subject) -> str:
    """The opened documents are those the beacon draws, each proven against the pool's root."""
    sample = validation.read_sample(subject.market, subject.round_id, subject.pipeline.validation, subject.board)
    return f"{len(sample)} documents of a pool of {subject.pipeline.validation.pool}"


def datasets(subject: Subject) -> str:
    """Every scored dataset opens to the root and manifest its provider committed to."""
    attested = {leaf.provider: leaf.status for leaf in subject.leaves}
    documents = 0
    for bid in subject.bids:
        try:
            fetched = fetch_dataset(subject.store, bid.manifest, provider=bid.provider, dataset_root=bid.dataset_root)
        except CheckFailed as error:
            if attested[bid.provider] != Status.UNAVAILABLE:
                raise Mismatch(
                    f"dataset of provider {bid.provider}", f"root 0x{bid.dataset_root.hex()}", error
                ) from error
            continue
        documents += len(fetched)
    return f"{len(subject.bids)} datasets, {documents} documents"


def evidence(subject: Subject) -> str:
    """Every evidence file that an observation names is there and says what the observation says."""
    files = set()
    for observation in subject.observations:
        for score in observation.scores:
            found = read_evidence(subject.store, observation, score)
            name = f"influence log of provider {score.provider} by operator {observation.operator}"
            try:
                subject.store.get(str(found.reasons["influence_log"]))
            except (CheckFailed, KeyError) as error:
                raise Mismatch(name, "a block in the store", error) from error
            files.add(score.evidence)
    return f"{len(files)} files behind {len(subject.observations)} observations"
