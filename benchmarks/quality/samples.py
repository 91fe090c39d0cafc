"""Disjoint samples of real corpora, from the half of the sources on which nothing was chosen.

A document belongs to the half that the parity of sha256(source name) says: thresholds are chosen on the even half, and
figures reported from the odd one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from oracle.corpus.document import Document
from oracle.corpus.readers import read_documents

SIDE = 10  # samples of clean and of spoilt documents that a comparison needs at least
SIZE = 40
SMALLEST = 5

DOMAINS = {
    "p01-textbook-science": "science textbooks",
    "p02-research-articles": "medical research",
    "p03-medical-qa": "medical questions",
    "p04-python-standards": "software standards",
    "p05-rust-manual-versions": "code documentation",
    "p06-city-law": "law",
    "p07-german-law": "law (German)",
    "p08-task-dialogues": "dialogue",
    "p09-encyclopaedia-1771-1842": "encyclopaedia of 1771",
    "p11-gov-news-2012-2016": "government news",
    "p12-multilingual-qa": "encyclopaedia",
    "p14-classic-novels": "novels",
}
"""Corpora of the development market that are what they claim to be."""

ONE_SOURCE = "encyclopaedia of 1771"
"""Its two volumes are both of the even half."""

Texts = list[Document]


@dataclass(frozen=True)
class Samples:
    """Samples of one domain and language: ``clean`` and ``base`` (to be spoilt) share no document."""

    domain: str
    language: str
    size: int
    clean: list[Texts]
    base: list[Texts]


def odd(document: Document) -> bool:
    """Whether a document is of the half that figures are reported from."""
    return hashlib.sha256((document.source or "").encode()).digest()[-1] % 2 == 1


def load(market: Path, half: bool = True) -> dict[tuple[str, str], Texts]:
    """Documents of one half by domain and language; corpora the market lacks are left out.

    What stands alone for its kind is of both halves: the encyclopaedia of 1771, and Spanish (nothing was chosen on it).
    French is only in the reference, as sentences on which nothing was chosen: each is a document of its own.
    """
    names = [item["id"] for item in json.loads((market / "manifest.json").read_text("utf-8"))["providers"]]
    found: dict[tuple[str, str], Texts] = {}
    for name in names:
        if name in DOMAINS:
            for document in read_documents(market / "providers" / f"{name}.jsonl.gz"):
                alone = DOMAINS[name] == ONE_SOURCE or (document.source or "").endswith("xquad.es.json")
                if alone or odd(document) == half:
                    found.setdefault((DOMAINS[name], document.lang or "en"), []).append(document)
    french = [document for document in reference(market) if "UD_French" in (document.source or "")]
    found["web pages", "fr"] = [
        Document(f"fr/{at}", document.text, "web", None, "fr") for at, document in enumerate(french)
    ]
    return found


def reference(market: Path) -> Texts:
    """Sentences of the market's public reference."""
    return list(read_documents(market / "reference.jsonl.gz"))


def split(domain: str, language: str, documents: Texts, rng: Random, size: int | None = None) -> Samples:
    """At most ``SIDE`` samples a side; smaller ones than ``SIZE`` documents where there are too few of them."""
    shuffled = rng.sample(documents, len(documents))
    size = size or max(SMALLEST, min(SIZE, len(documents) // (2 * SIDE)))
    samples = [shuffled[at : at + size] for at in range(0, len(shuffled) - size + 1, size)][: 2 * SIDE]
    return Samples(domain, language, size, samples[::2][: len(samples) // 2], samples[1::2])


def shortened(documents: Texts, characters: int) -> Texts:
    """The openings of documents, cut at the end of a line or word."""
    cut = [
        text if len(text) <= characters else text[:characters].rpartition("\n" if "\n" in text[:characters] else " ")[0]
        for text in (document.text for document in documents)
    ]
    return renamed(cut, documents)


def renamed(texts: Sequence[str], like: Texts) -> Texts:
    """Spoilt texts as documents that claim what the originals claimed."""
    return [
        Document(f"{place}/{old.id}", text, old.source, old.date, old.lang, old.licence)
        for place, (text, old) in enumerate(zip(texts, like, strict=True))
    ]
