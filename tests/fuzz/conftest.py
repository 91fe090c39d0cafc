"""The table at the end of a deep run, and build/fuzz.json: how many inputs reached which check."""

from __future__ import annotations

import json
import os
from typing import Any

from _pytest.terminal import TerminalReporter

SHOWN = 6
"""Checks of a target that are printed; the file has all."""


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    if not os.environ.get("MIA_DEEP"):
        return
    found: dict[str, dict[str, Any]] = {}
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in report.user_properties:
            if report.when == "call" and name == "fuzz":
                found[value[0]] = {**value[1], "seconds": round(report.duration)}
    if not found:
        return
    seed = os.environ.get("MIA_FUZZ_SEED", "0")
    write = terminalreporter.write_line
    terminalreporter.section(f"fuzzed inputs, and the checks that they reached; MIA_FUZZ_SEED={seed}")
    for name, tally in found.items():
        accepted, faults = tally["reached"].get("accepted", 0), sum(tally["faults"].values())
        write(
            f"{name}: {tally['inputs']:,} inputs, {tally['passed']:,} pass the syntax, {accepted:,} accepted, "
            f"{faults:,} faults; {tally['memory']:.0f} MiB more, {tally['seconds']} s"
        )
        checks = sorted(((n, check) for check, n in tally["reached"].items() if check != "accepted"), reverse=True)
        for n, check in checks[:SHOWN]:
            write(f"  {n:>6,}  {check}")
        if rest := checks[SHOWN:]:
            write(f"  {sum(n for n, _ in rest):>6,}  at {len(rest)} others")
    figures = terminalreporter.config.rootpath / "build" / "fuzz.json"
    figures.parent.mkdir(exist_ok=True)
    figures.write_text(json.dumps({"seed": seed, "targets": found}, indent=2, sort_keys=True) + "\n", "utf-8")
