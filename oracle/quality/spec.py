"""The published specification of a quality score: every choice it depends on besides its input.

Two profiles share one pipeline. ``robust`` leaves nothing to choose but sizes; ``paper`` has the variants that sections
7.2 and 7.3 and appendix C of the paper name. The block of :meth:`QualitySpec.published` is part of ``pipelineHash``.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from typing import Any

from oracle.corpus import dedup, near
from oracle.errors import BadInput
from oracle.quality import cleanliness, cohesion, diversity, embedding, fluency, languages, metadata, novelty, sampling

VERSION = 4
PROFILES = ("robust", "paper")
AXES = ("cleanliness", "diversity", "novelty", "metadata")
UNCHECKED = 6_000
"""Quanta at which ``robust`` counts what it cannot judge: below any clean text, above damaged text."""
STEEPNESS = 20
"""Cleanliness in ``robust`` is exp(-STEEPNESS * share of damaged words): 0.82 at one word in a hundred."""
_LIBRARIES = ("ftfy", "langcodes", "py3langid", "rensa", "unicodedata2", "wordfreq", "scikit-learn")


@dataclass(frozen=True, slots=True)
class QualitySpec:
    """One way to score. Integers and strings only, so that it is hashed as it stands; weights in percent.

    The first block holds for both profiles, the second for ``paper`` alone.
    """

    profile: str = "robust"
    sample: int = 64
    """Sentences of every corpus that are embedded."""
    reference_sample: int = 160
    """Sentences of the reference that are embedded; corpora are deduplicated against all of it."""
    vectors: str = "fast"
    """"fast" (float32) or "audited" (float64 on a grid: the same on every machine, at some three times the cost)."""
    reference_index: str = ""
    """Address of the index of a whole reference that novelty is asked of; none for its sample alone."""
    as_of: str = metadata.AS_OF.isoformat()
    """The day from which a document's age is counted."""
    recency: int = 30
    """Share of recency in the metadata axis, percent; the rest is completeness."""
    half_life: int = metadata.HALF_LIFE
    """Years in which a text loses half of its recency."""

    misses: int = 50
    """k of 1 - min(1, k * share of words outside the dictionary)."""
    diversity: str = "entropy"
    """Of the cluster shares p: "entropy" (over log k) or "simpson", 1 - sum p^2."""
    clusters: int = 50
    novelty: str = "mean"
    """1 minus the "mean" cosine to the reference, or minus the mean over the "nearest" neighbours."""
    neighbours: int = 1
    w1: int = 25
    w2: int = 25
    w3: int = 25
    w4: int = 25

    def __post_init__(self) -> None:
        _require("profile", self.profile, PROFILES)
        _require("vectors", self.vectors, ("fast", "audited"))
        _require("diversity", self.diversity, ("entropy", "simpson"))
        _require("novelty", self.novelty, ("mean", "nearest"))
        for name in ("sample", "clusters", "neighbours", "misses", "half_life"):
            _within(name, getattr(self, name), 1, 1_000_000)
        _within("reference_sample", self.reference_sample, 0, 5_000_000)
        _within("recency", self.recency, 0, 100)
        for name in ("w1", "w2", "w3", "w4"):
            _within(name, getattr(self, name), 0, 100)
        if self.w1 + self.w2 + self.w3 + self.w4 != 100:
            raise BadInput("w1, w2, w3 and w4 do not add up to 100", input="weights", hint="give all four, in percent")
        try:
            datetime.date.fromisoformat(self.as_of)
        except (TypeError, ValueError) as error:
            raise BadInput(f"as_of is no date: {self.as_of!r}", input="as_of", hint="write YYYY-MM-DD") from error

    @property
    def audited(self) -> bool:
        """Whether sentences are embedded in float64, on the grid."""
        return self.vectors == "audited"

    @property
    def weights(self) -> dict[str, int]:
        """Percent of every axis in the mean; what a provider merely declares weighs least in ``robust``."""
        values = (40, 25, 25, 10) if self.profile == "robust" else (self.w1, self.w2, self.w3, self.w4)
        return dict(zip(AXES, values, strict=True))

    def published(self) -> dict[str, Any]:
        """The whole block: these choices, the thresholds of the code, models, tables and library versions."""
        return {
            "version": VERSION,
            "options": {field.name: getattr(self, field.name) for field in fields(self)},
            "weights_percent": self.weights,
            "deduplication": {
                "run_words": dedup.RUN,
                "copied": str(dedup.COPIED),
                "near": str(dedup.NEAR),
                "near_shingle": near.SHINGLE,
                "partly": str(dedup.PARTLY),
            },
            "embedding": {
                "model": embedding.MODEL,
                "weights_sha256": embedding.WEIGHTS_SHA256,
                "tokenizer_sha256": embedding.TOKENIZER_SHA256,
                "max_tokens": embedding.MAX_TOKENS,
                "max_characters": embedding.MAX_CHARACTERS,
                "batch": embedding.BATCH,
                "grid": embedding.GRID,
                "documents": sampling.DOCUMENTS,
                "min_letters": sampling.MIN_LETTERS,
            },
            "fluency": {
                language: {
                    "table_sha256": hashlib.sha256(fluency.table_bytes(language)).hexdigest(),
                    "order": list(map(str, fluency.ORDER[language])),
                    "grammar": list(map(str, fluency.GRAMMAR[language])),
                    "rare": list(map(str, fluency.RARE[language])),
                }
                for language in languages.SUPPORTED
            },
            "cohesion": {
                "block": cohesion.BLOCK,
                "blocks": cohesion.BLOCKS,
                "apart": cohesion.APART,
                "places": cohesion.PLACES,
                "fewest": cohesion.FEWEST,
                "ramp": list(map(str, cohesion.RAMP)),
                "floor": cohesion.FLOOR,
            },
            "unchecked": UNCHECKED,
            "steepness": STEEPNESS,
            "cleanliness": {
                "recurring": cleanliness.RECURRING,
                "slip": str(cleanliness.SLIP),
                "misread": str(cleanliness.MISREAD),
            },
            "diversity": {"fewest": diversity.FEWEST},
            "novelty": {"new": str(novelty.NEW), "old": str(novelty.OLD), "fluent": str(novelty.FLUENT)},
            "metadata": list(metadata.FIELDS),
            "languages": sorted(languages.SUPPORTED),
            "libraries": {name: version(name) for name in _LIBRARIES},
        }


