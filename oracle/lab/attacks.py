"""Ways to be paid for more than one's text is worth: corpora that aim at the scores.

An attacker has text of its own, sees what an earlier provider hands in, and knows validation documents: the very sample
where it is public, others of its kind where it is drawn after the bids. Every function takes these and a seeded
``random.Random`` and returns as many documents of about the same length as the attacker's own; the same seed gives the
same texts. ``ATTACKS`` names them all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from random import Random

from oracle.corpus.sentences import split_sentences
from oracle.lab import degrade

Texts = Sequence[str]

_COMMON = 100  # most frequent words that are no keywords
_HEADER = 60  # words
_SENTENCE = 15  # words of a made-up sentence
_THIN = 0.09  # of the words: below the share at which decontamination removes a document
_THIN_WORDS = 60  # and below its number of words


@dataclass(frozen=True)
class Scene:
    """What an attacker has: ``own`` documents, an ``earlier`` provider's, and ``known`` validation documents."""

    own: Texts
    earlier: Texts
    known: Texts


@dataclass(frozen=True)
class Attack:
    """``about`` says it in a line. ``basis`` names the part of the scene whose honest sale it is compared with.

    The corpus is handed in by ``identities`` providers, document by document in turn; where ``words`` are given, in
    documents of at most so many.
    """

    about: str
    make: Callable[[Scene, Random], list[str]]
    basis: str = "own"
    identities: int = 1
    words: int | None = None

    def corpora(self, scene: Scene, rng: Random) -> list[list[str]]:
        """One corpus per identity."""
        texts = self.make(scene, rng)
        if self.words:
            texts = [part for text in texts for part in _parts(text, self.words)]
        return [texts[first :: self.identities] for first in range(self.identities)]


def honest(scene: Scene, rng: Random) -> list[str]:
    """The attacker's own text as it is."""
    return list(scene.own)


def leak(scene: Scene, rng: Random) -> list[str]:
    """Validation documents word for word."""
    return _dealt(_endless(scene.known, rng), scene.own, "\n\n")


def edited_leak(scene: Scene, rng: Random) -> list[str]:
    """Validation documents in which one word in ten changes places with the next: no run of 13 words is left."""
    return [_swapped(text, 10, rng) for text in leak(scene, rng)]


def thin_leak(scene: Scene, rng: Random) -> list[str]:
    """Own documents that each open with fewer leaked words than decontamination asks for."""
    sources = _endless(scene.known, rng)

    def opened(text: str) -> str:
        words = next(sources).split()
        size = min(_THIN_WORDS, int(_THIN * len(text.split())))
        start = rng.randrange(max(1, len(words) - size))
        return _cut(f"{' '.join(words[start : start + size])}\n\n{text}", len(text))

    return [opened(text) for text in scene.own]


def babble(scene: Scene, rng: Random) -> list[str]:
    """Text of a Markov chain over the known documents: pieces of eight words, most triples theirs."""
    return _dealt(_chain(scene.known, rng), scene.own)


def narrow_babble(scene: Scene, rng: Random) -> list[str]:
    """Likewise, but every document made of a single known one: it keeps to a subject."""
    return [text for own in scene.own for text in _dealt(_chain([rng.choice(scene.known)], rng), [own])]


def _chain(texts: Texts, rng: Random) -> Iterator[str]:
    """Words without end."""
    words = [word for text in texts for word in text.split()]
    follows: dict[tuple[str, str], list[str]] = {}
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        follows.setdefault((first, second), []).append(third)
    pairs = list(follows)

    pair = rng.choice(pairs)
    for said in count():
        if pair not in follows or said % 6 == 0:  # the next piece: no long run of known words
            pair = rng.choice(pairs)
            yield from pair
        word = rng.choice(follows[pair])
        yield word
        pair = (pair[1], word)


def unigrams(scene: Scene, rng: Random) -> list[str]:
    """Words of the known documents drawn by their frequency, in sentences of fifteen."""
    return _dealt(_sentences([word.strip(".,;:!?()") for text in scene.known for word in text.split()], rng), scene.own)


def terms(scene: Scene, rng: Random) -> list[str]:
    """A glossary: the known documents' keywords, comma after comma."""
    return _dealt((f"{word}," for word in _endless(_keywords(scene.known), rng)), scene.own)


def headers(scene: Scene, rng: Random) -> list[str]:
    """Own documents under sixty keywords of the known ones."""
    keywords = _keywords(scene.known)[: 4 * _HEADER]
    return [_cut(f"{' '.join(rng.choices(keywords, k=_HEADER))}\n\n{text}", len(text)) for text in scene.own]


def mixture(scene: Scene, rng: Random) -> list[str]:
    """Own sentences in turn with eight-word pieces of the known documents."""
    words = [word for text in scene.known for word in text.split()]

    def mixed(text: str) -> str:
        pieces = []
        for sentence in split_sentences(text):
            start = rng.randrange(max(1, len(words) - 8))
            pieces += [sentence, " ".join(words[start : start + 8]).capitalize().rstrip(".,;:") + "."]
        return _cut(" ".join(pieces), len(text))

    return [mixed(text) for text in scene.own]


def near_copies(scene: Scene, rng: Random) -> list[str]:
    """An earlier provider's documents, one word in thirty changing places with the next."""
    return [_swapped(text, 30, rng) for text in _copied(scene)]


def synonyms(scene: Scene, rng: Random) -> list[str]:
    """An earlier provider's documents, everyday words replaced by synonyms."""
    return degrade.paraphrase(_copied(scene), rng)


