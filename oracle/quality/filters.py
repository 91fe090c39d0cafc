"""What the standard filters of pre-training text would say of a document: planners know them, so we show them.

Four published filters with their default thresholds, for English, in one pass over tokens that exist already:
  repetition  Gopher's (Rae et al. 2021, arXiv 2112.11446, table A1): repeated lines, paragraphs and word n-grams;
  quality     Gopher's (same paper, section A1.1): length, word length, symbols, bullets, letters, stop words;
  c4          Raffel et al. 2019 (arXiv 1910.10683): what remains after its line rules must be five sentences;
  fineweb     Penedo et al. 2024 (arXiv 2406.17557): line ends, short lines, repeated characters, lists.
Each gives "" where a document passes, else the name of the first rule that it breaks, in the order in which datatrove,
the usual implementation, asks. They inform; no score depends on them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.tokens import Tokens, tokenize
from oracle.corpus.words import Hashes, hash_words, token_hashes
from oracle.quality.filter_words import Words, join
from oracle.quality.repetition import repeated, repetition

FEWEST_WORDS, MOST_WORDS = 50, 100_000
SHORTEST_MEAN, LONGEST_MEAN = 3, 10
SYMBOLS_PER_WORD = 0.1
BULLETS, ELLIPSES = 0.9, 0.3
ALPHABETIC = 0.8
STOP_WORDS, FEWEST_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with"), 2
SENTENCES, LINE_WORDS, LONGEST_WORD = 5, 3, 1000
PUNCTUATED_LINES, SHORT_LINES, SHORT_LINE = 0.12, 0.67, 30
REPEATED_CHARACTERS, LINES_PER_WORD = 0.01, 0.3

_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_ENDS = (".", "?", "!", '"', "'")
_LONG = re.compile(rf"\S{{{LONGEST_WORD + 1}}}")
_TERMINAL = frozenset(".!?‼‽⁇⁈⁉。．！？｡﹒﹖﹗؟۔।॥։።፧")


@dataclass(frozen=True, slots=True)
class Screening:
    """Per filter the name of the first rule broken, "" where the document passes."""

    repetition: str
    quality: str
    c4: str
    fineweb: str


def screen_all(texts: Sequence[str], tokens: Tokens, hashes: Hashes, bounds: NDArray[np.int64]) -> list[Screening]:
    """The four verdicts on each text, from the ``tokens`` of all, a line end between texts, and their ``hashes`` (t,).

    Text i has the tokens ``bounds[i]:bounds[i + 1]``. A verdict does not depend on the other texts.
    """
    if not len(tokens.starts):
        return [_wordless(text) for text in texts]
    words = join(tokens, hashes)
    edges = np.searchsorted(words.first, bounds).tolist()
    found = []
    for text, begin, end, c4 in zip(texts, edges[:-1], edges[1:], _c4(texts), strict=True):
        part = words.part(begin, end)
        found.append(
            Screening(repetition(text, part), _quality(text, part), c4, _fineweb(text, part))
            if begin < end
            else _wordless(text)
        )
    return found


def _wordless(text: str) -> Screening:
    return Screening("" if text else "empty", "gopher_short_doc", "too_few_sentences", "empty")


class Tally:
    """How many documents each filter would drop, and for which reason; adds up over documents."""

    def __init__(self, screenings: Iterable[Screening] = ()) -> None:
        self.documents = 0
        self.dropped: dict[str, Counter[str]] = {field.name: Counter() for field in fields(Screening)}
        for screening in screenings:
            self.add(screening)

    def add(self, screening: Screening) -> None:
        """Count one document."""
        self.documents += 1
        for name, reasons in self.dropped.items():
            if reason := getattr(screening, name):
                reasons[reason] += 1

    def __add__(self, other: Tally) -> Tally:
        both = Tally()
        both.documents = self.documents + other.documents
        both.dropped = {name: reasons + other.dropped[name] for name, reasons in self.dropped.items()}
        return both

    def counts(self) -> dict[str, int]:
        """Documents, and how many each filter would drop."""
        return {"documents": self.documents} | {name: reasons.total() for name, reasons in self.dropped.items()}

    def sentence(self) -> str:
        """For a planner: what the filters would leave, and the most common reason of each."""
        if not self.documents:
            return "no document to filter"
        parts = []
        for name, reasons in self.dropped.items():
            # of equally common ones the first by name: the order of counting must not show
            most = min(reasons, key=lambda reason: (-reasons[reason], reason)) if reasons else ""
            common = f" (most often {most})" if reasons else ""
            parts.append(f"{name} {reasons.total()}{common}")
        return f"of {self.documents} documents the usual filters would drop: {', '.join(parts)}"


def _quality(text: str, words: Words) -> str:
    total = len(words.first) + int(words.underscores.sum())
    real = words.lengths[~words.symbols]
    if len(real) < FEWEST_WORDS:
        return "gopher_short_doc"
    if len(real) > MOST_WORDS:
        return "gopher_long_doc"
    if real.mean() < SHORTEST_MEAN:
        return "gopher_below_avg_threshold"
    if real.mean() > LONGEST_MEAN:
        return "gopher_above_avg_threshold"
    if text.count("#") / total > SYMBOLS_PER_WORD:
        return "gopher_too_many_hashes"
    ellipses = text.count("...") + text.count("…")
    if ellipses / total > SYMBOLS_PER_WORD:
        return "gopher_too_many_ellipsis"
    if verdict := _line_edges(text.splitlines(), text.count("•") + text.count("-"), ellipses):
        return verdict
    if np.count_nonzero(words.alphabetic) / total < ALPHABETIC:
        return "gopher_below_alpha_threshold"
    small = words.hashes[words.small]
    found = sum(bool(np.any(small == stop)) for stop in _stop_words())
    return "" if found >= FEWEST_STOP_WORDS else "gopher_enough_stop_words"


@cache
def _stop_words() -> Hashes:
    return hash_words(list(STOP_WORDS))


def _line_edges(lines: list[str], bullets: int, ellipses: int) -> str:
    """Lines that begin with a bullet or end in an ellipsis; there are no more of either than in the whole text."""
    if bullets > BULLETS * len(lines):
        bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines)
        if bullets / len(lines) > BULLETS:
            return "gopher_too_many_bullets"
    if ellipses > ELLIPSES * len(lines):
        ellipses = sum(line.rstrip().endswith(("...", "…")) for line in lines)
        if ellipses / len(lines) > ELLIPSES:
            return "gopher_too_many_end_ellipsis"
    return ""


def _c4(texts: Sequence[str]) -> list[str]:
    """Five sentences must be in lines that end as such, have three words, no endless one and no banned phrase."""
    verdicts, unsure = [], []
    for place, text in enumerate(texts):
        verdict, kept = _kept_lines(text)
        if not verdict and len(kept) < SENTENCES:  # a line is at least one sentence
            verdict = "too_few_sentences"
            unsure += [(place, line) for line in kept]
        verdicts.append(verdict)
    sentences = Counter[int]()
    for (place, _), count in zip(unsure, _sentences([line for _, line in unsure]), strict=True):
        sentences[place] += count
    for place, count in sentences.items():
        if count >= SENTENCES:
            verdicts[place] = ""
    return verdicts


def _kept_lines(text: str) -> tuple[str, list[str]]:
    """Why a document falls for one line, and its first good lines, as many as are needed."""
    lower = text.lower()
    fatal = "lorem ipsum" in lower or "{" in text
    banned = [phrase for phrase in ("javascript", *_POLICIES) if phrase in lower]
    kept: list[str] = []
    for line in text.splitlines():
        line = line.strip()
        if len(line) > LONGEST_WORD and _LONG.search(line):
            continue
        bare = _CITATION.sub("", line) if "[" in line else line
        if not bare.endswith(_ENDS) or bare.endswith("...") or len(line.split(None, LINE_WORDS)) < LINE_WORDS:
            continue
        if (fatal or banned) and (verdict := _line(bare, banned)):
            if verdict != "javascript":
                return verdict, []
            continue
        kept.append(bare)
        if len(kept) >= SENTENCES and not fatal:
            break
    return "", kept


def _line(line: str, banned: list[str]) -> str:
    """Why a line falls ("javascript" for all banned phrases) or takes its document with it; "" where it stays."""
    lower = line.lower()
    if "lorem ipsum" in lower:
        return "lorem_ipsum"
    if "javascript" in banned and "javascript" in lower:
        return "javascript"
    if "{" in line:
        return "curly_bracket"
    return "javascript" if any(phrase in lower for phrase in banned) else ""


def _sentences(lines: list[str]) -> list[int]:
    """Sentences in each line: one, and one more wherever text follows a full stop."""
    tokens = tokenize("\n".join(lines))
    if not len(tokens.starts):
        return [1] * len(lines)
    words = join(tokens, token_hashes(tokens))
    telling = np.flatnonzero(words.stops | words.plain)
    place = np.cumsum(tokens.points == ord("\n"))[tokens.starts[words.first[telling]]]
    stops = words.stops[telling]
    begins = stops[:-1] & ~stops[1:] & (place[1:] == place[:-1])
    counts: list[int] = (1 + np.bincount(place[1:][begins], minlength=len(lines))).tolist()
    return counts


def _fineweb(text: str, words: Words) -> str:
    newlines = text.count("\n")
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    if not lines:
        return "empty"
    if sum(line[-1] in _TERMINAL for line in lines) / len(lines) < PUNCTUATED_LINES:
        return "line_punct_ratio"
    if sum(len(line) <= SHORT_LINE for line in lines) / len(lines) > SHORT_LINES:
        return "short_line_ratio"
    if repeated(lines)[1] / (len(text) - newlines) > REPEATED_CHARACTERS:
        return "char_dup_ratio"
    return "list_ratio" if newlines / (len(words.first) + int(words.underscores.sum())) > LINES_PER_WORD else ""
