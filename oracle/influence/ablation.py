"""Limited ablation: fine-tune on subsets of the providers and see what the validation loss does.

Every subset's fine-tune has the same seed and the same order of what is in it (common random numbers), so differences
come from who is missing. The value of a subset is minus its validation loss on the whole sample; that of nobody is the
base model's. Providers without text are left out of the game and gain 0.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from itertools import chain, combinations
from math import isfinite
from statistics import fmean, stdev

import numpy as np

from oracle.errors import BadInput, CheckFailed
from oracle.influence.finetune import FORWARD, FineTune
from oracle.influence.job import Estimate, Job
from oracle.influence.projection import require_one_process
from oracle.influence.sequences import draw_key

Subset = tuple[int, ...]  # provider indices, ascending


class Ablation(ABC):
    """What the three have in common: a plan of subsets known before the start, and one short fine-tune for each."""

    def passes(self, job: Job) -> float:
        """Every planned subset's own text, and the validation sample forward after each."""
        windows = [len(own) for own in job.data]
        subsets = self.subsets(job)
        trained = sum(windows[provider] for subset in subsets for provider in subset)
        return (trained + len(subsets) * FORWARD * len(job.validation)) / sum(windows)

    def estimate(self, job: Job) -> Estimate:
        """All fine-tunes; a killed run goes on after the last that was finished.

        Raises BadInput when ``job.spec.subsets`` is too small for the method or the job is for several processes,
        CheckFailed when a gradient or loss is not finite.
        """
        require_one_process(job)
        subsets = self.subsets(job)
        state = job.state_file()
        kept = state.load(job.compute.device)
        losses: list[float] = [] if kept is None else kept[1]["losses"]
        for number in range(len(losses), len(subsets)):
            losses.append(retrain(job, subsets[number]))
            state.save({}, {"losses": losses})
            if job.progress:
                job.progress("marginal utility", number + 1, len(subsets))
        gains, errors = [0.0] * len(job.data), [0.0] * len(job.data)
        values = {subset: -loss for subset, loss in zip(subsets, losses, strict=True)}
        for player, (gain, error) in zip(players(job), self.credit(job, values), strict=True):
            gains[player], errors[player] = gain, error
        log = {"subsets": [list(subset) for subset in subsets], "losses": [repr(loss) for loss in losses]}
        state.clear()
        return Estimate(tuple(gains), tuple(errors), log)

    @abstractmethod
    def subsets(self, job: Job) -> list[Subset]:
        """The plan: distinct subsets of the players, in the order of their fine-tunes."""

    @abstractmethod
    def credit(self, job: Job, values: Mapping[Subset, float]) -> list[tuple[float, float]]:
        """Gain and standard error of each player from the values of the planned subsets."""


class LeaveOneOut(Ablation):
    """Gain = value of all - value of all but one: n + 1 fine-tunes, no standard error."""

    def subsets(self, job: Job) -> list[Subset]:
        everybody = players(job)
        return distinct([everybody, *(without(everybody, player) for player in everybody)])

    def credit(self, job: Job, values: Mapping[Subset, float]) -> list[tuple[float, float]]:
        everybody = players(job)
        return [(values[everybody] - values[without(everybody, player)], 0.0) for player in everybody]


