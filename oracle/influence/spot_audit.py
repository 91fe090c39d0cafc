"""A published run audited in part: what it was given, its direction, its sums, and a few windows of each provider.

No provider's windows are measured again but the drawn ones, each by two forward passes; the rest of the cost is the
direction, which is everybody's (``settled``: with the fine-tune that it is taken after). What only a whole replay finds
(the sketches of the gradients' sums) is left as it was published.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import SystemRandom
from typing import Any

from oracle.errors import BadInput
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, reproducible
from oracle.influence.estimators import estimator
from oracle.influence.job import Progress
from oracle.influence.log import Log, with_scores
from oracle.influence.marginal import averaged, make_job, repeat_seed, what_is_given
from oracle.influence.projection import standard_error
from oracle.influence.replay import Difference, first_difference
from oracle.influence.rescale import gain_scale, rescale
from oracle.influence.sequences import Windows
from oracle.influence.spec import InfluenceSpec
from oracle.influence.spot import Aim, Aiming, check_documents, stated_value


@dataclass(frozen=True)
class SpotAudit:
    """``difference``: the first one found, or None. ``checked`` of ``windows`` were computed again."""

    difference: Difference | None
    checked: int
    windows: int
    seconds: float


def spot_audit(
    published: Log,
    lines: Sequence[bytes],
    base: BaseModel,
    corpora: Sequence[Sequence[str]],
    validation: Sequence[str],
    spec: InfluenceSpec,
    *,
    seed: int,
    draw: int,
    scale: Mapping[str, Any],
    compute: Compute,
    progress: Progress | None = None,
) -> SpotAudit:
    """Compare a log, and the ``lines`` under its roots (all runs', in order), with what this machine finds.

    ``draw`` windows of each provider and run are computed again, drawn by the operating system: whoever published the
    log cannot have known them. ``scale`` makes gains into phi: ``profile``, ``gain_ref`` and ``noise_floor`` of
    :func:`rescale.rescale`.

    Raises BadInput for an estimator whose gains are no sums over windows or a log without what such a log holds,
    CheckFailed for one with a number that is not finite.
    """
    started = time.perf_counter()
    engine = estimator(spec.estimator)
    if not isinstance(engine, Aiming):
        raise BadInput(
            f"the gains of {spec.estimator} are no sums over windows at fixed weights",
            input="estimator",
            hint="replay the whole log",
        )
    jobs = [
        make_job(base, corpora, validation, spec, seed=repeat_seed(seed, number), compute=compute)
        for number in range(spec.repeats)
    ]
    sizes = [sum(map(len, engine.measured(job))) for job in jobs]
    checked = 0
    stderr: tuple[float, ...] = ()

    def result(difference: Difference | None) -> SpotAudit:
        return SpotAudit(difference, checked, sum(sizes), time.perf_counter() - started)

    tokens = [own.tokens for own in jobs[0].data]
    given = what_is_given(base, corpora, validation, spec, seed=seed, compute=compute, tokens=tokens)
    if difference := first_difference({name: published.get(name) for name in given}, given, scale=1.0):
        return result(difference)
    claims = read_claims(published, spec, providers=len(corpora))
    if len(lines) != sum(sizes):
        return result(Difference("documents", f"{sum(sizes)} lines", f"{len(lines)} lines"))

    whole: Log = {**published, **given, "runs": list(published["runs"])}
    with reproducible():
        for number, (job, claim) in enumerate(zip(jobs, claims, strict=True)):
            aim = engine.aim(job)
            whole["runs"][number] = {**published["runs"][number], **aim.log, "seed": str(job.seed)}
            if difference := first_difference(published, whole, scale=1.0):
                return result(difference)
            sample = drawn(aim.windows, draw)
            before = sum(sizes[:number])
            own = lines[before : before + sizes[number]]
            difference = check_documents(job, aim, own, root=claim.root, gains=claim.gains, sample=sample)
            if difference:
                path = f"runs[{number}].{difference.path}"
                return result(Difference(path, difference.expected, difference.found))
            checked += len(sample)
            if number == 0:
                stderr = spreads(aim, own)
            if progress:
                progress("spot audit", number + 1, len(jobs))

    gains, stderr = averaged([claim.gains for claim in claims], stderr)
    whole |= {"gains": list(map(repr, gains)), "stderr": list(map(repr, stderr))}
    whole = with_scores(whole, rescale(gains, stderr, **scale), **scale)
    return result(first_difference(published, whole, scale=gain_scale(gains, scale["gain_ref"])))


@dataclass(frozen=True)
class Claim:
    """What one published run says: the root over its lines, and every provider's gain."""

    root: bytes
    gains: tuple[float, ...]


def read_claims(published: Log, spec: InfluenceSpec, *, providers: int) -> list[Claim]:
    """The claims of the log's runs; BadInput where it holds none, or not as many as runs and providers."""
    try:
        claims = [
            Claim(bytes.fromhex(run["documents_root"]), tuple(map(float, run["gains"]))) for run in published["runs"]
        ]
        if len(claims) != spec.repeats or any(len(claim.gains) != providers for claim in claims):
            raise ValueError(f"not {spec.repeats} runs with {providers} gains each")
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"the log's runs have no documents root and gains that could be checked: {error}",
            input="replay log",
            hint="replay the whole log",
        ) from error
    return claims


def drawn(windows: Sequence[Windows], draw: int) -> list[int]:
    """The indices of ``draw`` windows of each provider, or of all where it has no more."""
    source, sample, first = SystemRandom(), [], 0
    for own in windows:
        sample += sorted(source.sample(range(first, first + len(own)), min(draw, len(own))))
        first += len(own)
    return sample


def spreads(aim: Aim, lines: Sequence[bytes]) -> tuple[float, ...]:
    """Every provider's standard error: that of its gain's parts, which are sums of its lines."""
    values = iter([stated_value(line) for line in lines])
    own = [[next(values) for _ in range(len(windows))] for windows in aim.windows]
    size = aim.together
    return tuple(standard_error([sum(one[at : at + size]) for at in range(0, len(one), size)]) for one in own)
