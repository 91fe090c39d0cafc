"""Stages that open the content store: specification, base model, validation sample, datasets, evidence."""

from __future__ import annotations

from typing import Any

from oracle.audit.difference import Mismatch, require_equal
from oracle.audit.subject import Subject
from oracle.custody.sealed import verify_sealed
from oracle.errors import CheckFailed
from oracle.evidence import canonical
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation
from oracle.influence.log import KIND as INFLUENCE_KIND
from oracle.influence.log import Log, plain_spec, require_finite
from oracle.influence.rescale import rescale
from oracle.node import pipeline as specification
from oracle.node import validation
from oracle.node.compute import influence_seed
from oracle.node.findings import read_evidence
from oracle.node.opening import manifest_of


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
    """Every scored data set's manifest is the committed one, and every block of its ciphertext is in the store."""
    attested = {leaf.provider: leaf.status for leaf in subject.leaves}
    documents = 0
    for bid in subject.bids:
        try:
            manifest = manifest_of(subject.market, subject.round_id, bid, subject.store)
            if subject.pipeline.bid_limits.exceeded(manifest.size, manifest.documents):
                require_equal(
                    f"status of provider {bid.provider}", Status.UNSUPPORTED.name, attested[bid.provider].name
                )
                continue
            verify_sealed(subject.store, manifest)
        except CheckFailed as error:
            if attested[bid.provider] != Status.UNAVAILABLE:
                raise Mismatch(
                    f"dataset of provider {bid.provider}", f"root 0x{bid.dataset_root.hex()}", error
                ) from error
            continue
        documents += manifest.documents
    return f"{len(subject.bids)} sealed data sets, {documents} documents"


def evidence(subject: Subject) -> str:
    """Every evidence file that an observation names is there and says what the observation says; every impact follows
    from the gains in the operator's influence log, and that log is of a run by the specification and the beacon.
    """
    files = set()
    for observation in subject.observations:
        for score in observation.scores:
            read_evidence(subject.store, observation, score)
            files.add(score.evidence)
        require_impacts(subject, observation, influence_log(subject, observation))
    return f"{len(files)} files behind {len(subject.observations)} observations"


def influence_log(subject: Subject, observation: Observation) -> Log:
    """The replay log behind one operator's impacts: one for all providers. Mismatch naming provider and operator."""
    logs: dict[bytes, Any] = {}
    for score in observation.scores:
        name = f"influence log of provider {score.provider} by operator {observation.operator}"
        try:
            block = subject.store.get(read_evidence(subject.store, observation, score).influence_log)
            logs[block] = canonical.loads(block, name=name)
        except CheckFailed as error:
            raise Mismatch(name, "a block in the store", error) from error
    name = f"influence log of operator {observation.operator}"
    require_equal(f"number of {name}", 1, len(logs))
    (log,) = logs.values()
    if not isinstance(log, dict):
        raise Mismatch(name, "a JSON object", log)
    require_finite(log, name)
    return log


def require_impacts(subject: Subject, observation: Observation, log: Log) -> None:
    """What can be said of a log without computing it again; Mismatch naming provider and operator."""
    scored = [score for score in observation.scores if score.status is Status.SCORED]
    if not scored:
        return
    pipeline, name = subject.pipeline, f"influence log of operator {observation.operator}"
    given = {
        "kind": INFLUENCE_KIND,
        "spec": plain_spec(pipeline.influence_spec),
        "seed": str(influence_seed(observation.beacon)),
        "base": subject.terms.base_model_hash.hex(),
    }
    for field, value in given.items():
        require_equal(f"{field} of {name}", value, log.get(field))
    try:
        gains, stderr = ([float(log[field][score.position]) for score in scored] for field in ("gains", "stderr"))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Mismatch(name, "a gain and its standard error for every provider", error) from error
    profile = pipeline.quality_spec.profile
    phi = rescale(gains, stderr, gain_ref=pipeline.gain_ref, profile=profile, noise_floor=pipeline.noise_floor)
    for score, impact in zip(scored, phi, strict=True):
        require_equal(f"impact of provider {score.provider} by operator {observation.operator}", impact, score.impact)
