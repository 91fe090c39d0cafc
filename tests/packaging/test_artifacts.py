"""The shipped ABIs and bytecode are those of the contracts beside them."""

from __future__ import annotations

import pytest

from oracle.chain import artifacts
from oracle.chain import compile as contract_compiler
from oracle.errors import BadInput, EnvironmentFailure


def test_artifacts_are_current() -> None:
    assert contract_compiler.outdated(contract_compiler.compile_contracts()) == [], "run `make artifacts`"


def test_every_contract_is_shipped_and_nothing_else() -> None:
    assert artifacts.names() == sorted(contract_compiler.SOURCES)


@pytest.mark.parametrize("name", sorted(contract_compiler.SOURCES))
def test_artifact_can_be_deployed(name: str) -> None:
    artifact = artifacts.load(name)
    assert artifact.abi
    assert 0 < artifact.runtime_size <= contract_compiler.CODE_SIZE_LIMIT
    assert len(artifact.bytecode) > artifact.runtime_size


def test_unknown_contract_lists_those_there_are() -> None:
    with pytest.raises(BadInput) as caught:
        artifacts.load("DataMarkt")
    assert "DataMarket" in caught.value.hint


def test_compiling_without_sources_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_compiler, "SOURCES", {"Nothing": "contracts/Nothing.sol"})
    with pytest.raises(EnvironmentFailure, match="sources are not here"):
        contract_compiler.compile_contracts()
