"""Run the symbolic checks in tests/halmos: every one that is written down has to run, and to pass."""

from __future__ import annotations

import re
import subprocess
import sys

from own_tool import foundry, tool
from setup import ROOT, SetupError

CHECKS = "tests/halmos"


def main() -> int:
    halmos = tool("halmos", "halmos==0.3.3") / "halmos"
    options = ["--forge-build-out", "build/halmos/out", "--solver", "z3", "--no-status", *sys.argv[1:]]
    done = subprocess.run(
        [halmos, *options],
        cwd=ROOT,
        env=foundry("halmos", CHECKS),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = re.sub(r"\x1b\[\d+m", "", done.stdout)
    verdicts = re.findall(r"^\[(?:PASS|FAIL|TIMEOUT|ERROR)\].*$", output, re.MULTILINE)
    print("\n".join(verdicts))
    passed = sum("[PASS]" in verdict for verdict in verdicts)
    written = sum(file.read_text().count("function check_") for file in (ROOT / CHECKS).glob("*.sol"))
    wanted = len(verdicts) if sys.argv[1:] else written  # a selection may leave some out
    print(f"halmos: {passed} of {written} checks passed")
    if done.returncode == 0 and passed == wanted > 0:
        return 0
    print(output[output.find("Running ") :][-6000:])
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(f"halmos: {error}")
