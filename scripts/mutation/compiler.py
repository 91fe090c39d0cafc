"""The compiler as forge calls it, kept running: loading it costs a second, warming it up several."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class CompileError(Exception):
    """The source does not compile; the message is the compiler's first error."""


class Compiler:
    """Compiles contracts of a tree with single files replaced."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        profile = tomllib.loads((tree / "foundry.toml").read_text())["profile"]["default"]
        self.settings: dict[str, Any] = {
            "remappings": profile["remappings"],
            "evmVersion": profile["evm_version"],
            "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
            "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
        }
        self._process: subprocess.Popen[str] | None = None

    def bytecode(self, contracts: dict[str, str], sources: dict[str, str], optimise: bool) -> dict[str, str]:
        """Creation code, in hex, of each contract (`{name: path}`) with `sources` in the place of those files."""
        optimizer = {**self.settings["optimizer"], "enabled": optimise}
        selection: dict[str, dict[str, list[str]]] = {}
        for name, path in contracts.items():
            selection.setdefault(path, {})[name] = ["evm.bytecode.object"]
        answer = self._ask(
            list(selection), sources, {**self.settings, "optimizer": optimizer, "outputSelection": selection}
        )
        return {name: answer["contracts"][path][name]["evm"]["bytecode"]["object"] for name, path in contracts.items()}

    def ast(self, path: str) -> dict[str, Any]:
        """The syntax tree of one file, types included."""
        settings = {**self.settings, "outputSelection": {path: {"": ["ast"]}}}
        tree: dict[str, Any] = self._ask([path], {}, settings)["sources"][path]["ast"]
        return tree

    def _ask(self, paths: list[str], sources: dict[str, str], settings: dict[str, Any]) -> dict[str, Any]:
        request = {
            "root": str(self.tree),
            "sources": sources,
            "input": {"language": "Solidity", "sources": {path: {} for path in paths}, "settings": settings},
        }
        process = self._running()
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        for error in answer.get("errors", []):
            if error["severity"] == "error":
                raise CompileError(error["message"])
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            command = [ROOT / ".venv/bin/node", ROOT / "scripts/mutation/compiler.cjs"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self._process

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
