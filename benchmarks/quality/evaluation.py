"""Does q tell clean text from spoilt text? Areas under the ROC curve on the half of the sources nobody tuned on.

    .venv/bin/python -m benchmarks.quality.evaluation MARKET [--even] [--domains] [--plot] [--workers N]

Samples of 40 documents (the first 6,000 characters of each) of every natural English corpus are scored as they are and,
other documents, spoilt in every way of ``oracle.lab.degrade``; copies and paraphrases of reference text (1,500
characters a document) are held against a reference of the originals. Both profiles see the same samples. ``--domains``
adds tables by domain and language, with samples as large as ten a side allow. Exits with 1 when a goal is missed. The
figures also go to ``build/quality.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

from benchmarks.quality import plots
from benchmarks.quality.auc import Area, area
from benchmarks.quality.samples import ONE_SOURCE, SIZE, Samples, Texts, load, reference, renamed, shortened, split
from oracle.lab import degrade
from oracle.quality.languages import SUPPORTED
from oracle.quality.profile import score_view, views
from oracle.quality.spec import AXES, UNCHECKED, QualitySpec

GOAL = 0.95
LOWER = {"OCR 1 %": 0.85, "paraphrase of reference": 0.85}
COPIES = ("re-scraped reference", "paraphrase of reference")
BY_DOMAIN = ("OCR 1 %", "OCR 5 %", "word shuffle", "gibberish", "spam 50 %", "mojibake")
PROFILES = (QualitySpec("robust"), QualitySpec("paper"))
NAMES = ("quality", *AXES)
_CUT = 6_000  # characters of a document that are looked at
_OPENING = 1_500  # of a copied one, whose original's sentences are all embedded
_REFERENCE = 4_000  # sentences of a reference that are embedded: all that a sample's originals have

Scores = dict[str, dict[str, float]]
"""profile -> quality or axis -> score in [0, 1]."""


@dataclass(frozen=True)
class Task:
    """One sample to score: what was done to it, and the reference it is held against."""

    group: str
    variant: str
    documents: Texts
    reference: Texts


def tasks(samples: Samples, public: Texts, group: str, variants: Iterable[str], *, copies: bool) -> list[Task]:
    """Everything that is scored of one domain; ``copies``: what repeats a reference too."""
    found = [Task(group, "clean", shortened(documents, _CUT), public) for documents in samples.clean]
    for place, whole in enumerate(samples.base):
        documents = shortened(whole, _CUT)
        texts = [document.text for document in documents]
        for name in variants:
            spoilt = degrade.VARIANTS[name](texts, Random(place))
            found.append(Task(group, name, renamed(spoilt, documents), public))
        if not copies:
            continue
        opening = shortened(whole, _OPENING)
        paraphrased = renamed(degrade.paraphrase([document.text for document in opening], Random(place)), opening)
        for name, repeated in zip(COPIES, (opening, paraphrased), strict=True):
            found.append(Task(group, name, repeated, opening))
    return found


def scored(task: Task) -> Scores:
    """Both profiles of one sample."""
    spec = QualitySpec(reference_sample=_REFERENCE if task.variant in COPIES else 160)
    (view,) = views([task.documents], reference=task.reference, spec=spec, seed=bytes(32))
    found: Scores = {}
    for profile in PROFILES:
        score = score_view(view, profile)
        found[profile.profile] = {
            name: (UNCHECKED if getattr(score, name) is None else getattr(score, name)) / 10_000 for name in NAMES
        }
    return found


def areas(work: Sequence[Task], results: Sequence[Scores]) -> dict[str, dict[str, dict[str, dict[str, Area]]]]:
    """group -> variant -> profile -> axis -> area."""
    table: dict[str, dict[str, dict[str, dict[str, Area]]]] = {}
    for group in dict.fromkeys(task.group for task in work):
        sides: dict[str, list[Scores]] = {}
        for task, result in zip(work, results, strict=True):
            if task.group == group:
                sides.setdefault(task.variant, []).append(result)
        clean = sides.pop("clean")
        table[group] = {
            variant: {
                spec.profile: {
                    name: area([s[spec.profile][name] for s in clean], [s[spec.profile][name] for s in spoilt])
                    for name in NAMES
                }
                for spec in PROFILES
            }
            for variant, spoilt in sides.items()
        }
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path)
    parser.add_argument("--even", action="store_true", help="the half that thresholds are chosen on")
    parser.add_argument("--domains", action="store_true", help="also by domain and language")
    parser.add_argument("--plot", action="store_true", help="draw docs/images/quality-*.svg")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()

    start = time.perf_counter()
    corpora = load(options.market, half=not options.even)
    english = [document for document in reference(options.market) if document.lang == "en"]
    public = Random(1).sample(english, 3_000)
    work: list[Task] = []
    for (domain, language), documents in corpora.items():
        if language == "en" and domain != ONE_SOURCE:
            pooled = split(domain, language, documents, Random(domain), size=SIZE)
            work += tasks(pooled, public, "English", degrade.VARIANTS, copies=True)
        if options.domains and language in SUPPORTED:
            samples = split(domain, language, documents, Random(domain))
            work += tasks(samples, public, f"{domain}, {language}, {samples.size} documents", BY_DOMAIN, copies=False)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("forkserver")) as pool:
        results = list(_told(pool.map(scored, work, chunksize=4), len(work)))
    table = areas(work, results)
    _show(table)
    clean = _clean(work, results)
    _show_clean(clean)
    figures = {"seconds": round(time.perf_counter() - start), "areas": table, "clean": clean}
    out = Path("build/quality-even.json" if options.even else "build/quality.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=1), "utf-8")
    print(f"\n{len(work)} samples in {figures['seconds']} s; figures in {out}")
    if options.plot:
        plots.draw(table["English"], Path("docs/images/quality-areas.svg"))
    missed = [
        variant
        for variant, profiles in table["English"].items()
        if profiles["robust"]["quality"].value < LOWER.get(variant, GOAL)
    ]
    print(f"below the goal: {', '.join(missed)}" if missed else "every goal is met")
    return 1 if missed else 0


def _told(results: Iterable[Scores], total: int) -> Iterator[Scores]:
    for done, result in enumerate(results, 1):
        if done % 50 == 0 or done == total:
            print(f"{done}/{total} samples", file=sys.stderr, flush=True)
        yield result


def _clean(work: Sequence[Task], results: Sequence[Scores]) -> dict[str, dict[str, list[float]]]:
    """group -> profile -> q of its clean samples."""
    found: dict[str, dict[str, list[float]]] = {}
    for task, result in zip(work, results, strict=True):
        if task.variant == "clean":
            for profile, values in result.items():
                found.setdefault(task.group, {}).setdefault(profile, []).append(values["quality"])
    return found


def _show(table: dict[str, dict[str, dict[str, dict[str, Area]]]]) -> None:
    for group, variants in table.items():
        first = next(iter(variants.values()))["robust"]["quality"]
        print(f"\n{group}: {first.clean} clean against {first.spoilt} spoilt samples (AUC, 95 % interval)")
        print(
            f"  {'':<24} {'robust q':>20} {'literal q':>20}   robust clean, diverse, new    literal clean, diverse, new"
        )
        for variant, profiles in variants.items():
            q = [profiles[spec.profile]["quality"] for spec in PROFILES]
            shown = "".join(f" {a.value:>6.3f} ({a.low:.2f}-{a.high:.2f})" for a in q)
            axes = ["   ".join(f"{profiles[s.profile][name].value:6.3f}" for name in AXES[:3]) for s in PROFILES]
            print(f"  {variant:<24}{shown}          {axes[0]}          {axes[1]}")


def _show_clean(clean: dict[str, dict[str, list[float]]]) -> None:
    print("\nq of clean samples: lowest, mean, highest (robust | literal)")
    for group, profiles in clean.items():
        shown = " | ".join(
            f"{min(values):.3f} {sum(values) / len(values):.3f} {max(values):.3f}" for values in profiles.values()
        )
        print(f"  {group:<48} {shown}")


if __name__ == "__main__":
    sys.exit(main())
