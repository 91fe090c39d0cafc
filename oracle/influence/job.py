"""What an estimator is given and what it gives back: the one interface of the four families."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from oracle.influence.base import BaseModel
from oracle.influence.device import Compute
from oracle.influence.log import code_digest
from oracle.influence.sequences import Windows
from oracle.influence.spec import InfluenceSpec
from oracle.influence.state import Seal, StateFile

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """One run. ``data`` are each provider's training windows, ``validation`` those of the drawn sample.

    ``seed`` draws the order (and what else an estimator draws); ``state`` is a file from which a killed run goes on,
    closed with ``seal``.
    """

    base: BaseModel
    data: tuple[Windows, ...]
    validation: Windows
    spec: InfluenceSpec
    seed: int
    compute: Compute = field(default_factory=Compute)
    state: Path | None = None
    seal: Seal | None = None
    progress: Progress | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of all that the result depends on."""
        about = {
            "base": self.base.digest,
            "data": [own.digest for own in self.data],
            "validation": self.validation.digest,
            "spec": asdict(self.spec),
            "seed": self.seed,
            "compute": self.compute.describe(),
            "code": code_digest(),
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def state_file(self) -> StateFile:
        """Where this very job is kept while it is unfinished."""
        return StateFile(self.state, self.key, self.seal)

    @property
    def tokens(self) -> int:
        """Training tokens of all providers."""
        return sum(windows.tokens for windows in self.data)


@dataclass(frozen=True)
class Estimate:
    """``gains``: nats per validation token by which each provider lowers the validation loss, higher is better.

    ``stderr`` of each, from the spread of its parts within the run (0 where an estimator has no parts). ``log`` is what
    a replay is compared with: JSON-able, numbers that are not integers are strings that read back exactly.
    ``documents``: a line for each window that adds to its provider's gain, where gains are such sums
    (:mod:`oracle.influence.spot`); such a log has a ``documents_root``.
    """

    gains: tuple[float, ...]
    stderr: tuple[float, ...]
    log: dict[str, Any]
    documents: Sequence[str] = ()


class Estimator(Protocol):
    """One way to estimate every provider's gain."""

    def passes(self, job: Job) -> float:
        """What the run costs, known before it starts, in gradient passes over the providers' tokens."""

    def estimate(self, job: Job) -> Estimate:
        """Run it. Raises CheckFailed, naming step and provider, when a loss or gradient is not finite."""
