"""No parser of foreign bytes raises anything but its named errors, hangs, or fills the memory."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from fuzz.registry import TARGETS
from fuzz.run import run

DEEP = bool(os.environ.get("MIA_DEEP"))
QUICK = 48
"""Inputs of a quick run, fewer where they are dear."""
SEED = int(os.environ.get("MIA_FUZZ_SEED", "0"))
HALF = 0.5


@pytest.mark.parametrize("name", TARGETS)
def test_only_named_errors(name: str, record_property: Callable[[str, object], None]) -> None:
    target = TARGETS[name]
    tally = run(target, SEED, target.deep if DEEP else max(1, QUICK // target.cost))
    record_property("fuzz", (name, tally.figures()))
    assert not tally.faults, "\n".join([f"{name}, seed {SEED}:", *tally.examples, *map(str, tally.faults.items())])
    assert tally.memory <= target.memory, "\n".join([f"{name} grew by {tally.memory:.0f} MiB", *tally.examples])
    if DEEP:  # a few inputs may fall on one side by chance
        assert tally.passed >= HALF * tally.inputs, f"{name}: {tally.passed} of {tally.inputs} passed the syntax"
