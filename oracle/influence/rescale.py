"""From gains in nats to phi in [0, 1], as integers of 1e-4.

``robust``: phi = gain / gain_ref with gain_ref fixed in the terms at the gain of a whole market of the allowed
volume, so one provider's phi depends on no other provider and never reaches the clip (a clip that binds pays a
provider who splits into five identities five times). Below the noise floor phi is 0, and with it the weight.
``paper``: min-max over the roster with a floor of 1e-3 (appendix D, step 3).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from oracle.errors import BadInput
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute
from oracle.influence.marginal import marginal_utility
from oracle.influence.pretrain import split_seed
from oracle.influence.sequences import draw_passages, text_digest
from oracle.influence.spec import InfluenceSpec

QUANTA = 10_000
FLOOR = 10  # 1e-3


def rescale(gains: Sequence[float], *, gain_ref: float, profile: str, noise_floor: float) -> tuple[int, ...]:
    """phi of each provider in units of 1e-4 (0..10000), halves rounded to even.

    ``gain_ref`` and ``noise_floor`` are in the unit of the gains (nats per validation token) and are not used by
    ``paper``. Raises BadInput for an unknown profile or a ``gain_ref`` that is not positive.
    """
    exact = [Fraction(gain) for gain in gains]
    if profile == "paper":
        low, high = min(exact, default=Fraction(0)), max(exact, default=Fraction(0))
        span = high - low
        return tuple(max(FLOOR, round((gain - low) / span * QUANTA)) if span else QUANTA for gain in exact)
    if profile != "robust":
        raise BadInput(f"unknown profile {profile!r}", input="profile", hint="use robust or paper")
    if not gain_ref > 0:
        raise BadInput(f"gain_ref is {gain_ref}, not positive", input="gain_ref", hint="derive it with reference_gain")
    reference, floor = Fraction(gain_ref), max(Fraction(noise_floor), Fraction(0))
    return tuple(0 if gain <= floor else min(max(round(gain / reference * QUANTA), FLOOR), QUANTA) for gain in exact)


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
    providers: int = 16,
    compute: Compute | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Scale:
    """The scale of phi, from text that the base model was not trained on and that nobody sells.

    One in-run pass, validated on half of ``validation``, over three corpora of up to two quotas each: held-out text
    of the seed corpus, the other half of ``validation`` (as good as text for this target can be), and the held-out text
    with its words shuffled. ``gain_ref`` is the better text's gain per quota times ``providers``: as gains fall with
    volume, it lies above what a whole market of that many reaches, and no single provider comes near the clip.
    ``noise_floor`` is the shuffled text's gain per quota, or 0: so much any bag of words is worth. The words of the
    validation text itself would make a higher floor, above honest text from other domains; who sells such words in no
    order is stopped by quality, not here.

    Raises BadInput when ``seed_corpus`` is not the one ``base`` was trained on, when ``validation`` is too short to be
    halved, or when neither text has a gain.
    """
    if text_digest(seed_corpus) != base.record["seed_corpus"]:
        raise BadInput(
            "the seed corpus is not the one the base model was trained on",
            input="seed corpus",
            hint="give the same documents in the same order",
        )
    held_out, _ = split_seed(seed_corpus, base.record["spec"]["seed"])
    pool = draw_passages(validation, seed=0)
    source = random.Random(0)
    shuffled = [" ".join(source.sample(words, len(words))) for words in (passage.split() for passage in held_out)]
    volume = replace(spec, quota=2 * spec.quota)
    corpora = [held_out, pool[::2], shuffled]
    run = marginal_utility(base, corpora, pool[1::2], volume, seed=0, compute=compute, progress=progress)
    seed_text, target_text, words = (
        gain * spec.quota / tokens for gain, tokens in zip(run.gains, run.tokens, strict=True)
    )
    best = max(seed_text, target_text)
    if best <= 0:
        raise BadInput(
            "neither held-out seed text nor validation text helps on the validation text",
            input="validation",
            hint="train the base model longer, or give more validation text",
        )
    return Scale(providers * best, max(words, 0.0))
