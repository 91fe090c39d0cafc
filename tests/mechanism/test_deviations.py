"""The clearing rule against every deviation that the search knows, and the search against rules that are broken."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from random import Random
from types import ModuleType

import pytest
import textbook
from deep import scaled
from tally import Tally

from oracle.lab.deviations import Findings, Rule, search, search_coalitions
from oracle.lab.families import FAMILIES, Auction, auctions
from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD
from oracle.mechanism.paper import MixedOutcome, mixed_mia, q_mia
from oracle.mechanism.purchase import Purchase

SEEDS = range(scaled(1, 3))
LARGE = [name for name in FAMILIES if name != "tiny"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_gains_among_twenty(family: str, seed: int, tally: Tally) -> None:
    """Every provider, and every edge of every auction."""
    rng = Random(f"{family} 20 {seed}")
    drawn = auctions(FAMILIES[family], rng, range(1, 21))
    findings = search(clear, drawn, rng, scaled(6_000, 480_000))
    nothing_found(findings, tally, "single deviations, up to 20 bids")


@pytest.mark.parametrize("family", LARGE)
@pytest.mark.parametrize(("n", "quick", "deep"), [(200, 500, 17_000), (2_000, 50, 1_700)])
def test_nobody_gains_in_large_markets(family: str, n: int, quick: int, deep: int, tally: Tally) -> None:
    rng = Random(f"{family} {n}")
    drawn = auctions(FAMILIES[family], rng, range(n, n + 1))
    findings = search(clear, drawn, rng, scaled(quick, deep), providers=10, edges=20)
    nothing_found(findings, tally, f"single deviations, {n:,} bids")


@pytest.mark.parametrize("family", FAMILIES)
def test_no_coalition_gains(family: str, tally: Tally) -> None:
    rng = Random(f"{family} coalitions")
    drawn = auctions(FAMILIES[family], rng, range(2, 9))
    findings = search_coalitions(clear, drawn, rng, scaled(3_000, 150_000))
    nothing_found(findings, tally, "joint deviations of two or three, up to 8 bids")


def nothing_found(findings: Findings, tally: Tally, what: str) -> None:
    tally(what, findings.auctions, findings.deviations, findings.violations.total())
    assert not findings.violations, findings.examples


# One change each in the textbook's clearing rule, and the promises by which it is found out.
MUTANTS = {
    "edge not strict after m": (" - (i > m)", "", {"threshold"}),
    "edge strict before m": (" - (i > m)", " - 1", {"threshold", "rationality"}),
    "edge by the wrong side": ("(i > m)", "(i < m)", {"threshold", "rationality"}),
    "edge left out": ("if m is not None", "if False", {"truthfulness"}),
    "budget not reached": ("<= reward * weight", "< reward * weight", {"threshold"}),
    "budget without the own weight": ("kept[:size])", "kept[: size - 1])", {"rationality"}),
    "budget for the sum of the bids": ("cost * sum(bids[i].weight", "weight * sum(bids[i].cost", {"rationality"}),
    "share rounded up": ("[reward * weight // total]", "[1 + (reward * weight - 1) // total]", {"budget"}),
    "one unit more": ("= min(bounds)", "= min(bounds) + 1", {"budget", "threshold"}),
    "one unit less": ("= min(bounds)", "= max(min(bounds) - 1, 0)", {"rationality", "threshold"}),
    "paid as bid": ("= min(bounds)", "= bids[i].cost", {"truthfulness", "constancy"}),
    "losers paid": ("[0] * len(bids)", "[1] * len(bids)", {"losers"}),
    "ties to the higher index": (".weight), i))", ".weight), -i))", {"threshold", "truthfulness"}),
    "order by cost alone": ("Fraction(bids[i].cost, bids[i].weight)", "bids[i].cost", {"threshold", "truthfulness"}),
    "order by floats": ("Fraction(bids[i].cost, bids[i].weight)", "bids[i].cost / bids[i].weight", {"threshold"}),
    "reserve not paid": ("bounds.append(reserve", "(reserve", {"threshold", "truthfulness"}),
    "reserve not reached": ("cost * WAD <=", "cost * WAD <", {"threshold"}),
    "cap not paid": ("bounds.append(cap)", "pass", {"threshold", "truthfulness"}),
    "cap not reached": ("cost <= cap", "cost < cap", {"threshold"}),
}


@pytest.mark.parametrize(("old", "new", "promises"), MUTANTS.values(), ids=MUTANTS)
def test_the_search_finds_broken_clearing_rules(old: str, new: str, promises: set[str]) -> None:
    source = inspect.getsource(textbook)
    assert source.count(old) == 1
    mutant = ModuleType("mutant")
    exec(compile(source.replace(old, new), "mutant", "exec"), mutant.__dict__)
    found: set[str] = set()
    for family in sorted(FAMILIES, key=("tiny", "tied").count, reverse=True):  # where one unit decides, first
        found |= broken_promises(mutant.textbook, family, 3_000)
        if promises <= found:
            return
    pytest.fail(f"only {found} found")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_search_finds_what_the_paper_loses(family: str) -> None:
    """Lemmas 1 and 2 hold and 3 does not; rewards partly in shares (Theorems 2 and 3) keep nothing."""
    assert broken_promises(algorithm_1, family, 2_000) == {"budget"}
    assert broken_promises(algorithm_2, family, 1_000) >= {"truthfulness", "rationality", "threshold", "constancy"}


def test_the_search_finds_the_coalition_of_section_5_7() -> None:
    truthful = Auction([Bid(1, WAD), Bid(6, WAD)], 10, None, None)
    findings = search_coalitions(algorithm_1, [truthful], Random(0), 1)
    assert findings.violations.keys() == {"coalition"}
    assert not search_coalitions(clear, [truthful], Random(0), 1).violations


def broken_promises(rule: Rule, family: str, deviations: int) -> set[str]:
    rng = Random(family)
    return set(search(rule, auctions(FAMILIES[family], rng, range(1, 13)), rng, deviations).violations)


def algorithm_1(bids: Sequence[Bid], reward: int, reserve: int | None, cap: int | None) -> Purchase:
    return q_mia(bids, reward)


def algorithm_2(bids: Sequence[Bid], reward: int, reserve: int | None, cap: int | None) -> MixedOutcome:
    return mixed_mia(bids, reward, reward, WAD // 2)
