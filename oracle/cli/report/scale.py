"""Axes: from values to pixels, and the ticks a reader expects."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """Values ``[low, high]`` onto pixels ``[start, end]``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        return self.start + (self.end - self.start) * ((value - self.low) / span if span else 0.0)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values (1, 2 or 5 times a power of ten), about that many."""
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        rough = span / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Log:
    """Positive values ``[low, high]`` onto pixels ``[start, end]``, a decade always the same length."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * share

    def ticks(self) -> list[float]:
        """1, 2, 5 of every decade in range; 1 alone where there are more than three decades."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1,) if math.log10(self.high / self.low) > 3 else (1, 2, 5)
        return [v for d in decades for s in steps if self.low <= (v := s * 10.0**d) <= self.high]


def compact(value: float) -> str:
    """A short number for a label: 1.2 M, 340 k, 56, 0.78."""
    size = abs(value)
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if size >= limit:
            scaled = value / {" G": 1e9, " M": 1e6, " k": 1e3}[unit]
            return f"{scaled:.3g}{unit}"
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
