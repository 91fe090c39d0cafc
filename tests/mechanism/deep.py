"""How much to run: `make test` takes a sample of what `make test-deep` (MIA_DEEP=1) takes in full."""

from __future__ import annotations

import os

from hypothesis import settings

DEEP = bool(os.environ.get("MIA_DEEP"))


def scaled(quick: int, deep: int) -> int:
    """``deep`` in a deep run, else ``quick``."""
    return deep if DEEP else quick


def examples(quick: int) -> settings:
    """Hypothesis settings for ``quick`` examples, 25 times as many in a deep run."""
    return settings(max_examples=scaled(quick, 25 * quick), deadline=None)
