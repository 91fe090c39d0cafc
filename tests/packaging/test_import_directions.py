"""Imports go down only, through the doors between the rooms; the mechanism stands alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "oracle"

LEVELS = (
    {"cli"},
    {"node", "audit", "lab"},
    {"chain", "custody", "evidence", "quality", "influence"},
    {"corpus", "mechanism"},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
CLOSED = {("quality", "chain"), ("influence", "chain")}
NUMERIC = {"numpy", "scipy", "torch", "sklearn", "pandas", "gmpy2", "mpmath", "sympy"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def imported(source: str, package: str) -> Iterator[str]:
    """Absolute names of all modules imported anywhere in ``source``, which belongs to ``package``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: -node.level + 1 or None] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def refused(room: str, module: str) -> bool:
    """Whether a file of ``room`` may not import ``module``."""
    top, _, rest = module.partition(".")
    if top != "oracle":
        return room == "mechanism" and top in NUMERIC
    target = rest.partition(".")[0]
    if target == room:
        return False
    if target not in LEVEL:  # oracle.errors and the like
        return room == "mechanism"
    return LEVEL[target] < LEVEL[room] or room == "mechanism" or (room, target) in CLOSED


def test_every_room_is_on_a_level() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0] for path in MODULES}
    assert rooms <= LEVEL.keys(), "say in HOUSE's terms where the new room stands"


def imports_of(path: Path) -> tuple[str, list[str]]:
    """The room of a file and all that it imports."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return parts[1], list(imported(path.read_text("utf-8"), ".".join(parts[:-1])))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    room, modules = imports_of(path)
    assert [module for module in modules if refused(room, module)] == []


def test_rooms_make_no_circle() -> None:
    rooms: dict[str, set[str]] = {}
    for room, modules in map(imports_of, MODULES):
        targets = {module.split(".")[1] for module in modules if module.startswith("oracle.")}
        rooms.setdefault(room, set()).update(targets - {room})
    TopologicalSorter(rooms).prepare()  # raises CycleError, naming the circle


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("corpus", "from oracle.quality import profile"),
        ("quality", "import oracle.chain.client"),
        ("influence", "def late():\n    from ..chain import client"),
        ("mechanism", "import numpy as np"),
        ("mechanism", "from oracle.errors import BadInput"),
        ("chain", "from oracle import cli"),
    ],
)
def test_refusals_are_seen(room: str, source: str) -> None:
    assert any(refused(room, module) for module in imported(source, f"oracle.{room}"))


def test_open_doors_are_open() -> None:
    source = "import numpy\nfrom oracle.errors import BadInput\nfrom . import sibling\nfrom oracle.corpus import tokens"
    assert not any(refused("quality", module) for module in imported(source, "oracle.quality"))
