"""Counts in words: the sentences that tell a provider why its score is what it is."""

from __future__ import annotations

from typing import Any

from oracle.corpus.dedup import Deduplicated
from oracle.quality.axis import QUANTA, Axis, percent, quanta
from oracle.quality.cohesion import Cohesion
from oracle.quality.spec import UNCHECKED
from oracle.quality.survey import Survey


def cleanliness(counts: Survey, value: float) -> Axis:
    """The axis of cleanliness, once a profile has made a number in [0, 1] of the counts."""
    damage = counts.damage
    evidence = {
        "words": damage.words,
        "outside_dictionary": damage.unknown,
        "likely_damage": damage.suspicious,
        "mojibake": damage.mojibake,
    }
    if not damage.words:
        found = ", ".join(counts.tokens_by_language()) or "none"
        return Axis(None, f"unsupported language ({found}): abstains, there is no dictionary to judge by", evidence)
    text = (
        f"{percent(damage.rate)} of {damage.words} words look like damage"
        + (f", for example {', '.join(damage.examples)}" if damage.examples else "")
        + f"; {percent(damage.misses)} are outside the dictionary, which alone is no fault"
    )
    return Axis(quanta(value), text, evidence | {"examples": list(damage.examples)})


def fluency(counts: Survey) -> str:
    """What neighbouring words say, and what nobody could read."""
    if not len(counts.tokens):
        return "no text to read"
    parts = []
    if counts.supported > 0:
        parts.append(
            f"neighbouring words tell {counts.fluency.order:.2f} bits about each other (shuffled words: below 0), "
            f"{percent(counts.fluency.grammar)} are function words, "
            f"{percent(counts.fluency.rarity)} are in no dictionary"
        )
    if counts.supported < 1:
        parts.append(
            f"{percent(1 - counts.supported)} is in unsupported languages: there cleanliness, diversity and novelty "
            f"abstain and count {UNCHECKED / QUANTA:.2f}"
        )
    return "; ".join(parts)


def cohesion(found: Cohesion) -> str:
    """What passages say that go on about one thing."""
    if found.ratio is None:
        return "too few longer passages to tell whether they keep to a subject"
    return (
        f"passages share {found.ratio:.2f} times as many telling words with themselves as with any other "
        f"(babble: 1.0), in {percent(found.judged / found.places)} of the text"
    )


def duplicates(corpus: Deduplicated) -> str:
    """What was removed because it was there before."""
    if not corpus.removed_documents and not corpus.cut_sentences:
        return "nothing repeats itself or earlier text"
    counts = corpus.removed
    text = (
        f"removed: {counts['exact']} exact copies, {counts['copied']} documents copied from earlier or public text, "
        f"{counts['near']} near copies, {corpus.cut_sentences} copied sentences"
    )
    for example in corpus.examples[:1]:
        text += f"; for example {example.id} repeats {example.twin or 'several earlier texts'}"
    return text


def evidence(corpus: Deduplicated, counts: Survey) -> dict[str, Any]:
    """The exact counts behind gate and deduplication."""
    return {
        "tokens": {"offered": corpus.offered_tokens, "kept": corpus.tokens},
        "words": {"offered": corpus.offered_words, "fresh": corpus.fresh_words},
        "removed": {**corpus.removed, "sentences": corpus.cut_sentences},
        "gate": quanta(counts.gate),
        "filters": counts.filters.counts(),
        "fluency": {
            "junctions": counts.fluency.junctions,
            "information_per_256_bit": counts.fluency.information,
            "plain_words": counts.fluency.plain,
            "function_words": counts.fluency.function,
            "unknown_words": counts.fluency.rare,
        },
    }
