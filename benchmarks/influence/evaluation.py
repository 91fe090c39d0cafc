"""Every estimator against retraining, over all providers and over the natural ones alone.

    .venv/bin/python -m benchmarks.influence.evaluation MARKET [--dear] [--peers] [--json FILE] [--plot FILE]

The truth comes from ``benchmarks.influence.truth`` (run it first, or let this run it); estimators use seeds of their
own. CPU seconds are compared with a plain fine-tune on the same data, timed in the same process. Finished estimates are
kept: stop and run again at will. ``--fresh`` times everything anew.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from benchmarks.influence import CACHE, agreement
from benchmarks.influence.peers import WHICH, peer_scores
from benchmarks.influence.plots import draw
from benchmarks.influence.subject import QUOTA, Subject, base_of, subject_of, tell
from benchmarks.influence.truth import SEEDS, Retraining, fine_tune, retrain, truth_of
from oracle.influence.base import BaseModel, own_model
from oracle.influence.device import Compute, reproducible
from oracle.influence.estimators import ESTIMATORS, estimator
from oracle.influence.job import Job
from oracle.influence.log import code_digest
from oracle.influence.pretrain import BaseSpec
from oracle.influence.spec import InfluenceSpec

OWN_SEEDS = (11, 12, 13)
DEAR = ("leave-one-out", "banzhaf", "shapley")  # many fine-tunes each: only when asked for, and under one seed

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """``leave_one_out`` and ``banzhaf``: (providers,) nats per validation token, with standard errors."""

    leave_one_out: Array
    leave_one_out_error: Array
    banzhaf: Array
    member: Array
    losses: Array
    by_seed: Array
    """(seeds, providers) leave-one-out of each seed."""
    subset_losses: Array
    """(seeds, subsets)."""


@dataclass(frozen=True)
class Run:
    """One estimate: gains, and its cost in gradient passes and in CPU seconds over those of a plain fine-tune.

    ``code``: digest of the estimators' source that made it.
    """

    name: str
    seed: int
    gains: list[float]
    stderr: list[float]
    passes: float
    cpu_seconds: float
    fine_tune_seconds: float
    code: str = ""


def truth_from(rows: Sequence[Retraining], providers: int) -> Truth:
    everybody = tuple(range(providers))
    loss = {(row.seed, row.members): row.loss for row in rows}
    without = [tuple(p for p in everybody if p != out) for out in everybody]
    by_seed = np.array([[loss[seed, rest] - loss[seed, everybody] for rest in without] for seed in SEEDS])
    known = {everybody, *without}
    subsets = list(dict.fromkeys(row.members for row in rows if row.members not in known))
    member = np.array([[float(p in subset) for p in everybody] for subset in subsets])
    subset_losses = np.array([[loss[seed, subset] for subset in subsets] for seed in SEEDS])
    losses = subset_losses.mean(0)
    return Truth(
        leave_one_out=by_seed.mean(0),
        leave_one_out_error=by_seed.std(0, ddof=1) / len(SEEDS) ** 0.5,
        banzhaf=agreement.banzhaf(member, losses),
        member=member,
        losses=losses,
        by_seed=by_seed,
        subset_losses=subset_losses,
    )


def estimate(subject: Subject, name: str, spec: InfluenceSpec, seed: int) -> Run:
    """Run one estimator, and a plain fine-tune on the same data right after it."""
    job = Job(subject.base, subject.data, subject.validation, spec, seed, Compute(torch.device("cpu")), progress=tell)
    engine = estimator(spec.estimator)
    with reproducible():
        started = time.process_time()
        result = engine.estimate(job)
        taken = time.process_time() - started
    plain = retrain(subject, tuple(range(len(subject.data))), seed).cpu_seconds
    found = list(result.gains), list(result.stderr)
    return Run(name, seed, *found, engine.passes(job), taken, plain, code_digest())


def run_of(subject: Subject, name: str, spec: InfluenceSpec, seed: int, *, fresh: bool) -> Run:
    """The estimate, from the cache if it was made before, by whatever code: main() says so of other code than now."""
    path = CACHE / f"estimates-{subject.key[:16]}.jsonl"
    key = json.dumps([asdict(spec), seed], sort_keys=True)
    if path.exists() and not fresh:
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if row["key"] == key:
                return Run(**{**row["run"], "name": name})
    run = estimate(subject, name, spec, seed)
    with path.open("a") as file:
        file.write(json.dumps({"key": key, "run": vars(run)}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return run


def settled_base(subject: Subject) -> BaseModel:
    """The base model after a plain fine-tune on everybody's text: where influence libraries expect to be used."""
    base = subject.base
    model = fine_tune(subject, tuple(range(len(subject.data))), OWN_SEEDS[0])
    about = json.dumps({"record": base.record, "tokenizer": base.tokenizer.to_str()}, sort_keys=True)
    return own_model(model, base.tokenizer, base.record, safetensors.torch.save(model.state_dict(), {"about": about}))