def edited_copies(scene: Scene, rng: Random) -> list[str]:
    """An earlier provider's documents with synonyms, and one word in four changing places with the next."""
    return [_swapped(text, 4, rng) for text in synonyms(scene, rng)]


def repetition(scene: Scene, rng: Random) -> list[str]:
    """A quarter of the own documents, four times."""
    return _dealt(cycle(scene.own[: -(-len(scene.own) // 4)]), scene.own, "\n\n")


def edited_repetition(scene: Scene, rng: Random) -> list[str]:
    """A quarter of the own documents, four times, each time with synonyms and one word in four in another place."""
    return [_swapped(text, 4, rng) for text in degrade.paraphrase(repetition(scene, rng), rng)]


def random_tokens(scene: Scene, rng: Random) -> list[str]:
    """Pieces of one to six characters out of the own text, in random order."""
    text = "\n\n".join(scene.own)

    def pieces() -> Iterator[str]:
        while True:
            start = rng.randrange(len(text))
            yield text[start : start + rng.randint(1, 6)]

    return _dealt(pieces(), scene.own, "")


def noise(scene: Scene, rng: Random) -> list[str]:
    """Every word of the own text replaced by random letters."""
    return degrade.gibberish(scene.own, rng)


def shuffle(scene: Scene, rng: Random) -> list[str]:
    """The words of every own document in random order."""
    return degrade.shuffle(scene.own, rng)


def inflation(scene: Scene, rng: Random) -> list[str]:
    """A dozen characters that no text has in front of every own sentence: steep gradients."""

    def strange() -> str:
        return "".join(chr(rng.randrange(0x12000, 0x12300)) for _ in range(12))

    return [_cut(" ".join(f"{strange()} {part}" for part in split_sentences(text)), len(text)) for text in scene.own]


ATTACKS: Mapping[str, Attack] = {
    "leak": Attack("validation text word for word", leak, "known"),
    "edited leak": Attack("validation text, one word in ten moved", edited_leak, "known"),
    "thin leak": Attack("9 % validation text in front of own documents", thin_leak),
    "babble": Attack("Markov chain over validation text", babble, "known"),
    "scattered babble": Attack("the same, in documents of 50 words", babble, "known", words=50),
    "narrow babble": Attack("the same, each document over one known", narrow_babble, "known"),
    "unigram stuffing": Attack("validation words by frequency", unigrams),
    "term list": Attack("keywords of the validation text, no sentences", terms),
    "header stuffing": Attack("60 validation keywords over every document", headers),
    "mixture": Attack("own sentences between validation phrases", mixture),
    "near copies": Attack("earlier provider's text, one word in 30 moved", near_copies),
    "synonym copies": Attack("earlier provider's text, synonyms", synonyms),
    "edited copies": Attack("the same, and one word in four moved", edited_copies),
    "repetition": Attack("a quarter of the documents, four times", repetition),
    "edited repetition": Attack("the same, and each time edited", edited_repetition),
    "random tokens": Attack("pieces of words in random order", random_tokens),
    "noise": Attack("random letters", noise),
    "word shuffle": Attack("own words in random order", shuffle),
    "gradient inflation": Attack("rare characters before every sentence", inflation),
    "five identities": Attack("honest text split over five providers", honest, identities=5),
    "twenty identities": Attack("the same in documents of 100 words, over twenty", honest, identities=20, words=100),
}


def _endless(texts: Texts, rng: Random) -> Iterator[str]:
    """All of ``texts`` in random order, and again."""
    while True:
        yield from rng.sample(texts, len(texts))


def _dealt(pieces: Iterable[str], like: Texts, glue: str = " ") -> list[str]:
    """Documents as long as those of ``like`` (in characters), filled with endless ``pieces`` one after the other."""
    source = iter(pieces)

    def filled(length: int) -> str:
        parts: list[str] = []
        size = 0
        while size < length:
            parts.append(next(source))
            size += len(parts[-1]) + len(glue)
        return _cut(glue.join(parts), length)

    return [filled(len(text)) for text in like]


def _cut(text: str, length: int) -> str:
    """The first ``length`` characters, back to the last whole word."""
    return text if len(text) <= length else text[:length].rsplit(maxsplit=1)[0]


def _parts(text: str, size: int) -> list[str]:
    """The words in runs of ``size``."""
    words = text.split()
    return [" ".join(words[at : at + size]) for at in range(0, len(words), size)]


def _copied(scene: Scene) -> list[str]:
    return _dealt(cycle(scene.earlier), scene.own, "\n\n")


def _swapped(text: str, every: int, rng: Random) -> str:
    """One word in ``every`` changes places with the next; what stands between words stays."""
    parts = re.split(r"(\w+)", text)  # words at odd places
    for first in range(1 + 2 * rng.randrange(every), len(parts) - 2, 2 * every):
        parts[first], parts[first + 2] = parts[first + 2], parts[first]
    return "".join(parts)


def _keywords(texts: Texts) -> list[str]:
    """Words of five letters or more beyond the most frequent ones, frequent ones first."""
    counts = Counter(word for text in texts for word in re.findall(r"[^\W\d_]{2,}", text))
    ranked = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))][_COMMON:]
    return [word for word in ranked if len(word) >= 5][:2000]


def _sentences(words: Sequence[str], rng: Random) -> Iterator[str]:
    while True:
        yield f"{' '.join(rng.choices(words, k=_SENTENCE)).capitalize()}."
