"""Ways to spoil text, made on the fly: what a quality score has to tell from the real thing.

Every function takes documents' texts and a seeded ``random.Random`` and returns as many texts; the same seed gives the
same texts. ``VARIANTS`` names them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from random import Random

Texts = Sequence[str]
Degrade = Callable[[Texts, Random], list[str]]

# what scanners confuse: shapes that look alike, and strokes that run together or fall apart
_CONFUSED: Mapping[str, Sequence[str]] = {
    "a": "oe",
    "b": "hl6",
    "c": "eo(",
    "d": "cl",
    "e": "co",
    "f": "tr",
    "g": "9q",
    "h": "bli",
    "i": "l1j!",
    "j": "i;",
    "k": "lh",
    "l": "1iI|",
    "m": ["rn", "in", "nn"],
    "n": ["u", "ri", "ii"],
    "o": "0ce",
    "p": "q",
    "q": "g9",
    "r": "nf",
    "s": "5a",
    "t": "fli",
    "u": ["n", "ii", "v"],
    "v": "uy",
    "w": ["vv", "uu"],
    "x": "zk",
    "y": "vg",
    "z": "2s",
    "0": "O",
    "1": "lI",
    "5": "S",
    "8": "B",
}
_STRAY = ".,'`^~*|-"
_GROUPS = "synonyms.txt"
_WORD = re.compile(r"[A-Za-z]+")

_TEMPLATES = (
    "Looking for {a} in {b}? Our {c} team is here to help you every day of the week.",
    "The best {a} is only one click away, and {b} is included at no extra cost.",
    "Thousands of customers trust {c} for {a}, and they come back for {b}.",
    "Order {a} today and save on {b} while the offer lasts.",
    "We deliver {a} to {b} within two days, with {c} as our partner.",
    "Read our guide to {a} before you decide about {b}.",
    "If you have a question about {a}, write to {c} and we will answer within a day.",
    "Sign up for our newsletter and never miss news about {a} and {b}.",
)
_SLOTS = (
    "garden furniture", "running shoes", "car insurance", "printer ink", "holiday homes", "kitchen knives",
    "web hosting", "phone cases", "office chairs", "coffee machines", "dental care", "solar panels", "wedding rings",
    "pet food", "Springfield", "Riverton", "Oakdale", "Fairview", "Lakeside", "Georgetown", "the city centre",
)  # fmt: skip


def ocr(texts: Texts, rng: Random, *, share: float) -> list[str]:
    """Scanner errors in about ``share`` of the characters that are no space: look-alikes, losses and specks."""
    return ["".join(_scanned(character, share, rng) for character in text) for text in texts]


def shuffle(texts: Texts, rng: Random) -> list[str]:
    """The words of every text in random order."""
    return [" ".join(rng.sample(words, len(words))) for words in map(str.split, texts)]


def salad(texts: Texts, rng: Random) -> list[str]:
    """Words drawn from all the texts alike, however rare, as many as each text had."""
    vocabulary = sorted({word for text in texts for word in text.split()})
    return [" ".join(rng.choices(vocabulary, k=len(text.split()))) for text in texts]


def gibberish(texts: Texts, rng: Random) -> list[str]:
    """Every word replaced by random letters of the same number; punctuation stays."""
    return [
        _WORD.sub(lambda match: "".join(rng.choices("etaoinshrdlucmfwypvbgkjqxz", k=len(match[0]))), t) for t in texts
    ]


def template(texts: Texts, rng: Random) -> list[str]:
    """Form letters: eight sentences with their blanks filled in at random, as long as each text was."""
    return [_filled(len(text), rng) for text in texts]


def spam(texts: Texts, rng: Random, *, share: float) -> list[str]:
    """``share`` of the documents replaced by form letters."""
    spoilt = set(rng.sample(range(len(texts)), round(share * len(texts))))
    return [_filled(len(text), rng) if place in spoilt else text for place, text in enumerate(texts)]


def mojibake(texts: Texts, rng: Random) -> list[str]:
    """UTF-8 with typographic marks, read as Windows-1252."""
    return [_typeset(text).encode().decode("cp1252", "replace") for text in texts]


def exact_copies(texts: Texts, rng: Random) -> list[str]:
    """Half of the documents, each twice, in random order."""
    half = [*texts[: (len(texts) + 1) // 2], *texts[: len(texts) // 2]]
    return rng.sample(half, len(half))


def near_copies(texts: Texts, rng: Random) -> list[str]:
    """Half of the documents, each once as it was and once with one word in thirty dropped or repeated."""
    return [*texts[: (len(texts) + 1) // 2], *(_retouched(text, rng) for text in texts[: len(texts) // 2])]


def paraphrase(texts: Texts, rng: Random) -> list[str]:
    """Every word that has a synonym in a list of some 200 everyday groups replaced by one."""
    return [_WORD.sub(lambda match: _synonym(match[0], rng), text) for text in texts]


VARIANTS: Mapping[str, Degrade] = {
    "OCR 1 %": partial(ocr, share=0.01),
    "OCR 5 %": partial(ocr, share=0.05),
    "OCR 20 %": partial(ocr, share=0.20),
    "word shuffle": shuffle,
    "word salad": salad,
    "gibberish": gibberish,
    "template text": template,
    "spam 50 %": partial(spam, share=0.5),
    "spam 100 %": partial(spam, share=1.0),
    "mojibake": mojibake,
    "exact duplicates": exact_copies,
    "near duplicates": near_copies,
}
"""Variants that need nothing but the texts; re-scraped and paraphrased reference text need a reference."""


def _scanned(character: str, share: float, rng: Random) -> str:
    if character.isspace() or rng.random() >= share:
        return character
    kind = rng.random()
    if kind < 0.1:
        return ""
    if kind < 0.2:
        return character + rng.choice(_STRAY)
    return rng.choice(_CONFUSED.get(character.lower(), "il1.'"))


def _filled(length: int, rng: Random) -> str:
    sentences: list[str] = []
    while sum(map(len, sentences)) < length:
        a, b, c = rng.sample(_SLOTS, 3)
        sentences.append(rng.choice(_TEMPLATES).format(a=a, b=b, c=c))
    return " ".join(sentences)


def _typeset(text: str) -> str:
    """With the apostrophes, quotation marks, dashes and spaces that word processors put in."""
    text = (
        text.replace("'", "’").replace("--", "—").replace(" - ", " – ").replace("...", "…").replace(".  ", ".\u00a0 ")
    )
    return re.sub(r'"([^"\n]*)"', "“\\1”", text)


def _retouched(text: str, rng: Random) -> str:
    words = []
    for word in text.split(" "):
        roll = rng.randrange(60)
        words += [] if roll == 0 else [word, word] if roll == 1 else [word]
    return " ".join(words)


def _synonym(word: str, rng: Random) -> str:
    group = _synonyms().get(word.lower(), ())
    if not group:
        return word
    other = rng.choice(group)
    return other.capitalize() if word[0].isupper() else other


@cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in files("oracle.lab").joinpath("data", _GROUPS).read_text("utf-8").splitlines():
        words = line.split()
        table |= {word: tuple(other for other in words if other != word) for word in words}
    return table
