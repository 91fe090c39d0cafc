"""What attacks are paid, over several seeds: pure functions of cells that were scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import fmean, median, stdev
from typing import Any

from oracle.lab.attacks import ATTACKS

CONTROLS = {"own": "honest", "known": "honest target text"}


@dataclass(frozen=True)
class Row:
    """One cell: the attacker's gain (nats per validation token), phi and q, summed or averaged over its identities.

    ``weight`` is the sum over them, ``honest`` the weights of the natural providers in the same round; WAD.
    """

    attack: str
    known: str
    seed: int
    source: str
    gain: float
    phi: float
    q: float
    weight: int
    honest: list[int]


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry per attack and knowledge, over the seeds: ``paid``, the sum of its weights over that of its basis, with
    the jackknife's standard error (single seeds scatter by the noise of two impacts), and the seeds' own ratios."""
    controls = {(row.seed, row.attack): row for row in rows if not row.known}
    found = []
    for name, known in dict.fromkeys((row.attack, row.known) for row in rows):
        own = [row for row in rows if (row.attack, row.known) == (name, known)]
        basis = CONTROLS[ATTACKS[name].basis] if known else name
        pairs = [(row.weight, controls[row.seed, basis].weight) for row in own]
        found.append(
            {
                "attack": name,
                "known": known,
                "seeds": len(own),
                "paid": total_ratio(pairs),
                "paid_error": jackknife(pairs),
                "paid_by_seed": [_over(*pair) for pair in pairs],
                "own_text": total_ratio([(row.weight, controls[row.seed, "honest"].weight) for row in own]),
                "median": fmean(_over(row.weight, int(median(row.honest))) for row in own),
                "rank": fmean(sum(row.weight > other for other in row.honest) for row in own),
                "gain": fmean(row.gain for row in own),
                "phi": fmean(row.phi for row in own),
                "q": fmean(row.q for row in own),
                "others": fmean(_over(sum(row.honest), sum(controls[row.seed, "honest"].honest)) for row in own),
                "least": all(row.weight <= min(row.honest) for row in own),
            }
        )
    return found


def total_ratio(pairs: Sequence[tuple[int, int]]) -> float:
    """The sum of the first over the sum of the second."""
    return _over(sum(one for one, _ in pairs), sum(two for _, two in pairs))


def jackknife(pairs: Sequence[tuple[int, int]]) -> float:
    """Standard error of :func:`total_ratio`, leaving out one pair at a time; infinite for a single pair."""
    count = len(pairs)
    if count < 2:
        return inf
    without = [total_ratio([*pairs[:at], *pairs[at + 1 :]]) for at in range(count)]
    return (count - 1) / count**0.5 * stdev(without) if all(map(isfinite, without)) else inf


def show(table: Sequence[dict[str, Any]]) -> None:
    print(
        f"{'attack':<20}{'validation':<11}{'paid':>7}{'+-':>6}{'of own':>8}{'of median':>10}"
        f"{'gain':>9}{'phi':>7}{'q':>7}{'others':>8}  what it is"
    )
    for row in table:
        about = ATTACKS[row["attack"]].about if row["known"] else "an honest provider"
        print(
            f"{row['attack']:<20}{row['known']:<11}{row['paid']:>7.2f}{row['paid_error']:>6.2f}"
            f"{row['own_text']:>8.2f}{row['median']:>10.2f}{row['gain']:>9.4f}{row['phi']:>7.4f}{row['q']:>7.3f}"
            f"{row['others']:>8.3f}  {about}"
        )


def _over(amount: int, other: int) -> float:
    return amount / other if other else float("inf") if amount else 0.0
