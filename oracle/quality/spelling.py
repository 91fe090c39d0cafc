"""Whether an unknown word looks damaged, in English, German, French or Spanish.

A word outside the dictionary is not yet an error: names, identifiers, compounds and terms are outside it too. A word is
suspected only when it shows it: digits inside letters, capitals inside a word that no identifier has, letter sequences
that the language does not have, or one edit away from a frequent word. How often it may then occur before it passes
for a term is part of the verdict.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from oracle.corpus.words import hash_words
from oracle.quality.lexicon import frequencies, lexicon

LETTERS = {"en": "a-z", "de": "a-zäöüß", "fr": "a-zàâæçéèêëîïôœùûüÿ", "es": "a-záéíñóúü"}
_TRIGRAM = 3  # dictionary words that must share a letter triple for it to be plausible
_FEWEST = 4  # letters of a word that can be a slip
_INFLECTED = {"en": "", "de": "emnrst", "fr": "estrxzé", "es": "aenorsáéó"}  # by these last letters: no slip
_PART = 4  # letters of a compound's parts
_LINKS = ("", "s", "es", "n", "en")  # between the parts of a German compound
_PARTS_OF_WORDS = 1.5e-7  # share of running text from which a word may be part of a compound (Zipf 2.2)

_IDENTIFIER = re.compile(
    r"_|^[A-Z]{2,}s?$|^[a-z]?[A-Z]{2,}[a-z]{0,2}$|^[A-Z]+\d+$|^\w?\d+\w{0,3}$|^[A-Za-z]{1,4}\d+\w?$"
)
_HUMPS = re.compile(r"[^\W\d_a-z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])")
_MISREAD = re.compile(r"^[A-Za-z][a-z]*[UH][a-z]{0,4}$")
_READINGS = {"U": ("ll",), "H": ("ll", "li")}


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a word is suspected: ``of`` are the ranks of the frequent words it may stand for, none if for itself alone.

    ``misread``: the letters are those that scanners confuse, so that it counts however often it occurs.
    """

    of: tuple[int, ...] = ()
    misread: bool = False


@lru_cache(maxsize=1 << 16)
def suspicion(word: str, language: str) -> Suspicion | None:
    """What an unknown ``word`` is suspected of; None where it may well be what its author wrote."""
    dictionary = frequencies(language, "large")
    plain = word.lower()
    if not _alphabet(language).fullmatch(word):
        return None
    if plain != word or not word.isalpha():
        if _MISREAD.match(word) and (meant := _misread(word, language)):
            return meant
        if _IDENTIFIER.search(word):
            return None
        if not word.isalpha() or not (word.islower() or word.istitle() or word.isupper()):
            known = all(len(part) <= 2 or part.lower() in dictionary for part in _HUMPS.findall(word))
            return None if known else Suspicion()
    if plain in dictionary or (language == "de" and _compound(plain)):
        return None
    if not _plausible(plain, language):
        return Suspicion()
    if not word.islower():
        return None  # a name: only impossible spellings count against it
    of = tuple(sorted(set(_neighbours(plain, language))))
    return Suspicion(of) if of else None


def _misread(word: str, language: str) -> Suspicion | None:
    """A capital inside a word that scanners read for two small letters: "aU" for "all", "reHgion" for "religion"."""
    at = next(place for place, character in enumerate(word) if character in _READINGS and place > 0)
    for letters in _READINGS[word[at]]:
        rank = _frequent(language).get((word[:at] + letters + word[at + 1 :]).lower())
        if rank is not None:
            return Suspicion((rank,), misread=True)
    return None


def _plausible(word: str, language: str) -> bool:
    marked = f"^{word}$"
    return _trigrams(language).issuperset([marked[at : at + 3] for at in range(len(word))])


def _compound(word: str, parts: int = 4) -> bool:
    """Whether ``word`` is made of up to four German words, with or without a linking s, es, n or en."""
    dictionary = frequencies("de", "large")
    for cut in range(_PART, len(word) - _PART + 1):
        if dictionary.get(word[:cut], 0.0) < _PARTS_OF_WORDS:
            continue
        for link in _LINKS:
            rest = word[cut + len(link) :]
            if not word.startswith(link, cut) or len(rest) < _PART:
                continue
            if dictionary.get(rest, 0.0) >= _PARTS_OF_WORDS or (parts > 2 and _compound(rest, parts - 1)):
                return True
    return False


@cache
def _alphabet(language: str) -> re.Pattern[str]:
    return re.compile(f"[{LETTERS[language]}{LETTERS[language].upper()}0-9]+")


@cache
def _trigrams(language: str) -> frozenset[str]:
    """Letter triples, word borders included, that at least ``_TRIGRAM`` words of the smaller list share."""
    counts: Counter[str] = Counter()
    for word in frequencies(language, "small"):
        if word.isalpha() and _alphabet(language).fullmatch(word):
            marked = f"^{word}$"
            counts.update({marked[at : at + 3] for at in range(len(marked) - 2)})
    return frozenset(triple for triple, count in counts.items() if count >= _TRIGRAM)


def _neighbours(word: str, language: str) -> Iterator[int]:
    """Ranks of frequent words one insertion, deletion, substitution or swap away, of which it is no other form."""
    if len(word) >= _FEWEST:
        for form in {word, *_deletions(word)}:
            for near, rank in _deletion_index(language).get(form, ()):
                if _one_edit(word, near) and not _inflected(word, near, language):
                    yield rank


def _inflected(word: str, near: str, language: str) -> bool:
    letters = _INFLECTED[language]
    return bool(letters) and (near.startswith(word) or (near.startswith(word[:-1]) and word[-1] in letters))


def _deletions(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


@cache
def _frequent(language: str) -> dict[str, int]:
    """The frequent words with their ranks."""
    words = [w for w in frequencies(language, "large") if w.isalpha() and _alphabet(language).fullmatch(w)]
    ranks = lexicon(language, "large").find(hash_words(words))[1].tolist()
    return {word: rank for word, rank in zip(words, ranks, strict=True) if rank >= 0}


@cache
def _deletion_index(language: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """Frequent words under all their forms with at most one letter deleted (SymSpell's index)."""
    index: dict[str, list[tuple[str, int]]] = {}
    for word, rank in _frequent(language).items():
        if len(word) >= _FEWEST:
            for form in {word, *_deletions(word)}:
                index.setdefault(form, []).append((word, rank))
    return {form: tuple(entries) for form, entries in index.items()}


def _one_edit(left: str, right: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns ``left`` into ``right``."""
    if abs(len(left) - len(right)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = left[at:], right[at:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
