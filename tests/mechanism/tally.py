"""What a run has covered: tests say how much they checked, and a deep run ends with a table of it and a file."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Protocol

import pytest
from _pytest.terminal import TerminalReporter
from deep import DEEP

COLUMNS = ("instances", "checks", "violations", "seconds")


class Tally(Protocol):
    def __call__(self, what: str, instances: int, checks: int, violations: int = 0) -> None:
        """Say, once a test, that ``checks`` things were checked on ``instances`` random instances."""


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    def say(what: str, instances: int, checks: int, violations: int = 0) -> None:
        record_property("tally", (what, instances, checks, violations))

    return say


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Add up what the tests said, with the seconds that each of them took; the workers run side by side."""
    if not DEEP:
        return
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in report.user_properties:
            if report.when == "call" and name == "tally":
                what, *counts = value
                rows[what].update(dict(zip(COLUMNS, (*counts, report.duration), strict=True)))
    width = max(map(len, rows), default=0)
    for row in rows.values():
        row["seconds"] = round(row["seconds"])
    terminalreporter.section("what was checked")
    terminalreporter.write_line(" ".join((" " * width, *(f"{column:>12}" for column in COLUMNS))))
    for what, row in sorted(rows.items()):
        terminalreporter.write_line(" ".join((f"{what:{width}}", *(f"{row[column]:>12,}" for column in COLUMNS))))
    figures = terminalreporter.config.rootpath / "build" / "deep.json"
    figures.parent.mkdir(exist_ok=True)
    figures.write_text(json.dumps(rows, indent=2, sort_keys=True) + "\n", "utf-8")