class Banzhaf(Ablation):
    """Data Banzhaf (Wang and Jia 2023) from independent subsets, everybody in each with probability 1/2.

    The Banzhaf values are the slopes of the best linear fit to all 2^n subsets (Hammer and Holzman 1992), so they are
    estimated by least squares over those drawn, as in datamodels (Ilyas et al. 2022). Reusing every sample as a mean
    difference is unbiased too, but leaves everybody else's part in the noise: with a few times n subsets it is far
    worse. When no more than ``spec.subsets`` subsets exist, all of them are taken and the values are exact.
    """

    def subsets(self, job: Job) -> list[Subset]:
        everybody = players(job)
        wanted = job.spec.subsets
        if 2 ** len(everybody) <= wanted:
            return [subset for size in range(len(everybody) + 1) for subset in combinations(everybody, size)]
        source = random.Random(draw_key(job.seed, "subsets"))
        drawn: dict[Subset, None] = {}  # a set in the order of its drawing
        while len(drawn) < wanted:
            drawn[tuple(player for player in everybody if source.random() < 0.5)] = None
        if np.linalg.matrix_rank(design(everybody, drawn)) <= len(everybody) or wanted < len(everybody) + 2:
            raise BadInput(
                f"{wanted} subsets cannot tell {len(everybody)} providers apart",
                input="subsets",
                hint=f"take at least {4 * len(everybody)}",
            )
        return list(drawn)

    def credit(self, job: Job, values: Mapping[Subset, float]) -> list[tuple[float, float]]:
        everybody = players(job)
        rows, seen = design(everybody, values), np.array(list(values.values()))
        slopes, *_ = np.linalg.lstsq(rows, seen)
        if len(rows) == 2 ** len(everybody):
            return [(float(slope), 0.0) for slope in slopes[1:]]
        left = seen - rows @ slopes
        variance = float(left @ left) / (len(rows) - rows.shape[1])
        errors = np.sqrt(variance * np.diag(np.linalg.inv(rows.T @ rows)))
        return [(float(slope), float(error)) for slope, error in zip(slopes[1:], errors[1:], strict=True)]


class Shapley(Ablation):
    """Shapley values from random permutations (Castro, Gomez, Tejada 2009), as many as ``spec.subsets`` pays for.

    A permutation of n takes n - 1 fine-tunes: those of nobody and of everybody are shared by all. The gain is the mean
    over permutations of what a provider adds to those before it, the standard error that of the mean.
    """

    def permutations(self, job: Job) -> list[Subset]:
        everybody = players(job)
        each = len(everybody) - 1
        count = (job.spec.subsets - 1) // each if each else 1
        if not count:
            raise BadInput(
                f"{job.spec.subsets} subsets do not make a permutation of {len(everybody)} providers",
                input="subsets",
                hint=f"take at least {len(everybody)}, better ten times as many",
            )
        source = random.Random(draw_key(job.seed, "permutations"))
        return [tuple(source.sample(everybody, len(everybody))) for _ in range(count)]

    def subsets(self, job: Job) -> list[Subset]:
        prefixes = (tuple(sorted(order[:size])) for order in self.permutations(job) for size in range(1, len(order)))
        return distinct(chain([(), players(job)], prefixes))

    def credit(self, job: Job, values: Mapping[Subset, float]) -> list[tuple[float, float]]:
        added: dict[int, list[float]] = {player: [] for player in players(job)}
        for order in self.permutations(job):
            for place, player in enumerate(order):
                before, after = tuple(sorted(order[:place])), tuple(sorted(order[: place + 1]))
                added[player].append(values[after] - values[before])
        return [(fmean(own), stdev(own) / len(own) ** 0.5 if len(own) > 1 else abs(own[0])) for own in added.values()]


def players(job: Job) -> Subset:
    """The providers that have text."""
    return tuple(provider for provider, own in enumerate(job.data) if len(own))


def without(subset: Subset, player: int) -> Subset:
    return tuple(other for other in subset if other != player)


def distinct(subsets: Iterable[Subset]) -> list[Subset]:
    """Each once, in the order of their first appearance."""
    return list(dict.fromkeys(subsets))


def design(everybody: Subset, subsets: Iterable[Subset]) -> np.ndarray:
    """A row per subset: 1, then 1 for each player in it and 0 for the others."""
    return np.array([[1.0, *(float(player in subset) for player in everybody)] for subset in subsets])


def retrain(job: Job, subset: Subset) -> float:
    """Validation loss, nats per token, after the fine-tune on ``subset`` alone; everybody in it keeps the order."""
    data = [own if provider in subset else own[:0] for provider, own in enumerate(job.data)]
    tune = FineTune(job.base, data, job.spec, job.seed, job.compute)
    tune.run()
    loss = tune.weights.mean_loss(job.validation)
    if not isfinite(loss):
        raise CheckFailed(
            f"the validation loss after a fine-tune on providers {list(subset)} is {loss}",
            input=f"providers {list(subset)}",
            hint="lower the learning rate, or check their text",
        )
    return loss
