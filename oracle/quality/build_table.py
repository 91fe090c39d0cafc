"""Make ``data/LANGUAGE.json.gz``: class-bigram counts of a broad reference, the only tables this project ships.

    python -m oracle.quality.build_table LANGUAGE TEXTS... OUT

They hold integers and the language's frequent words only, no text.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from oracle.corpus.readers import read_documents
from oracle.quality.classes import classify, shapes
from oracle.quality.fluency import junctions
from oracle.quality.languages import identify
from oracle.quality.lexicon import frequencies
from oracle.quality.reading import read

FREQUENT = 400
FUNCTION = 150  # the most frequent of them, nearly all function words
_TOGETHER = 400  # records counted at a time


def build(texts: Iterable[str], language: str) -> bytes:
    """The table of ``texts`` as the packaged file's bytes; the same texts give the same bytes."""
    frequent = _frequent(language)
    size = len(frequent) + len(shapes(language))
    counts = np.zeros(size * size, dtype=np.int64)
    for text in texts:
        reading = read(text, language)
        kinds = classify(reading, frequent).astype(np.int64)
        left = np.flatnonzero(junctions(reading))
        counts += np.bincount(kinds[left] * size + kinds[left + 1], minlength=size * size)
    places = np.flatnonzero(counts)
    table = {
        "frequent": frequent,
        "function": FUNCTION,
        "gaps": np.diff(places, prepend=0).tolist(),
        "counts": counts[places].tolist(),
    }
    return gzip.compress(json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)


def _frequent(language: str) -> tuple[str, ...]:
    """The most frequent words; in English without the accented ones, which are loans."""
    words = frequencies(language, "large")
    plain = [word for word in words if word.isalpha() and (language != "en" or word.isascii())]
    return tuple(sorted(plain, key=lambda word: -words[word])[:FREQUENT])


def _written_in(language: str, paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        batch: list[str] = []
        for document in read_documents(path):
            if document.lang in (None, language) and identify(document.text) == language:
                batch.append(document.text)
            if len(batch) == _TOGETHER:
                yield "\n".join(batch)
                batch = []
        yield "\n".join(batch)


if __name__ == "__main__":
    language, *sources, out = sys.argv[1:]
    Path(out).write_bytes(build(_written_in(language, map(Path, sources)), language))
