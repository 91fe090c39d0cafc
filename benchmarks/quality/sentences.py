"""Real sentences to measure on: those of a corpus, or of the documentation of the packages installed beside."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from random import Random

from oracle.corpus.readers import read_documents
from oracle.corpus.sentences import split_sentences
from oracle.quality.sampling import telling


def real_sentences(path: Path | None, count: int) -> list[str]:
    """At most ``count`` different sentences, drawn by a fixed seed; ``path`` is whatever `mia score` reads."""
    texts = (document.text for document in read_documents(path)) if path else _documentation()
    found = list(dict.fromkeys(sentence for text in texts for sentence in split_sentences(text) if telling(sentence)))
    return Random(0).sample(found, min(count, len(found)))


def _documentation() -> Iterator[str]:
    for file in sorted(Path(sysconfig.get_path("purelib")).glob("*.dist-info/METADATA")):
        yield file.read_text("utf-8", "replace").partition("\n\n")[2]
