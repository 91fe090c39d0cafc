"""Compile the contracts into oracle/chain/artifacts: `python -m oracle.chain.compile [--check]`.

The bytes are the same from the native compiler and from soljson, in any folder and on any day: the settings are those
of foundry.toml, without a metadata hash. Works in a checkout only; an installed package carries the artifacts.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from oracle.errors import CheckFailed, EnvironmentFailure, MiaError

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = Path(__file__).resolve().parent / "artifacts"
SOLC_VERSION = "0.8.37"
CODE_SIZE_LIMIT = 24_576  # EIP-170

SOURCES = {
    "DataMarket": "contracts/DataMarket.sol",
    "KeyExchange": "contracts/KeyExchange.sol",
    "TermsValidator": "contracts/TermsValidator.sol",
    "OracleCommittee": "contracts/OracleCommittee.sol",
    "MarginalUtilityToken": "contracts/MarginalUtilityToken.sol",
    "DataShareToken": "contracts/DataShareToken.sol",
    "DemoToken": "contracts/examples/DemoToken.sol",
}
SETTINGS = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 400},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/", "solady/=node_modules/solady/"],
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
}


def compile_contracts() -> dict[str, bytes]:
    """Compile every contract of ``SOURCES`` into the bytes of its artifact file.

    Raises CheckFailed when a contract does not compile or exceeds EIP-170, EnvironmentFailure without sources or
    compiler.
    """
    missing = [path for path in SOURCES.values() if not (ROOT / path).is_file()]
    if missing:
        raise EnvironmentFailure(
            "the contract sources are not here", input=missing[0], hint="compile in a checkout; a package has artifacts"
        )
    output = _run_compiler({path: {"content": (ROOT / path).read_text("utf-8")} for path in SOURCES.values()})
    return {name: _artifact(name, output["contracts"][path][name]) for name, path in SOURCES.items()}


def write(artifacts: dict[str, bytes]) -> list[Path]:
    """Write the artifacts that differ from those on disk; return the paths written."""
    changed = {ARTIFACTS / f"{name}.json": artifacts[name] for name in outdated(artifacts)}
    for path, content in changed.items():
        path.write_bytes(content)
    return list(changed)


def outdated(artifacts: dict[str, bytes]) -> list[str]:
    """The names whose file is missing or holds other bytes than ``artifacts``."""
    files = {name: ARTIFACTS / f"{name}.json" for name in artifacts}
    return [name for name, file in files.items() if not file.is_file() or file.read_bytes() != artifacts[name]]


def _run_compiler(sources: dict[str, dict[str, str]]) -> dict[str, Any]:
    try:
        import solcx
    except ModuleNotFoundError:
        raise EnvironmentFailure("py-solc-x is not installed", input="solcx", hint="run `make setup`") from None
    try:
        solc = solcx.install.get_executable(SOLC_VERSION, ROOT / ".cache" / "solcx")
        output: dict[str, Any] = solcx.compile_standard(
            {"language": "Solidity", "sources": sources, "settings": SETTINGS},
            base_path=ROOT,
            allow_paths=ROOT,
            solc_binary=solc,
        )
    except solcx.exceptions.SolcNotInstalled:
        raise EnvironmentFailure(
            f"the compiler solc {SOLC_VERSION} is not set up", input="solc", hint="run `make setup`"
        ) from None
    except solcx.exceptions.SolcError as error:
        raise CheckFailed(error.message, input="contracts", hint="`forge build` shows the same errors") from None
    return output


def _artifact(name: str, compiled: dict[str, Any]) -> bytes:
    size = len(compiled["evm"]["deployedBytecode"]["object"]) // 2
    if size > CODE_SIZE_LIMIT:
        raise CheckFailed(
            f"{name} has {size} bytes of code, {CODE_SIZE_LIMIT} are allowed", input=SOURCES[name], hint="move code out"
        )
    stored = {
        "contractName": name,
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "runtimeSize": size,
    }
    return json.dumps(stored, indent=1, sort_keys=True).encode() + b"\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when an artifact is not current")
    check = parser.parse_args().check
    try:
        artifacts = compile_contracts()
        if check:
            old = outdated(artifacts)
            if old:
                raise CheckFailed(f"not current: {', '.join(old)}", input=str(ARTIFACTS), hint="run `make artifacts`")
            print(f"{len(artifacts)} artifacts are current")
        else:
            print(f"{len(write(artifacts))} of {len(artifacts)} artifacts written")
    except MiaError as error:
        print(f"{error}\n{error.input}: {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
