"""What an audit opens in a store: the influence logs behind the impacts that operators observed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from fuzz.forms import record
from fuzz.parties import Memory
from fuzz.targets.evidence import observation
from fuzz.targets.influence import log_of_two
from fuzz.targets.node import evidence_of, specification
from oracle.audit.content import influence_log, require_impacts
from oracle.audit.subject import Subject
from oracle.errors import CheckFailed
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation
from oracle.influence.log import log_bytes, plain_spec
from oracle.influence.rescale import rescale
from oracle.node import pipeline
from oracle.node.compute import influence_seed

GAINS, STDERR = ["0.125", "0.25"], ["0.01", "0.02"]
BASE = b"\x01" * 32


@dataclass
class _Audited:
    """What the stage asks of the round under audit."""

    store: Memory
    pipeline: pipeline.Pipeline

    @property
    def terms(self) -> Any:
        return SimpleNamespace(base_model_hash=BASE)


@cache
def _pipeline() -> pipeline.Pipeline:
    store, data = Memory(), specification(Random(1))
    store.put(data)
    return pipeline.load(store, sha256(data).digest())


@cache
def _observed() -> Observation:
    """Two data sets, whose impacts follow from ``GAINS``."""
    seen = next(seen for seed in range(99) if len((seen := observation(Random(seed))).scores) == 2)
    spec = _pipeline()
    gains, errors = list(map(float, GAINS)), list(map(float, STDERR))
    profile = spec.quality_spec.profile
    phi = rescale(gains, errors, gain_ref=spec.gain_ref, profile=profile, noise_floor=spec.noise_floor)
    told = zip(seen.scores, phi, strict=True)
    scores = tuple(score.model_copy(update={"status": Status.SCORED, "impact": impact}) for score, impact in told)
    return seen.model_copy(update={"scores": scores})


def _log(source: Random) -> bytes:
    """Of the run that the specification and the beacon ask for."""
    given = {"spec": plain_spec(_pipeline().influence_spec), "seed": str(influence_seed(_observed().beacon))}
    return log_bytes(log_of_two(source) | given | {"gains": GAINS, "stderr": STDERR})


def _audit(data: bytes) -> None:
    if len(data) > 1 << 20:
        raise CheckFailed("no block is longer")
    store, seen = Memory(), _observed()
    log = store.put(data)
    named = (evidence_of(seen, score, Random(1)).model_copy(update={"influence_log": log}) for score in seen.scores)
    files = [store.put(evidence.to_bytes()) for evidence in named]
    pairs = zip(seen.scores, files, strict=True)
    scores = tuple(score.model_copy(update={"evidence": file}) for score, file in pairs)
    seen = seen.model_copy(update={"scores": scores})
    subject = cast(Subject, _Audited(store, _pipeline()))
    require_impacts(subject, seen, influence_log(subject, seen))


TARGETS = (record("influence log under audit", _log, _audit, allowed=(CheckFailed,)),)
