"""The page of attacks names tests that exist, and the one rule that no Solidity test can see holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "attacks.md").read_text()
SOLIDITY = sorted(set(re.findall(r"`(\w+)\.(test\w*)`", PAGE)))
PYTHON = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("contract", "name"), SOLIDITY)
def test_the_page_names_solidity_tests(contract: str, name: str) -> None:
    assert f"function {name}(" in (ROOT / "tests" / "forge" / f"{contract}.t.sol").read_text()


@pytest.mark.parametrize(("path", "name"), PYTHON)
def test_the_page_names_python_tests(path: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / path).read_text()


def test_the_page_names_tests_at_all() -> None:
    assert len(SOLIDITY) > 100
    assert len(PYTHON) >= 3


def test_nothing_is_hashed_packed() -> None:
    sources = (ROOT / "contracts").rglob("*.sol")
    packed = [path.name for path in sources if "encodePacked(" in path.read_text()]
    assert packed == []
