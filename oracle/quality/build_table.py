"""Make ``data/LANGUAGE.json.gz``: class-bigram counts of a broad reference, the only tables this project ships.

    python -m oracle.quality.build_table LANGUAGE TEXTS... OUT

They hold integers and the language's frequent words only, no text. Counted were:

  en  some 28 MB of openly licensed English: encyclopaedia articles old and new, software proposals, speeches, statutes,
      government news, novels and a history textbook
  de, fr, es  20, 20 and 13 MB: paragraphs of 50 characters and more, each once, of these Debian 12 packages, in their
      German, French and Spanish versions as far as there are any: debian-handbook 11.20220922, gimp-help 2.10.34-2,
      libreoffice-help 7.4.7, manpages 4.18.1-1, debian-reference 2.100, developers-reference 12.18,
      installation-guide-amd64 20230508, gnome-user-docs 43.0-2, debian-faq 11.1, debian-edu-doc 2.12.23, maint-guide
      1.2.53, lilypond-doc-html 2.24.1-2, gnucash-docs 4.13-1, wesnoth-1.16 1.16.9 (stories and dialogue of a game and
      its campaigns), stellarium-data 0.22.2-1 (star lore), fortunes-de 0.35, fortunes-es 1.36 (quotations),
      aptitude-doc 0.8.13, freedombox-doc-es 23.6.2; and French law of the npm packages @socialgouv/legi-data 2.513.0
      and @socialgouv/kali-data 3.449.0, at most 400,000 characters a code or agreement
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
