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
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.tokens import Tokens
from oracle.corpus.words import Hashes, hash_words, shingles
from oracle.quality.filter_words import Words, among, join

DUPLICATE_LINES, DUPLICATE_LINE_CHARACTERS = 0.3, 0.2
TOP_NGRAMS = ((2, 0.20), (3, 0.18), (4, 0.16))
DUPLICATE_NGRAMS = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))
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
_BREAKS = np.array([0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Screening:
    """Per filter the name of the first rule broken, "" where the document passes."""

    repetition: str
    quality: str
    c4: str
    fineweb: str


def screen(text: str, tokens: Tokens, hashes: Hashes) -> Screening:
    """The four verdicts on ``text``, from its ``tokens`` and their ``hashes`` (t,)."""
    if not len(tokens.starts):
        return Screening("" if text else "empty", "gopher_short_doc", "too_few_sentences", "empty")
    words = join(tokens, hashes)
    return Screening(
        repetition=_repetition(text, words),
        quality=_quality(text, tokens, hashes, words),
        c4=_c4(text, tokens, words),
        fineweb=_fineweb(text, words),
    )


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

    def counts(self) -> dict[str, int]:
        """Documents, and how many each filter would drop."""
        return {"documents": self.documents} | {name: reasons.total() for name, reasons in self.dropped.items()}

    def sentence(self) -> str:
        """For a planner: what the filters would leave, and the most common reason of each."""
        if not self.documents:
            return "no document to filter"
        parts = []
        for name, reasons in self.dropped.items():
            common = f" (most often {reasons.most_common(1)[0][0]})" if reasons else ""
            parts.append(f"{name} {reasons.total()}{common}")
        return f"of {self.documents} documents the usual filters would drop: {', '.join(parts)}"


def _repetition(text: str, words: Words) -> str:
    for name, parts in (("para", _paragraphs(text)), ("line", _lines(text))):
        repeated, characters = _repeated(parts)
        if repeated / len(parts) > DUPLICATE_LINES:
            return f"dup_{name}_frac"
        if characters / len(text) > DUPLICATE_LINE_CHARACTERS:
            return f"dup_{name}_char_frac"
    return _top_ngrams(len(text), words) or _duplicate_ngrams(len(text), words)


def _paragraphs(text: str) -> list[str]:
    """Pieces between two and more line ends."""
    pieces = (piece.lstrip("\n") for piece in text.strip().split("\n\n"))
    return [piece for piece in pieces if piece] or [""]


def _lines(text: str) -> list[str]:
    """Pieces between line ends; an empty one where the text begins or ends with some."""
    lines = [line for line in text.split("\n") if line]
    return [""] * text.startswith("\n") + lines + [""] * text.endswith("\n")


def _repeated(parts: list[str]) -> tuple[int, int]:
    """How many parts were there before, and their characters."""
    distinct = set(parts)
    return len(parts) - len(distinct), sum(map(len, parts)) - sum(map(len, distinct))


def _top_ngrams(size: int, words: Words) -> str:
    """Characters in the most frequent n-gram, its spaces included."""
    most = len(words.hashes)
    for n, limit in TOP_NGRAMS:
        lengths = _spans(words.lengths, n) + (n - 1)
        if not len(lengths) or most * int(lengths.max()) <= limit * size:
            continue  # an (n + 1)-gram is no more frequent than the n-grams in it
        keys = shingles(words.hashes, n)
        ordered = np.sort(keys)
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        counts = np.diff(starts, append=len(ordered))
        most = int(counts.max())
        if most * int(lengths.max()) <= limit * size:
            continue
        first = int(among(keys, ordered[starts[counts == most]]).argmax())
        if most * int(lengths[first]) / size > limit:
            return f"top_{n}_gram"
    return ""


def _duplicate_ngrams(size: int, words: Words) -> str:
    """Characters in n-grams that were there before, without overlaps."""
    for n, limit in DUPLICATE_NGRAMS:
        keys = shingles(words.hashes, n)
        ordered = np.sort(keys)
        repeats = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(repeats):
            return ""  # no longer n-gram repeats either
        spans = _spans(words.lengths, n)
        if len(repeats) * int(spans.max()) <= limit * size:
            continue
        at = np.flatnonzero(among(keys, repeats))
        if _seen_before(at.tolist(), keys[at].tolist(), spans[at].tolist(), n) / size > limit:
            return f"duplicated_{n}_n_grams"
    return ""


def _seen_before(places: list[int], keys: list[int], lengths: list[int], n: int) -> int:
    """Characters of the n-grams met before, reading on behind each: a walk over those that occur more than once."""
    seen: set[int] = set()
    characters = free = 0
    for place, key, length in zip(places, keys, lengths, strict=True):
        if place < free:
            continue
        if key in seen:
            characters += length
            free = place + n
        else:
            seen.add(key)
    return characters


def _spans(lengths: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(max(0, w - n + 1),) characters in every run of ``n`` words."""
    sums = np.concatenate(([0], np.cumsum(lengths)))
    return sums[n:] - sums[:-n] if len(sums) > n else sums[:0]


def _quality(text: str, tokens: Tokens, hashes: Hashes, words: Words) -> str:
    total = len(words.first) + words.underscores
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
    lower = tokens.points[tokens.starts] >= ord("a")
    found = sum(bool(np.any(lower & (hashes == stop))) for stop in hash_words(list(STOP_WORDS)))
    return "" if found >= FEWEST_STOP_WORDS else "gopher_enough_stop_words"


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


def _c4(text: str, tokens: Tokens, words: Words) -> str:
    """Five sentences must be in lines that end as such, have three words, no endless one and no banned phrase."""
    lower = text.lower()
    whole = "lorem ipsum" in lower or "{" in text  # a document falls for these, wherever a line is looked at
    banned = [phrase for phrase in ("javascript", *_POLICIES) if phrase in lower]
    long = words.longest_run > LONGEST_WORD
    kept: list[int] = []
    for place, line in enumerate(text.splitlines()):
        line = line.strip()
        if long and _LONG.search(line):
            continue
        bare = _CITATION.sub("", line) if "[" in line else line
        if not bare.endswith(_ENDS) or bare.endswith("...") or len(line.split(None, LINE_WORDS)) < LINE_WORDS:
            continue
        if (whole or banned) and (verdict := _line(bare, banned)):
            if verdict != "javascript":
                return verdict
            continue
        kept.append(place)
        if len(kept) == SENTENCES and not whole:
            return ""  # a line is at least one sentence
    return "" if len(kept) >= SENTENCES or _sentences(tokens, words, kept) >= SENTENCES else "too_few_sentences"


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


def _sentences(tokens: Tokens, words: Words, kept: list[int]) -> int:
    """Sentences in the kept lines: one each, and one more wherever text follows a full stop."""
    breaks = np.isin(tokens.points, _BREAKS)
    breaks[:-1] &= ~((tokens.points[:-1] == 0x0D) & (tokens.points[1:] == 0x0A))
    lines = np.cumsum(breaks)[tokens.starts[words.first]]
    telling = np.flatnonzero(words.stops | words.plain)
    stops, lines = words.stops[telling], lines[telling]
    begins = stops[:-1] & ~stops[1:] & (lines[1:] == lines[:-1])
    return len(kept) + int(np.count_nonzero(begins & np.isin(lines[1:], kept)))


def _fineweb(text: str, words: Words) -> str:
    newlines = text.count("\n")
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    if not lines:
        return "empty"
    if sum(line[-1] in _TERMINAL for line in lines) / len(lines) < PUNCTUATED_LINES:
        return "line_punct_ratio"
    if sum(len(line) <= SHORT_LINE for line in lines) / len(lines) > SHORT_LINES:
        return "short_line_ratio"
    if _repeated(lines)[1] / (len(text) - newlines) > REPEATED_CHARACTERS:
        return "char_dup_ratio"
    return "list_ratio" if newlines / (len(words.first) + words.underscores) > LINES_PER_WORD else ""
