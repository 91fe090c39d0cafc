"""Errors of the mechanism as the command line tells them: under their own name, with the file they are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oracle.errors import BadInput
from oracle.mechanism.integers import MechanismError


class Refused(BadInput):
    """Numbers that a rule refuses, under the name of the rule's own error."""

    def __init__(self, error: MechanismError, source: str) -> None:
        hint = 'Amounts are whole money units, scores and fractions WAD: 0.5 is "500000000000000000".'
        super().__init__(str(error), input=source, hint=hint)
        self._name = type(error).__name__

    @property
    def name(self) -> str:
        return self._name


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Let every error of the block name ``source``, unless it names its input already."""
    try:
        yield
    except MechanismError as error:
        raise Refused(error, source) from error
    except BadInput as error:
        error.input = error.input or source
        raise
