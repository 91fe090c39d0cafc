"""Errors repeat words of others, and stay short."""

from __future__ import annotations

import pytest

from oracle.errors import LONGEST, BadInput, CheckFailed, EnvironmentFailure, MiaError


@pytest.mark.parametrize("kind", [BadInput, CheckFailed, EnvironmentFailure])
def test_what_an_error_repeats_is_cut_in_the_middle(kind: type[MiaError]) -> None:
    error = kind(f"start {'é' * 100_000} end", input=f"in {'x' * 100_000} put", hint=f"hi {'y' * 100_000} nt")
    for text, start, end in ((str(error), "start", "end"), (error.input, "in", "put"), (error.hint, "hi", "nt")):
        assert text.startswith(start) and text.endswith(end) and " ... " in text and LONGEST - 2 < len(text) <= LONGEST


def test_what_is_short_stays_as_it_is() -> None:
    error = BadInput("m" * LONGEST, input="i" * LONGEST, hint="h" * LONGEST)
    assert (str(error), error.input, error.hint) == ("m" * LONGEST, "i" * LONGEST, "h" * LONGEST)
