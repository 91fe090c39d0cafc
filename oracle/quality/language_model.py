"""py3langid's model with scores that are whole numbers: nobody's processor decides between two languages.

The library adds float32 products in whatever order a processor likes best, and some texts lie closer between two
languages than what that changes. Here weights and their sums are integers that float64 holds exactly in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

_UNIT = 2.0**16
"""Of counts and of weights; sums, in its square, stay below 2^53 for texts of up to 200,000 bytes."""


class _Exact(LanguageIdentifier):  # type: ignore[misc]
    __slots__ = ()

    def _sparse_score(self, visits: Mapping[int, int], table: NDArray[np.float16]) -> NDArray[np.float64]:
        """(languages,) scores in 1/``_UNIT``^2 of how often each feature was met."""
        at = np.fromiter(visits.keys(), dtype=np.intp, count=len(visits))
        counts = np.fromiter(visits.values(), dtype=np.float64, count=len(visits))
        scores: NDArray[np.float64] = np.rint(np.log1p(counts) * _UNIT) @ _whole(table[at], _UNIT)
        return scores + _whole(self.nb_pc, _UNIT**2)


def propose(text: str) -> str:
    """The code of the likeliest language of ``text``, of at most 200,000 bytes."""
    return str(_model().classify(text)[0])


@cache
def codes() -> tuple[str, ...]:
    """Codes of all languages that can be proposed, in alphabetical order."""
    return tuple(sorted(_model().labels))


def _whole(values: NDArray[Any], unit: float) -> NDArray[np.float64]:
    whole: NDArray[np.float64] = np.rint(values.astype(np.float64) * unit)
    return whole


@cache
def _model() -> _Exact:
    model: _Exact = _Exact.from_model_file(MODEL_FILE)
    return model
