"""Names of parametrized tests: two runners of one suite have to give the same, and people read them."""

from __future__ import annotations

READABLE = 40
"""Characters of a string that may stand in a name."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Files that tests write hold random bytes and times: they are called by their argument, not by what they hold."""
    return argname if isinstance(val, bytes | str) and len(val) > READABLE else None
