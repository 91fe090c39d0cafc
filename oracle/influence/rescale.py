"""From gains in nats to phi in [0, 1], as integers of 1e-4.

``robust``: phi = gain / gain_ref with gain_ref fixed in the terms at the gain of a whole market of the allowed
volume, so one provider's phi depends on no other provider and never reaches the clip (a clip that binds pays a
provider who splits into five identities five times). Below the noise floor phi is 0, and with it the weight.
``paper``: min-max over the roster with a floor of 1e-3 (appendix D, step 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from oracle.errors import BadInput

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