def spec_of(published: Mapping[str, Any]) -> QualitySpec:
    """The choices in a published block.

    Raises:
        BadInput: an option is missing, unknown, or out of bounds.
    """
    options = published.get("options")
    if not isinstance(options, Mapping) or options.keys() != {field.name for field in fields(QualitySpec)}:
        raise BadInput("the quality options are not those of this version", input="quality.options")
    return QualitySpec(**options)


def with_options(profile: str, options: Sequence[str]) -> QualitySpec:
    """A profile with ``name=value`` options, as people write them.

    Raises:
        BadInput: an unknown profile or option, or a value that it cannot take.
    """
    spec = QualitySpec(profile)
    chosen_elsewhere = ("profile", "reference_index")
    types = {f.name: type(getattr(spec, f.name)) for f in fields(spec) if f.name not in chosen_elsewhere}
    given: dict[str, Any] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in types:
            raise BadInput(f"no option {name!r}", input=option, hint=f"choose of {', '.join(types)}")
        try:
            given[name] = types[name](value)
        except ValueError as error:
            raise BadInput(f"{name} is no whole number: {value!r}", input=option, hint=f"write {name}=N") from error
    return replace(spec, **given)


def _require(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise BadInput(f"unknown {name} {value!r}", input=str(value), hint=f"choose {' or '.join(choices)}")


def _within(name: str, value: Any, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise BadInput(f"{name} = {value} is not between {low} and {high}", input=name, hint="choose another number")