def peers_of(subject: Subject, which: str, *, fresh: bool) -> list[Run]:
    """A peer's runs on the same windows; they have no seeds of ours, and cost what they cost.

    kronfluence needs a trained model: it is asked at the base model and at the fine-tuned one (whose training is not
    in its time). bergson's MAGIC trains by itself.
    """
    path = CACHE / f"{which}-{subject.key[:16]}.json"
    if fresh or not path.exists():
        bases = {"base": subject.base} | ({"fine-tuned": settled_base(subject)} if which == "kronfluence" else {})
        found = []
        for where, base in bases.items():
            for run in peer_scores(base, subject.data, subject.validation, which, CACHE / f"peer-{which}"):
                found.append({**run, "name": f"{run['name']}, {where}"})
        plain = retrain(subject, tuple(range(len(subject.data))), OWN_SEEDS[0]).cpu_seconds
        path.write_text(json.dumps([found, plain]))
    found, plain = json.loads(path.read_text())
    none = [0.0] * len(subject.data)
    return [Run(run["name"], 0, run["gains"], none, math.nan, run["cpu_seconds"], plain) for run in found]


def judge(runs: Sequence[Run], truth: Truth, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Agreement of the mean over seeds on the chosen providers, with 95 % intervals; each a mean over single seeds."""
    gains = np.array([run.gains for run in runs])
    index = np.flatnonzero(chosen)
    loo, shares = truth.leave_one_out[index], truth.banzhaf[index]
    error = truth.leave_one_out_error[index]

    def mean(statistic: Any) -> float:
        return float(np.mean([statistic(own) for own in gains]))

    def loo_of(own: Array, at: NDArray[np.int64]) -> float:
        return agreement.spearman(own[index][at], loo[at])

    def banzhaf_of(own: Array, at: NDArray[np.int64]) -> float:
        refit = agreement.banzhaf(truth.member[at], truth.losses[at])
        return agreement.spearman(own[index], refit[index])

    def lds_of(own: Array, at: NDArray[np.int64]) -> float:
        return agreement.lds(own, truth.member[at], truth.losses[at])

    subsets = len(truth.losses)
    pairs = [agreement.spearman(one[index], two[index]) for one, two in combinations(gains, 2)]
    return {
        "loo": mean(lambda own: agreement.spearman(own[index], loo)),
        "loo_interval": agreement.interval(lambda at: mean(lambda own: loo_of(own, at)), len(index)),
        "loo_pearson": mean(lambda own: agreement.pearson(own[index], loo)),
        "banzhaf": mean(lambda own: agreement.spearman(own[index], shares)),
        "banzhaf_interval": agreement.interval(lambda at: mean(lambda own: banzhaf_of(own, at)), subsets),
        "banzhaf_pearson": mean(lambda own: agreement.pearson(own[index], shares)),
        "lds": mean(lambda own: agreement.lds(own, truth.member, truth.losses)),
        "lds_interval": agreement.interval(lambda at: mean(lambda own: lds_of(own, at)), subsets),
        "wrong_signs": mean(lambda own: agreement.wrong_signs(own[index], loo, error)),
        "stability": float(np.mean(pairs)) if pairs else None,
        "passes": float(np.mean([run.passes for run in runs])),
        "cpu_seconds": float(np.mean([run.cpu_seconds for run in runs])),
        "times_fine_tune": float(np.mean([run.cpu_seconds / run.fine_tune_seconds for run in runs])),
    }


def ceiling(truth: Truth, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """What a perfect estimator could reach: how far the truth agrees with itself."""
    index = np.flatnonzero(chosen)
    one, two = truth.by_seed[:, index]
    fits = [agreement.banzhaf(truth.member, own) for own in truth.subset_losses]
    return {
        "loo": agreement.spearman(one, two),
        "loo_to_banzhaf": agreement.spearman(truth.leave_one_out[index], truth.banzhaf[index]),
        "banzhaf": agreement.spearman(fits[0][index], fits[1][index]),
        "lds": agreement.lds(truth.banzhaf, truth.member, truth.losses),
        "subset_losses": agreement.spearman(*truth.subset_losses),
    }


HEAD = ("estimator", "LOO", "95 %", "Banzhaf", "95 %", "LDS", "95 %", "r LOO", "r Banzhaf", "wrong", "seeds", "passes",
        "x fine-tune")  # fmt: skip


def row_of(name: str, found: dict[str, Any]) -> list[str]:
    def span(key: str) -> str:
        low, high = found[f"{key}_interval"]
        return f"{low:.2f}-{high:.2f}"

    stability = "-" if found["stability"] is None else f"{found['stability']:.3f}"
    return [
        name, f"{found['loo']:.3f}", span("loo"), f"{found['banzhaf']:.3f}", span("banzhaf"), f"{found['lds']:.3f}",
        span("lds"), f"{found['loo_pearson']:.3f}", f"{found['banzhaf_pearson']:.3f}", f"{found['wrong_signs']:.1f}",
        stability, f"{found['passes']:.2f}", f"{found['times_fine_tune']:.2f}",
    ]  # fmt: skip


def table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    first, *others = widths
    lines = [
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))])
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path)
    parser.add_argument("--quota", type=int, default=QUOTA, help="tokens of each provider (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=sorted(ESTIMATORS), help="these estimators")
    parser.add_argument("--dear", action="store_true", help="those that take many fine-tunes, too")
    parser.add_argument("--fresh", action="store_true", help="estimate and time anew")
    parser.add_argument("--peers", nargs="*", default=(), choices=WHICH, help="and these; all without a name")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    subject = subject_of(options.market, base_of(options.market, BaseSpec()), options.quota)
    truth = truth_from(truth_of(subject, processes=2), len(subject.data))
    names = options.only or [name for name in ESTIMATORS if options.dear or name not in DEAR]
    groups = {"all": np.ones(len(subject.names), dtype=bool), "natural": np.array(subject.natural)}
    document: dict[str, Any] = {"providers": subject.names, "is_natural": subject.natural, "emptied": subject.emptied}
    runs: dict[str, list[Run]] = {}
    for name in names:
        spec = replace(InfluenceSpec(), estimator=name)
        seeds = OWN_SEEDS[:1] if name in DEAR else OWN_SEEDS
        runs[name] = [run_of(subject, name, spec, seed, fresh=options.fresh) for seed in seeds]
    if other := [name for name, own in runs.items() if any(run.code != code_digest() for run in own)]:
        print(f"made by other code than is here now (--fresh makes them anew): {', '.join(other)}", file=sys.stderr)
    for which in WHICH if options.peers == [] else options.peers:
        for run in peers_of(subject, which, fresh=options.fresh):
            runs[run.name] = [run]
    for group, chosen in groups.items():
        limit = ceiling(truth, chosen)
        document[group] = {"ceiling": limit}
        rows = [list(HEAD)]
        for name, own in runs.items():
            document[group][name] = judge(own, truth, chosen)
            rows.append(row_of(name, document[group][name]))
        print(
            f"\n{group}: {chosen.sum()} providers; the truth with itself: "
            + ", ".join(f"{key} {value:.3f}" for key, value in limit.items())
        )
        print(table(rows))
    document["truth"] = {"leave_one_out": truth.leave_one_out.tolist(), "banzhaf": truth.banzhaf.tolist()}
    document["estimators"] = {name: [vars(run) for run in own] for name, own in runs.items()}
    if options.plot:
        draw(document, InfluenceSpec().estimator, options.plot)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
