"""What the axes see of one provider, whatever the profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oracle.corpus.dedup import Deduplicated
from oracle.quality.axis import Axis
from oracle.quality.cohesion import Cohesion
from oracle.quality.embedding import Vectors
from oracle.quality.neighbours import Reference
from oracle.quality.sampling import Sentence
from oracle.quality.survey import Survey


@dataclass(frozen=True, slots=True)
class View:
    """One corpus after deduplication, its counts, its sampled sentences with their vectors (n, d).

    ``earlier`` (m, d) are the vectors of ``texts``: of the reference first, then of the providers before this one.
    ``index`` is the whole reference, where one is asked.
    ``digest`` is that of the corpus as it was offered.
    """

    corpus: Deduplicated
    counts: Survey
    cohesion: Cohesion
    sentences: tuple[Sentence, ...]
    vectors: Vectors
    earlier: Vectors
    texts: Sequence[str]
    index: Reference | None
    metadata: Axis
    digest: str
