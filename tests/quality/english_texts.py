"""English every machine has (the language reference that ships with Python), and ways to spoil it."""

from __future__ import annotations

import random
from pydoc_data.topics import topics

from oracle.corpus.dedup import deduplicate
from oracle.corpus.document import Document

LETTERS = "abcdefghijklmnopqrstuvwxyz @#0"


def _own_texts() -> list[str]:
    """Topics that share little with those before them: several of them quote each other."""
    found = [str(topics[name]) for name in sorted(topics) if 900 < len(topics[name]) < 12_000]
    unique = deduplicate([[Document("", text)] for text in found])
    return [text for text, own in zip(found, unique, strict=True) if own.fresh_words > 0.9 * own.offered_words]


TEXTS = _own_texts()
POLISH = (
    "Umowa zostaje zawarta między kupującym a sprzedającym. Obowiązuje tylko wtedy, gdy obie strony ją podpisały. Kto "
    "nie zapłaci za towar w terminie, musi go zwrócić albo naprawić szkodę. Sąd może na wniosek wyznaczyć inny termin, "
    "jeżeli jest to stosowne w okolicznościach danej sprawy. Wszystko inne reguluje ustawa, i to w takim brzmieniu, w "
    "jakim obowiązywała w dniu zawarcia umowy. "
)


def documents(name: str, texts: list[str]) -> list[Document]:
    return [
        Document(f"{name}/{at}", text, source=name, date="2024-01-31", lang="en", licence="PSF-2.0")
        for at, text in enumerate(texts)
    ]


def shuffled(text: str, seed: int = 1) -> str:
    words = text.split()
    random.Random(seed).shuffle(words)
    return " ".join(words)


def noisy(text: str, share: float = 0.2, seed: int = 1) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice(LETTERS) if rng.random() < share else character for character in text)


def mojibake(text: str) -> str:
    return text.replace("'", "’").replace('"', "“").replace("a", "ä").encode("utf-8").decode("cp1252", "replace")


def salad(words: int = 400, seed: int = 1) -> str:
    rng = random.Random(seed)
    vocabulary = sorted({word for text in TEXTS for word in text.split() if word.isalpha()})
    return " ".join(rng.choices(vocabulary, k=words))
