"""From texts to every provider's gain, with its standard error, its cost and its replay log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from oracle.errors import BadInput
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, reproducible
from oracle.influence.estimators import estimator
from oracle.influence.job import Estimate, Estimator, Job, Progress
from oracle.influence.log import KIND, code_digest, log_hash, plain_spec, require_finite
from oracle.influence.sequences import cut_windows, draw_key, draw_passages, text_digest
from oracle.influence.spec import InfluenceSpec
from oracle.influence.state import Seal, StateFile


@dataclass(frozen=True)
class Influence:
    """``gains`` and ``stderr`` in nats per validation token, ``tokens`` used of each provider, in corpus order.

    ``log`` is the replay log (JSON-able; numbers that are not integers are strings that read back exactly), ``passes``
    gradient passes over the training tokens, ``seconds`` wall time. ``documents`` are the lines under the
    ``documents_root`` of each run, one run after the other: what a spot audit draws from.
    """

    gains: tuple[float, ...]
    stderr: tuple[float, ...]
    tokens: tuple[int, ...]
    log: dict[str, Any]
    passes: float
    seconds: float
    documents: tuple[bytes, ...] = ()

    @property
    def log_hash(self) -> str:
        """SHA-256 (hex) of the log's bytes."""
        return log_hash(self.log)


def make_job(
    base: BaseModel,
    corpora: Sequence[Sequence[str]],
    validation: Sequence[str],
    spec: InfluenceSpec,
    *,
    seed: int,
    compute: Compute | None = None,
    state: Path | None = None,
    progress: Progress | None = None,
) -> Job:
    """Draw everybody's passages by ``seed`` (the round's beacon), up to the quota, and cut them into windows.

    Raises BadInput when the validation text is empty or nobody has any tokens.
    """
    pool = cut_windows(draw_passages(validation, seed), base.tokenizer, base.end, base.context)
    data = tuple(
        cut_windows(draw_passages(own, seed), base.tokenizer, base.end, base.context, spec.quota) for own in corpora
    )
    if not len(pool):
        raise BadInput("the validation text is empty", input="validation", hint="give the text of the target domain")
    if not any(len(own) for own in data):
        raise BadInput("no provider has any usable text", input="corpora", hint="nothing to score")
    return Job(base, data, pool, spec, seed, compute or Compute(), state=state, progress=progress)


def marginal_utility(
    base: BaseModel,
    corpora: Sequence[Sequence[str]],
    validation: Sequence[str],
    spec: InfluenceSpec,
    *,
    seed: int,
    compute: Compute | None = None,
    state: Path | None = None,
    seal: Seal | None = None,
    announce: Callable[[float], None] | None = None,
    progress: Progress | None = None,
) -> Influence:
    """Each corpus's gain on ``validation``: the mean of ``spec.repeats`` runs, each with draws and an order of its own.

    A corpus without usable tokens gains 0 and is listed in ``log["empty"]``. The standard error is that of the mean
    over the repeats; of a single run, that of its parts. The same arguments on one machine with one thread count give
    an identical log. ``state`` is a folder (made if need be) from which a killed run goes on to the same log; it is
    left as it was found, and what lies there meanwhile is closed with ``seal``. ``announce`` is told the cost in passes
    before anything is computed.

    Raises BadInput as :func:`make_job` and for an unknown estimator, CheckFailed, naming step and provider, when a loss
    or gradient is not finite: no log of such a run exists.
    """
    started = time.perf_counter()
    engine = estimator(spec.estimator)
    compute = compute or Compute()
    if state is not None:
        state.mkdir(parents=True, exist_ok=True)
    runs: list[tuple[Job, Estimate]] = []
    finished: list[StateFile] = []
    passes = 0.0
    with reproducible():
        for number in range(spec.repeats):
            draw = repeat_seed(seed, number)
            job = make_job(base, corpora, validation, spec, seed=draw, compute=compute, progress=progress)
            if state is not None:
                job = replace(job, state=state / f"{job.key}.state", seal=seal)
            own = engine.passes(job)
            if announce and number == 0:
                announce(own * spec.repeats)
            passes += own
            finished.append(StateFile(state and state / f"{job.key}.done", job.key, seal))
            runs.append((job, _estimate(engine, job, finished[-1])))
    tokens = tuple(windows.tokens for windows in runs[0][0].data)
    gains, stderr = averaged([run.gains for _, run in runs], runs[0][1].stderr)
    log = {
        **what_is_given(base, corpora, validation, spec, seed=seed, compute=compute, tokens=tokens),
        "runs": [{"seed": str(job.seed), **run.log, "gains": [repr(gain) for gain in run.gains]} for job, run in runs],
        "gains": [repr(gain) for gain in gains],
        "stderr": [repr(error) for error in stderr],
    }
    require_finite(log, "replay log")
    for file in finished:
        file.clear()
    documents = tuple(line.encode() for _, run in runs for line in run.documents)
    return Influence(gains, stderr, tokens, log, passes, time.perf_counter() - started, documents)


def environment(compute: Compute) -> dict[str, Any]:
    """What may move the last bits of a run: where it computes, and by which code."""
    return {**compute.describe(), "code": code_digest()}


def what_is_given(
    base: BaseModel,
    corpora: Sequence[Sequence[str]],
    validation: Sequence[str],
    spec: InfluenceSpec,
    *,
    seed: int,
    compute: Compute,
    tokens: Sequence[int],
) -> dict[str, Any]:
    """The top of a replay log: all that a run was given, and how many ``tokens`` of each corpus it drew."""
    return {
        "kind": KIND,
        "spec": plain_spec(spec),
        "seed": str(seed),
        "environment": environment(compute),
        "base": base.digest,
        "tokenizer": text_digest([base.tokenizer.to_str()]),
        "validation": text_digest(validation),
        "data": [text_digest(texts) for texts in corpora],
        "tokens": list(tokens),
        "empty": [provider for provider, count in enumerate(tokens) if not count],
    }


def averaged(runs: Sequence[Sequence[float]], stderr: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Every provider's mean gain over the runs, and its standard error; of a single run its own, ``stderr``."""
    by_provider = list(zip(*runs, strict=True))
    several = len(runs) > 1
    errors = (stdev(own) / len(own) ** 0.5 for own in by_provider) if several else stderr
    return tuple(map(fmean, by_provider)), tuple(errors)


def _estimate(engine: Estimator, job: Job, finished: StateFile) -> Estimate:
    """The estimate of one repeat: what an earlier process finished counts."""
    known = finished.load(job.compute.device)
    if known is not None:
        books = known[1]
        return Estimate(tuple(books["gains"]), tuple(books["stderr"]), books["log"], tuple(books["documents"]))
    found = engine.estimate(job)
    finished.save({}, vars(found))
    return found


def repeat_seed(seed: int, number: int) -> int:
    """The seed of one repeat: the first is ``seed`` itself."""
    return seed if number == 0 else int.from_bytes(draw_key(seed, "repeat", str(number))[:8], "big") >> 1
