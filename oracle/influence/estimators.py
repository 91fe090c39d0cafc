"""The estimators by name. The paper's profile uses ``diagonal`` (see curvature) with its own rescaling."""

from __future__ import annotations

from oracle.errors import BadInput
from oracle.influence.ablation import Banzhaf, LeaveOneOut, Shapley
from oracle.influence.curvature import ConjugateGradients, Diagonal
from oracle.influence.inrun import InRun
from oracle.influence.job import Estimator
from oracle.influence.settled import Settled
from oracle.influence.tracin import TracIn

ESTIMATORS: dict[str, type[Estimator]] = {
    "settled": Settled,
    "in-run": InRun,
    "tracin": TracIn,
    "cg": ConjugateGradients,
    "diagonal": Diagonal,
    "leave-one-out": LeaveOneOut,
    "banzhaf": Banzhaf,
    "shapley": Shapley,
}


def estimator(name: str) -> Estimator:
    """Raises BadInput for a name that is not in ESTIMATORS."""
    if name not in ESTIMATORS:
        raise BadInput(f"unknown estimator {name!r}", input="estimator", hint=f"use one of {', '.join(ESTIMATORS)}")
    return ESTIMATORS[name]()
