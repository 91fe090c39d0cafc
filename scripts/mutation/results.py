"""What became of each mutant: one line a mutant, appended as soon as it is known."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mutation.operators import Mutant
from mutation.workshop import digest

UNCOUNTED = ("does not compile", "equivalent", "duplicate")


@dataclass(frozen=True)
class Result:
    id: str
    path: str
    outcome: str  # killed, survived, or one of UNCOUNTED
    by: str = ""  # the killing test, or the twin of a duplicate
    code: str = ""  # hash of the bytecode
    tree: str = ""  # digest of what the outcome rests on

    @property
    def counts(self) -> bool:
        return self.outcome not in UNCOUNTED


class Results:
    """A progress file. What may have changed is left out: a mutant stays killed while its own file and its killer's
    stay as they were, a survivor is tried again when any contract or test has changed."""

    def __init__(self, file: Path, tree: Path) -> None:
        self.file, self.tree = file, tree
        self._known: dict[str, Result] = {}
        self._survivors: set[str] = set()
        file.parent.mkdir(parents=True, exist_ok=True)
        for line in file.read_text().splitlines() if file.is_file() else ():
            try:
                result = Result(**json.loads(line))
            except ValueError:  # cut off when the run was killed
                continue
            self._survivors.discard(result.id)
            if result.outcome == "survived":
                self._survivors.add(result.id)
            if result.tree == self._rests_on(result):
                self._known[result.id] = result

    def get(self, mutant: Mutant) -> Result | None:
        return self._known.get(mutant.id)

    def survived_last(self, mutant: Mutant) -> bool:
        return mutant.id in self._survivors

    def twin(self, mutant: Mutant, code: str) -> str | None:
        """An earlier mutant with the same bytecode."""
        return next((r.id for r in self._known.values() if r.code == code and r.counts and r.id != mutant.id), None)

    def add(self, mutant: Mutant, outcome: str, by: str = "", code: str = "") -> Result:
        bare = Result(mutant.id, mutant.path, outcome, by, code)
        result = Result(mutant.id, mutant.path, outcome, by, code, self._rests_on(bare))
        self._known[mutant.id] = result
        with self.file.open("a") as out:
            out.write(json.dumps(asdict(result)) + "\n")
        return result

    def _rests_on(self, result: Result) -> str:
        if result.outcome == "survived":
            return digest(self.tree, "contracts", "tests/forge")
        killer = result.by.partition(":")[0] if result.outcome == "killed" else ""
        return digest(self.tree, result.path, *([killer] if (self.tree / killer).is_file() else []))
