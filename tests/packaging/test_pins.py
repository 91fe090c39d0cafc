"""The same version wherever a tool is named, and exact pins where a lock file would stand."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from oracle.chain import anvil_program
from oracle.chain import compile as contract_compiler

ROOT = Path(__file__).resolve().parents[2]
NODE_PACKAGES = json.loads((ROOT / "package.json").read_text())["devDependencies"]
FOUNDRY = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
BROWNIE = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_one_compiler_version() -> None:
    version = contract_compiler.SOLC_VERSION
    setup = (ROOT / "scripts" / "setup.py").read_text()
    assert NODE_PACKAGES["solc"] == version
    assert FOUNDRY["solc"].endswith(f"/solc-v{version}")
    assert BROWNIE["solc"]["version"] == version
    assert f'"solc-v{version}"' in setup
    for source in (ROOT / "contracts").rglob("*.sol"):
        assert f"pragma solidity {version};" in source.read_text(), source


def test_one_set_of_compiler_settings() -> None:
    settings = contract_compiler.SETTINGS
    assert settings["evmVersion"] == FOUNDRY["evm_version"] == BROWNIE["evm_version"]
    assert settings["remappings"] == FOUNDRY["remappings"]
    assert settings["remappings"] == [line.replace("=./", "=") for line in BROWNIE["solc"]["remappings"]]
    assert settings["optimizer"] == {"enabled": FOUNDRY["optimizer"], "runs": FOUNDRY["optimizer_runs"]}
    assert settings["optimizer"] == BROWNIE["solc"]["optimizer"]
    assert settings["metadata"] == {"bytecodeHash": FOUNDRY["bytecode_hash"], "appendCBOR": FOUNDRY["cbor_metadata"]}


def test_one_anvil_version() -> None:
    assert NODE_PACKAGES["@foundry-rs/anvil"] == NODE_PACKAGES["@foundry-rs/forge"] == anvil_program.ANVIL_VERSION


def test_node_packages_are_exact() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in NODE_PACKAGES.values())


def constraints() -> dict[str, list[Requirement]]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines())
    pins: dict[str, list[Requirement]] = {}
    for pin in map(Requirement, filter(None, lines)):
        pins.setdefault(pin.name, []).append(pin)
    return pins


def test_constraints_are_exact_and_carry_no_local_tag() -> None:
    for pin in (pin for pins in constraints().values() for pin in pins):
        assert re.fullmatch(r"==[^,*+]+", str(pin.specifier)), pin


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0"])
def test_every_direct_dependency_is_pinned_within_its_range(python: str) -> None:
    environment = {"python_full_version": python, "python_version": python[:4]}
    extras = PROJECT["optional-dependencies"].values()
    direct = [Requirement(line) for group in (PROJECT["dependencies"], *extras) for line in group]
    pins = constraints()
    for wanted in direct:
        if wanted.name == PROJECT["name"]:
            continue
        found = [pin for pin in pins.get(wanted.name, []) if not pin.marker or pin.marker.evaluate(environment)]
        assert len(found) == 1, f"{wanted.name} needs one pin for Python {python}"
        assert wanted.specifier.contains(str(found[0].specifier)[2:]), f"{found[0]} is outside {wanted}"
