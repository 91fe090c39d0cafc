"""Run slither over the contracts: nothing found in contracts/ may be without an answer in contracts/slither.toml.

An answer that answers nothing fails as well, and so does a run that did not see the contracts: slither exits with 0
when it has analysed none.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from typing import Any

from own_tool import foundry, tool
from setup import ROOT, SetupError

ANSWERS = ROOT / "contracts/slither.toml"
EXPECTED = {
    "DataMarket",
    "KeyExchange",
    "OracleCommittee",
    "DataShareToken",
    "MarginalUtilityToken",
    "TermsValidator",
    "Bn254",
    "DeliveryProof",
}

# Run by slither's own Python: every detector, and the names of what it saw.
ANALYSE = """
import inspect, json, sys
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector
from slither.core.scope.scope import FileScope

# As slither's own, but for the names that imported files export: slither adds them for old compilers, and then another
# library called Errors, which OpenZeppelin's Clones imports, may hide ours.
def learn(self):
    learned = False
    for other in self.accessible_scopes:
        for name in ("using_for_directives", "functions"):
            if not getattr(other, name) <= getattr(self, name):
                setattr(self, name, getattr(self, name) | getattr(other, name))
                learned = True
        for name in ("type_aliases", "renaming"):
            if not getattr(other, name).items() <= getattr(self, name).items():
                getattr(self, name).update(getattr(other, name))
                learned = True
    return learned

FileScope.add_accessible_scopes = learn
seen = Slither(".", exclude_dependencies=True)
for detector in vars(all_detectors).values():
    if inspect.isclass(detector) and issubclass(detector, AbstractDetector):
        seen.register_detector(detector)
findings = [finding for found in seen.run_detectors() for finding in found]
json.dump({"contracts": [contract.name for contract in seen.contracts], "findings": findings}, open(sys.argv[1], "w"))
"""


def analyse() -> dict[str, Any]:
    python = tool("slither", "slither-analyzer==0.11.6") / "python"
    out = ROOT / "build/slither/findings.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [python, "-c", ANALYSE, out],
        cwd=ROOT,
        env=foundry("slither", "build/slither/none"),
        capture_output=True,
        text=True,
    )
    if done.returncode or not out.is_file():
        raise SetupError(f"slither failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    seen: dict[str, Any] = json.loads(out.read_text())
    return seen


def place(finding: dict[str, Any]) -> str:
    """`Contract.function` of the first element of a finding, or what else it names."""
    first = finding["elements"][0]
    parent = first
    while parent["type"] != "contract" and "parent" in parent.get("type_specific_fields", {}):
        parent = parent["type_specific_fields"]["parent"]
        if parent["type"] == "function":
            first = parent
    return first["name"] if parent is first else f"{parent['name']}.{first['name']}"


def own(finding: dict[str, Any]) -> bool:
    files = [element["source_mapping"]["filename_relative"] for element in finding["elements"]]
    return any(file.startswith("contracts/") for file in files)


def main() -> int:
    seen = analyse()
    missing = EXPECTED - set(seen["contracts"])
    print(f"slither: {len(seen['contracts'])} contracts analysed")
    if missing:
        print(f"slither: not among them: {', '.join(sorted(missing))}")
        return 1
    findings = {(f["check"], place(f)): f for f in seen["findings"] if own(f)}
    answers = tomllib.loads(ANSWERS.read_text())["answer"]
    answered = {(answer["check"], where) for answer in answers for where in answer["at"]}
    for check, where in sorted(set(findings) - answered):
        found = findings[check, where]
        print(f"unanswered: {check} ({found['impact']}) at {where}\n{found['description']}")
    for check, where in sorted(answered - set(findings)):
        print(f"answered, but not found any more: {check} at {where}")
    print(f"slither: {len(findings)} findings in contracts/, {len(set(findings) & answered)} answered")
    return 0 if set(findings) == answered else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(f"slither: {error}")
