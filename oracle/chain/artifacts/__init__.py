"""ABIs and creation bytecode of the contracts, as files in the package: clients need neither sources nor a compiler.

`python -m oracle.chain.compile` writes the files; a test asserts that they belong to the contracts beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from oracle.errors import BadInput


@dataclass(frozen=True)
class Artifact:
    """One compiled contract: ``bytecode`` is the creation code, constructor arguments follow it in a deployment."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime_size: int
    """Bytes of code on the chain (EIP-170 allows 24,576)."""


@cache
def load(name: str) -> Artifact:
    """The artifact of the contract ``name``. Raises BadInput for a name that is not shipped."""
    file = resources.files(__package__).joinpath(f"{name}.json")
    if not file.is_file():
        raise BadInput(f"there is no artifact of a contract {name}", input=name, hint=f"one of {', '.join(names())}")
    stored = json.loads(file.read_text("utf-8"))
    return Artifact(name, stored["abi"], bytes.fromhex(stored["bytecode"][2:]), stored["runtimeSize"])


def names() -> list[str]:
    """The contracts that are shipped, sorted."""
    files = (file.name for file in resources.files(__package__).iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))
