"""Two replay logs side by side: the published one, and one's own of the same run.

What a run was given, and what it drew from its seed, must be equal. What it computed depends on machine and thread
count in the last float32 bits, so numbers are compared within a tolerance: ``LOSS`` for losses and everything else
measured on the way (relative, or absolute where they are below 1), ``GAIN`` of the scale for gains and standard errors,
that is 1e-3 after rescaling, and as much for phi. Fingerprints (of gradients, of single values) can only be equal or
not: they count where both runs had the same environment, and whoever shows a verdict says where they did not
(:func:`other_environment`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from oracle.influence.log import FINGERPRINT, Log, number, require_finite

GAIN = 1e-3  # of the reference gain
LOSS = 1e-3  # of the value, or nats
PHI = 10  # quanta of 1e-4


@dataclass(frozen=True)
class Difference:
    """The first place where two logs differ: its path, the recomputed value, the published one."""

    path: str
    expected: str
    found: str


def first_difference(published: Log, recomputed: Log, *, scale: float) -> Difference | None:
    """The first difference in the order of the recomputed log, or None: the published log replays.

    ``scale``, nats per validation token, is :func:`rescale.gain_scale` of one's own gains. Raises CheckFailed when
    either log holds a number that is not finite.
    """
    require_finite(published, "published log")
    require_finite(recomputed, "recomputed log")
    mine, theirs = recomputed.get("environment"), published.get("environment")
    if isinstance(mine, dict) and (not isinstance(theirs, dict) or theirs.keys() != mine.keys()):
        return Difference("environment", f"an object of {', '.join(sorted(mine))}", str(theirs))
    comparison = _Comparison(scale, theirs == mine)
    given = {key: value for key, value in recomputed.items() if key != "environment"}
    claimed = {key: value for key, value in published.items() if key != "environment"}
    return comparison.of(given, claimed, "", "")


def other_environment(published: Log, recomputed: Log) -> list[str]:
    """What of the environments differs, as ``name: here, there``. If anything does, no fingerprint was compared."""
    mine, theirs = recomputed["environment"], published["environment"]
    return [f"{name}: {mine[name]}, {theirs[name]}" for name in sorted(mine) if mine[name] != theirs[name]]


@dataclass(frozen=True)
class _Comparison:
    scale: float
    same_environment: bool

    def of(self, expected: Any, found: Any, path: str, key: str) -> Difference | None:
        """``key`` is the innermost name on the path: it says what is measured there."""
        if isinstance(expected, dict) and isinstance(found, dict):
            for name in [*expected, *(name for name in found if name not in expected)]:
                inner = f"{path}.{name}" if path else name
                if name not in expected or name not in found:
                    return Difference(inner, *("a value" if name in side else "nothing" for side in (expected, found)))
                if (difference := self.of(expected[name], found[name], inner, name)) is not None:
                    return difference
            return None
        if isinstance(expected, list) and isinstance(found, list):
            if len(expected) != len(found):
                return Difference(path, f"{len(expected)} items", f"{len(found)} items")
            pairs = enumerate(zip(expected, found, strict=True))
            differences = (self.of(mine, theirs, f"{path}[{place}]", key) for place, (mine, theirs) in pairs)
            return next((difference for difference in differences if difference is not None), None)
        if expected == found or self.near(expected, found, path, key):
            return None
        return Difference(path, str(expected), str(found))

    def near(self, expected: Any, found: Any, path: str, key: str) -> bool:
        """Whether two different leaves are what honest machines may differ by."""
        if key == "phi":
            return isinstance(expected, int) and isinstance(found, int) and abs(expected - found) <= PHI
        if not (isinstance(expected, str) and isinstance(found, str)):
            return False
        if key in ("gains", "stderr"):
            return _close(expected, found, absolute=GAIN * self.scale)
        if not path.startswith("runs["):
            return False
        if FINGERPRINT.fullmatch(expected) and FINGERPRINT.fullmatch(found):
            return not self.same_environment
        return not expected.isdigit() and _close(expected, found, relative=LOSS, absolute=LOSS)


def _close(expected: str, found: str, *, absolute: float, relative: float = 0.0) -> bool:
    mine, theirs = number(expected), number(found)
    return mine is not None and theirs is not None and math.isclose(mine, theirs, rel_tol=relative, abs_tol=absolute)
