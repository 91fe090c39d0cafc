"""From gains in nats to phi in [0, 1], as integers of 1e-4.

``robust``: phi = credited gain / gain_ref, with gain_ref fixed in the terms at the gain of a whole market of the
allowed volume, so that the scale depends on no provider and nobody reaches the clip (a clip that binds pays a provider
who splits into five identities five times). What of a gain lies above the noise floor and beyond its standard error is
credited (:func:`credit`); phi rises from 0 there, so that honest machines cannot disagree about a step, and there is no
least phi: one of 1e-3 would pay identities of a word each.
``paper``: min-max over the roster with a floor of 1e-3, whatever the standard errors (appendix D, step 3).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from oracle.errors import BadInput, CheckFailed
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute
from oracle.influence.job import Progress
from oracle.influence.marginal import marginal_utility
from oracle.influence.pretrain import split_seed
from oracle.influence.sequences import draw_passages, text_digest
from oracle.influence.spec import InfluenceSpec

PROFILES = ("robust", "paper")
QUANTA = 10_000
FLOOR = 10  # 1e-3, the paper's
MARKET = 16  # providers of a whole market


def credit(gain: float, stderr: float, noise_floor: float) -> Fraction:
    """What counts of a gain: (d^2 - stderr^2) / d with d = gain - floor, 0 unless d > stderr; nats per token.

    d^2 - s^2 estimates the square of the true gain without bias, and 1 - s^2 / d^2 the share of the variation between
    providers that is signal: positive-part shrinkage (James and Stein 1961) with each provider's own d^2. It rises with
    the gain, falls with the standard error, leaves a gain without error as it is, and knows no other provider. A gain
    that is measured on a single part has itself as its error and counts nothing: text dealt out over identities too
    small to be measured is paid for none of them.
    """
    above, error = Fraction(gain) - Fraction(noise_floor), Fraction(stderr)
    return (above**2 - error**2) / above if above > error else Fraction(0)


def rescale(
    gains: Sequence[float], stderr: Sequence[float], *, gain_ref: float, profile: str, noise_floor: float
) -> tuple[int, ...]:
    """phi of each provider in units of 1e-4 (0..10000), halves rounded to even.

    ``gain_ref``, ``noise_floor`` and ``stderr`` are in the unit of the gains (nats per validation token) and are not
    used by ``paper``. Raises BadInput for an unknown profile, a ``gain_ref`` that is not positive or a floor below 0,
    CheckFailed, naming the provider by its place, for a gain or standard error that is not finite.
    """
    for place, pair in enumerate(zip(gains, stderr, strict=True)):
        if not all(map(math.isfinite, pair)):
            raise CheckFailed(
                f"the gain of provider {place} is {pair[0]}, its standard error {pair[1]}",
                input=f"provider {place}",
                hint="the run is worth nothing: look for the step at which its losses stop being finite",
            )
    if profile == "paper":
        exact = [Fraction(gain) for gain in gains]
        low, high = min(exact, default=Fraction(0)), max(exact, default=Fraction(0))
        span = high - low
        return tuple(max(FLOOR, round((gain - low) / span * QUANTA)) if span else QUANTA for gain in exact)
    if profile != "robust":
        raise BadInput(f"unknown profile {profile!r}", input="profile", hint=f"use {' or '.join(PROFILES)}")
    if not 0 < gain_ref < math.inf:
        raise BadInput(f"gain_ref is {gain_ref}, not positive", input="gain_ref", hint="derive it with reference_gain")
    if not 0 <= noise_floor < math.inf:
        raise BadInput(f"noise_floor is {noise_floor}, not 0 or more", input="noise_floor")
    return tuple(
        min(round(credit(gain, error, noise_floor) / Fraction(gain_ref) * QUANTA), QUANTA)
        for gain, error in zip(gains, stderr, strict=True)
    )


def gain_scale(gains: Sequence[float], gain_ref: float) -> float:
    """What gains are judged on: a log's ``gain_ref``, but no more than a market of one's own best gains.

    Where there is none (0, profile ``paper``) their range, or a single one's size.
    """
    largest = max(map(abs, gains), default=0.0)
    if gain_ref:
        return min(gain_ref, MARKET * largest)
    return (max(gains, default=0.0) - min(gains, default=0.0)) or largest


@dataclass(frozen=True)
class Scale:
    """What the planner fixes in the specification: both in nats per validation token."""

    gain_ref: float
    noise_floor: float


def reference_gain(
    base: BaseModel,
    seed_corpus: Sequence[str],
    validation: Sequence[str],
    spec: InfluenceSpec,
    *,
    providers: int = MARKET,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> Scale:
    """The scale of phi for one estimator and quota, from text the base model was not trained on and nobody sells.

    One small market, validated on half of ``validation``, whose providers bring up to a quota each: two held-out text
    of the seed corpus, two the other half of ``validation`` (as good as text for this target can be), two the
    held-out text with its words shuffled; more of each, up to ``providers``, where the quota is so small that most of
    the run would be warm-up. ``gain_ref`` is the better text's gain per quota times ``providers``: as
    gains fall with volume, it lies above what a whole market of that many reaches, and no single provider comes near
    the clip. ``noise_floor`` is the shuffled text's gain per quota, or 0: so much any bag of words is worth. The words
    of the validation text itself would make a higher floor, above honest text from other domains; who sells such words
    in no order is stopped by quality, not here.

    A base model that was trained elsewhere does not say on what: of the seed corpus the same passages are taken, and if
    it knows them, the target's own text sets the scale.

    Raises BadInput when ``seed_corpus`` is not the one ``base`` was trained on, when ``validation`` is too short to be
    halved, or when neither text has a gain.
    """
    recorded = base.record.get("seed_corpus")
    if recorded is not None and text_digest(seed_corpus) != recorded:
        raise BadInput(
            "the seed corpus is not the one the base model was trained on",
            input="seed corpus",
            hint="give the same documents in the same order, or a reference gain",
        )
    held_out, _ = split_seed(seed_corpus, base.record["spec"]["seed"] if recorded is not None else 0)
    pool = list(draw_passages(validation, seed=0))
    if len(pool) < 2:
        raise BadInput(
            "the validation text is too short to be halved",
            input="validation",
            hint="give more text of the target domain, or a reference gain",
        )
    source = random.Random(0)
    shuffled = [" ".join(source.sample(words, len(words))) for words in (passage.split() for passage in held_out)]
    warm_up = spec.warm_up * spec.microbatches * spec.sequences * base.context  # tokens
    of_each = min(max(2, 2 * warm_up // (3 * spec.quota)), max(2, providers))
    corpora = [text[at::of_each] for text in (held_out, pool[::2], shuffled) for at in range(of_each)]
    enough = replace(spec, subsets=max(spec.subsets, 4 * len(corpora)))  # for ablation by sampling
    told = progress and (lambda _, done, total: progress("reference gain", done, total))
    run = marginal_utility(base, corpora, pool[1::2], enough, seed=0, compute=compute, progress=told)
    seed_text, target_text, words = (
        sum(run.gains[first : first + of_each]) * spec.quota / max(1, sum(run.tokens[first : first + of_each]))
        for first in range(0, 3 * of_each, of_each)
    )
    best = max(seed_text, target_text)
    if best <= 0:
        raise BadInput(
            "neither held-out seed text nor validation text helps on the validation text",
            input="validation",
            hint="train the base model longer, or give more validation text",
        )
    return Scale(providers * best, max(words, 0.0))
