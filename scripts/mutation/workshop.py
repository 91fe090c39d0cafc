"""Copies of the tree in which mutants are compiled and tested; the tree itself is only read.

With `dynamic_test_linking` forge's tests deploy contracts from their artifacts. So a mutant is compiled by itself, its
bytecode put into the artifacts, and forge, which sees no changed source, compiles nothing. A test contract runs with
the unchanged libraries that it was compiled with, except a library's own test, which is compiled with the mutant.
Without the optimiser a contract compiles three times as fast, and does the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from mutation.compiler import ROOT, Compiler
from mutation.operators import Mutant

COPIED = ("contracts", "tests/forge", "foundry.toml")
LINKED = ("node_modules", ".cache")
FORGE = ROOT / ".venv/bin/forge"
TIMEOUT = 180  # seconds; the whole suite takes a few
# an invariant's name stands behind the calls that broke it
FAILED = re.compile(r"Encountered \d+ failing tests? in (\S+)\n\[FAIL[\s\S]*?[\] ] ?((?:test|invariant)\w*)\(")
MARKET = {"DataMarket": "contracts/DataMarket.sol"}
WITHIN = ("contracts/KeyExchange.sol",)  # deployed by the market, so its bytecode lies in the market's
COMMITTEE = {"OracleCommittee": "contracts/OracleCommittee.sol"}


class BrokenSuite(Exception):
    """The tests fail without any mutant."""


def sync(folder: Path) -> None:
    """Make `folder` a copy of the tree; what forge compiled there before stays."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name in LINKED:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(ROOT / name)


def forge(folder: Path, *words: str, fuzz_runs: int = 256) -> subprocess.CompletedProcess[str]:
    shutil.rmtree(folder / "build/forge-cache/fuzz", ignore_errors=True)  # counterexamples of the mutant before
    shutil.rmtree(folder / "build/forge-cache/invariant", ignore_errors=True)
    settings = {
        "FOUNDRY_DYNAMIC_TEST_LINKING": "true",
        "FOUNDRY_FUZZ_RUNS": str(fuzz_runs),
        "FOUNDRY_FUZZ_SEED": "0x1",
    }
    if fuzz_runs < 256:
        settings |= {"FOUNDRY_INVARIANT_RUNS": "8", "FOUNDRY_INVARIANT_DEPTH": "32"}
    return subprocess.run(
        [FORGE, *words], cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, timeout=TIMEOUT * 5
    )


def build(folder: Path) -> None:
    """Compile everything once and check that the suite passes as it stands."""
    sync(folder)
    done = forge(folder, "test", fuzz_runs=32)
    if done.returncode:
        raise BrokenSuite(done.stdout[-2000:] + done.stderr[-2000:])


def stages(path: str) -> list[dict[str, str]]:
    """Contracts to compile with a mutant of `path`, the cheap and likely killer first."""
    name = Path(path).stem
    if path in (*MARKET.values(), *WITHIN):
        return [MARKET]
    own = f"tests/forge/{name}.t.sol"
    alone = [{f"{name}Test": own}] if (ROOT / own).is_file() else []
    users = MARKET | COMMITTEE if name in ("ScoreReport", "Signatures") else MARKET
    return [*alone, users]


class Workshop:
    """One copy, one compiler, one mutant at a time."""

    def __init__(self, base: Path, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder, symlinks=True)
        self.folder = folder
        self.compiler = Compiler(folder)
        self._compiled = 0

    def compile(self, mutant: Mutant, contracts: dict[str, str], optimise: bool) -> dict[str, str]:
        self._compiled += 1
        if self._compiled % 50 == 0:
            self.compiler.close()  # its memory only grows
        mutated = mutant.apply((self.folder / mutant.path).read_bytes())
        return self.compiler.bytecode(contracts, {mutant.path: mutated}, optimise)

    def check(self, paths: list[str]) -> None:
        """The suite has to pass without a mutant, compiled as mutants are."""
        contracts = {name: path for mutated in paths for stage in stages(mutated) for name, path in stage.items()}
        code = self.compiler.bytecode(contracts, {}, optimise=False)
        if by := self.killer(contracts, code, 32):
            raise BrokenSuite(f"{by} fails on the contracts as they are, compiled without the optimiser")

    def artifact(self, name: str, path: str) -> Path:
        return self.folder / "build/forge" / Path(path).name / f"{name}.json"

    def same(self, contracts: dict[str, str], code: dict[str, str]) -> bool:
        return all(
            json.loads(self.artifact(name, path).read_text())["bytecode"]["object"] == f"0x{code[name]}"
            for name, path in contracts.items()
        )

    def killer(self, contracts: dict[str, str], code: dict[str, str], fuzz_runs: int) -> str | None:
        """The first test that fails with `code` in place of these contracts, as `file:contract test`."""
        kept = {self.artifact(name, path): self.artifact(name, path).read_text() for name, path in contracts.items()}
        try:
            for name, path in contracts.items():
                artifact = json.loads(kept[self.artifact(name, path)])
                artifact["bytecode"]["object"] = f"0x{code[name]}"
                self.artifact(name, path).write_text(json.dumps(artifact))
            return self._test(None if "DataMarket" in contracts else next(iter(contracts.values())), fuzz_runs)
        finally:
            for file, text in kept.items():
                file.write_text(text)

    def _test(self, file: str | None, fuzz_runs: int) -> str | None:
        only = ["--match-path", file] if file else []
        try:
            done = forge(self.folder, "test", "--fail-fast", *only, fuzz_runs=fuzz_runs)
        except subprocess.TimeoutExpired:
            return "timeout"
        if "Compiling" in done.stdout:
            raise BrokenSuite("forge compiled again: the mutant was not under test")
        if done.returncode == 0:
            return None
        failed = FAILED.search(done.stdout)
        if failed is None:
            raise BrokenSuite(f"forge failed without a failing test:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return f"{failed[1]} {failed[2]}"


def digest(folder: Path, *names: str) -> str:
    """Of files and folders of a copy, to know a result of another tree."""
    value = hashlib.sha256()
    for name in names:
        files = sorted((folder / name).rglob("*.sol")) if (folder / name).is_dir() else [folder / name]
        for file in files:
            value.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return value.hexdigest()[:16]
