"""By what rules, from which base model and on what scale ``mia influence`` values a run."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.cli.base_model import cache_folder, trained_base
from oracle.cli.output import ProgressCallback, notes
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    import torch

    from oracle.influence.base import BaseModel
    from oracle.influence.device import Compute
    from oracle.influence.log import Log
    from oracle.influence.spec import InfluenceSpec

PAPER = "diagonal"  # the estimator of the paper's profile, as far as it can be had


@dataclass(frozen=True)
class Settings:
    """By what rules a run is valued: given, read off the log that is replayed, or the defaults."""

    spec: InfluenceSpec
    seed: int
    profile: str
    gain_ref: float | None
    noise_floor: float | None

    @property
    def scale(self) -> dict[str, Any]:
        """What gains are made into phi with; 0 for a number that the profile has no use for."""
        return {
            "profile": self.profile,
            "gain_ref": self.gain_ref or 0.0,
            "noise_floor": self.noise_floor or 0.0,
        }


def choose_settings(
    published: Log | None,
    estimator: str | None,
    profile: str | None,
    gain_ref: float | None,
    noise_floor: float | None,
    quota: int | None,
    repeats: int | None,
    seed: int | None,
) -> Settings:
    """What is given counts, then what the log says, then the defaults. Raises BadInput for what makes no sense."""
    from oracle.influence import estimators
    from oracle.influence.log import read_spec
    from oracle.influence.rescale import PROFILES
    from oracle.influence.spec import InfluenceSpec

    before: Mapping[str, Any] = (published or {}).get("rescaled") or {}
    profile = profile or before.get("profile", "robust")
    if profile not in PROFILES:
        raise BadInput(f"unknown profile {profile!r}", input="--profile", hint=f"Use {' or '.join(PROFILES)}.")
    default = InfluenceSpec(PAPER) if profile == "paper" else InfluenceSpec()
    spec = read_spec(published["spec"]) if published else default
    given: dict[str, Any] = {"estimator": estimator, "quota": quota, "repeats": repeats}
    spec = replace(spec, **{name: value for name, value in given.items() if value is not None})
    estimators.estimator(spec.estimator)
    reference = float(before["gain_ref"]) if gain_ref is None and before else gain_ref
    floor = float(before["noise_floor"]) if noise_floor is None and before else noise_floor
    if profile == "paper":
        reference = floor = None
    if reference is not None and not 0 < reference < math.inf:
        raise BadInput(f"the reference gain {reference} is not positive", input="--gain-ref", hint="Give another.")
    if floor is not None and not 0 <= floor < math.inf:
        raise BadInput(f"the noise floor {floor} is below 0", input="--noise-floor", hint="Give another.")
    number = seed if seed is not None else int(published["seed"]) if published else 0
    return Settings(spec, number, profile, reference, floor)


def find_base(
    path: Path | None, public: Sequence[str] | None, device: torch.device, tell: ProgressCallback
) -> BaseModel:
    """The given base model, or the one of the seed corpus."""
    from oracle.influence.base import load_base
    from oracle.influence.pretrain import BaseSpec

    if path is not None:
        return load_base(path)
    if public is None:
        raise BadInput("there is no base model", input="--base", hint="Give --base PATH or --seed-corpus PATH.")
    return trained_base(public, BaseSpec(), cache_folder() / "base", device=device, progress=tell)


def with_scale(
    settings: Settings,
    base: BaseModel,
    public: Sequence[str] | None,
    target: Sequence[str],
    compute: Compute,
    tell: ProgressCallback,
) -> Settings:
    """The settings with a scale: measured where none is given.

    Raises as :func:`rescale.reference_gain`; a failed check is about that run, whose corpora are nobody's.
    """
    from oracle.influence.rescale import reference_gain

    if settings.profile == "paper" or settings.gain_ref is not None:
        return settings
    if public is None:
        raise BadInput(
            "the reference gain is measured with the seed corpus",
            input="--seed-corpus",
            hint="Give it, or the scale itself: --gain-ref X.",
        )
    say("measuring the reference gain: one more run, over six corpora of the planner's own text")
    try:
        scale = reference_gain(base, public, target, settings.spec, compute=compute, progress=tell)
    except CheckFailed as error:
        reason = re.sub(r"\bprovider (\d+)", r"reference corpus \1", str(error))
        raise CheckFailed(
            f"while the reference gain was measured, {reason}",
            input="reference gain",
            hint="The base model may be damaged: give another, or the scale itself: --gain-ref X.",
        ) from error
    floor = scale.noise_floor if settings.noise_floor is None else settings.noise_floor
    return replace(settings, gain_ref=scale.gain_ref, noise_floor=floor)


def say(line: str) -> None:
    """A line about what is going on, to stderr."""
    notes().print(line, soft_wrap=True)
