"""Errors a person can act on: what is wrong, with which input, and the way out.

Every error carries the exit code of the command contract: 1 a check failed, 2 bad input, 3 environment
(RPC, model, disk). The command line prints them; nothing below it prints or exits.
"""

from __future__ import annotations

LONGEST = 500
"""Characters of a message, an input or a hint: they repeat words of others, which may be of any length."""


class MiaError(Exception):
    """Base of all errors shown to users. ``str(error)`` is the message, ``input`` names what it is about.

    Each of the three is cut in its middle where it is above ``LONGEST``.
    """

    exit_code = 2

    def __init__(self, message: str, *, input: str = "", hint: str = "") -> None:
        super().__init__(short(message))
        self.input = short(input)
        self.hint = short(hint)

    @property
    def name(self) -> str:
        return type(self).__name__


class CheckFailed(MiaError):
    """A verification did not hold (exit code 1)."""

    exit_code = 1


class BadInput(MiaError):
    """A file, a flag or a value cannot be used as given (exit code 2)."""


class EnvironmentFailure(MiaError):
    """Something outside the program is missing or broken: RPC, model, disk (exit code 3)."""

    exit_code = 3


def short(text: str) -> str:
    """The text, without its middle where it is above ``LONGEST``."""
    half = (LONGEST - len(_LEFT_OUT)) // 2
    return text if len(text) <= LONGEST else text[:half] + _LEFT_OUT + text[-half:]


_LEFT_OUT = " ... "
