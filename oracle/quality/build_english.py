"""Make ``data/english.json.gz``: class-bigram counts of a broad English reference, the only table this project ships.

    python -m oracle.quality.build_english TEXTS... OUT

The packaged table was counted over some 28 MB of openly licensed English: encyclopaedia articles old and new, software
proposals, speeches, statutes, government news, novels and a history textbook. It holds integers only, no text.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from oracle.corpus.readers import read_documents
from oracle.quality.classes import SHAPES, classify
from oracle.quality.fluency import junctions
from oracle.quality.languages import identify
from oracle.quality.lexicon import frequencies
from oracle.quality.reading import read

FREQUENT = 400
FUNCTION = 150  # the most frequent of them, nearly all function words
_TOGETHER = 400  # records counted at a time


def build(texts: Iterable[str]) -> bytes:
    """The table of ``texts`` as the packaged file's bytes; the same texts give the same bytes."""
    ranked = frequencies("en", "large")
    frequent = tuple([word for word in ranked if word.isascii() and word.isalpha()][:FREQUENT])
    size = len(frequent) + len(SHAPES)
    counts = np.zeros(size * size, dtype=np.int64)
    for text in texts:
        reading = read(text)
        left, right = junctions(reading.tokens, classify(reading, frequent))
        counts += np.bincount(left.astype(np.int64) * size + right, minlength=size * size)
    places = np.flatnonzero(counts)
    table = {
        "frequent": frequent,
        "function": FUNCTION,
        "gaps": np.diff(places, prepend=0).tolist(),
        "counts": counts[places].tolist(),
    }
    return gzip.compress(json.dumps(table, separators=(",", ":")).encode(), mtime=0)


def _english(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        batch: list[str] = []
        for document in read_documents(path):
            if document.lang in (None, "en") and identify(document.text) == "en":
                batch.append(document.text)
            if len(batch) == _TOGETHER:
                yield "\n".join(batch)
                batch = []
        yield "\n".join(batch)


if __name__ == "__main__":
    *sources, out = map(Path, sys.argv[1:])
    out.write_bytes(build(_english(sources)))
