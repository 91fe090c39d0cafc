"""The estimators by name."""

from __future__ import annotations

from oracle.errors import BadInput
from oracle.influence.inrun import InRun
from oracle.influence.job import Estimator

ESTIMATORS: dict[str, type[Estimator]] = {
    "in-run": InRun,
}


def estimator(name: str) -> Estimator:
    """Raises BadInput for a name that is not in ESTIMATORS."""
    if name not in ESTIMATORS:
        raise BadInput(f"unknown estimator {name!r}", input="estimator", hint=f"use one of {', '.join(ESTIMATORS)}")
    return ESTIMATORS[name]()
