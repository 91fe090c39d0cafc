"""A corpus of any size that looks like text: phrases of the documentation on this machine in new orders.

Phrases of three to six words keep the words, case and punctuation of English, while hardly any run of eight words
recurs; names and numbers are made up. Some documents repeat an earlier one, as crawled text does.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson

EXACT, NEAR = 0.02, 0.05
"""Share of documents that repeat a recent one exactly, and with one word in 25 changed."""
WORDS = (6.0, 0.9)
"""Mean and deviation of the logarithm of a document's number of words: 600 words in the mean."""
_RECENT = 1000


def write_corpus(file: Path, megabytes: float, seed: int = 1) -> int:
    """Write JSON lines of about this many megabytes (10^6 bytes); the number of documents."""
    count, left = 0, int(megabytes * 10**6)
    with file.open("wb") as out:
        for text in documents(seed):
            line = orjson.dumps({"id": f"d{count}", "text": text, "lang": "en", "source": "made"}) + b"\n"
            out.write(line)
            count += 1
            left -= len(line)
            if left <= 0:
                return count
    return count


def documents(seed: int, *, exact: float = EXACT, near: float = NEAR) -> Iterator[str]:
    """Texts without end, these shares of which repeat one of the last ``_RECENT`` exactly and nearly."""
    rng = Random(seed)
    phrases = _phrases(rng)
    recent: list[str] = []
    while True:
        fate = rng.random()
        if recent and fate < exact:
            yield rng.choice(recent)
        elif recent and fate < exact + near:
            yield edited(rng, rng.choice(recent), 25)
        else:
            text = _document(rng, phrases)
            recent.append(text)
            del recent[:-_RECENT]
            yield text


def edited(rng: Random, text: str, every: int) -> str:
    """The text with one in ``every`` of its words changed."""
    words = text.split(" ")
    for at in range(rng.randrange(every), len(words), every):
        words[at] = _name(rng)
    return " ".join(words)


def _document(rng: Random, phrases: list[str]) -> str:
    parts = rng.choices(phrases, k=max(2, int(rng.lognormvariate(*WORDS)) // 4))
    for at in range(0, len(parts), 9):
        parts[at] += f" {_name(rng)} {rng.randrange(10 ** rng.randrange(1, 7))}"
    for at in range(25, len(parts), 25):
        parts[at] += ".\n\n"
    return " ".join(parts)


def _name(rng: Random) -> str:
    return "".join(rng.choice(("ka", "ro", "min", "tel", "sa", "vor", "ne", "li")) for _ in range(3)).title()


def _phrases(rng: Random) -> list[str]:
    phrases = []
    for text in _english():
        words = text.split()
        at = 0
        while at < len(words):
            phrase = " ".join(words[at : at + rng.randint(3, 6)])
            at += phrase.count(" ") + 1
            if sum(map(str.isalpha, phrase)) > 0.75 * len(phrase) and phrase.isascii():
                phrases.append(phrase)
    return phrases


def _english() -> Iterator[str]:
    """Docstrings of the standard library, and what installed packages say about themselves."""
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""
    packages = Path(sysconfig.get_path("purelib"))
    for pattern in ("*.dist-info/METADATA", "**/*.md", "**/*.rst"):
        for file in sorted(packages.glob(pattern)):
            yield file.read_text("utf-8", errors="ignore")[: 2**17]
