"""Words as the standard filters count them: our tokens, joined where spaCy's English rules would not cut.

The published thresholds were set on words of that tokenizer: "3.14", "e.g." and "f(x)=y" are one word, "state-of-the-
art" is seven, "don't" two. Within a run of characters without space, marks at its ends come off one by one, and a mark
inside cuts only between certain neighbours. A table of character properties decides, for a whole text at once; lists
of exceptions (contractions without an apostrophe, units) are left out, as no verdict hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unicodedata2 import category

from oracle.corpus.tokens import MARK, WORD, Tokens
from oracle.corpus.words import Hashes, hash_words

LOWER, UPPER, DIGIT, OPENING, CLOSING, QUOTE, HYPHEN, ALWAYS, SYMBOL, STOP, OTHER, SUM, UNIT = (
    1 << bit for bit in range(13)
)
"""Properties of a character. OPENING and CLOSING marks come off the ends of a run; ALWAYS cuts inside one as well;
SYMBOL: counts as a symbol for Gopher; STOP: ends a sentence; OTHER: no punctuation to spaCy; SUM: cuts between digits;
UNIT: comes off behind a digit."""
_ALPHA = LOWER | UPPER

_BRACKETS = ",:;!?¿¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪…"
_QUOTES = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉"
_OPENING = _BRACKETS + _QUOTES + "§%=—–+$£€¥"
_CLOSING = _BRACKETS + _QUOTES + "—–.%$£€¥"
_STOPS = ".!?‼‽⁇⁈⁉。．！？｡﹒﹖﹗؟۔।॥։።፧"
_SYMBOLS = _STOPS + "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*（–：$～«〉,><》)）…@_\"}►»"
_ABBREVIATIONS = (
    "vs co adm bros corp dr gen gov inc jr ltd md messrs mo mont mr mrs ms prof rep rev sen st jan feb mar apr jun jul "
    "aug sep sept oct nov dec ala ariz ark calif colo conn del fla ga ill ind kan kans ky la mass mich minn miss neb "
    "nebr nev okla ore pa tenn va wash wis"
)
_SMALL = 2  # the first abbreviations are written small, too
_TABLE = 0x10000

Mask = NDArray[np.bool_]
Properties = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Words:
    """The w words of one text or several: ``first`` (w,) their first token, ``lengths`` (w,) in characters, ``hashes``.

    ``symbols`` (w,) consist of punctuation alone, ``alphabetic`` (w,) hold a letter, ``small`` (w,) begin with a small
    one, ``stops`` (w,) end a sentence, ``plain`` (w,) hold something that is no punctuation; ``underscores`` (w,) at
    their ends are words to spaCy.
    """

    first: NDArray[np.int64]
    lengths: NDArray[np.int64]
    hashes: Hashes
    symbols: Mask
    alphabetic: Mask
    small: Mask
    stops: Mask
    plain: Mask
    underscores: NDArray[np.int64]

    def part(self, begin: int, end: int) -> Words:
        """Words ``begin`` to ``end``."""
        return Words(*(getattr(self, field.name)[begin:end] for field in fields(self)))


def join(tokens: Tokens, hashes: Hashes) -> Words:
    """The words of texts, one line or more apart, from their ``tokens`` (at least one) and ``hashes`` (t,)."""
    head = _properties(tokens.points[tokens.starts])
    tail = _properties(tokens.points[tokens.ends - 1])
    spaced = np.concatenate(([True], tokens.starts[1:] > tokens.ends[:-1]))  # a run without space starts here
    ended = _next(spaced, True)
    lead, trail = _ends(tokens, hashes, head, tail, spaced, ended)
    first = np.flatnonzero(_cuts(tokens, hashes, head, tail, spaced, ended, lead, trail))
    last = np.concatenate((first[1:], [len(head)])) - 1
    sums = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(hashes, dtype=np.uint64)))
    long = (tokens.kinds == WORD) & (tokens.ends - tokens.starts > 1)
    underscores = _underscores(tokens.points, tokens.starts, long & (spaced | _previous(lead, True)), 1)
    underscores += _underscores(tokens.points, tokens.ends - 1, long & (ended | _next(trail, True)), -1)
    return Words(
        first=first,
        lengths=tokens.ends[last] - tokens.starts[first],
        hashes=sums[last + 1] - sums[first],
        symbols=~_any((head & SYMBOL == 0) | long, first),
        alphabetic=_any((head | tail) & _ALPHA != 0, first),
        small=head[first] & LOWER != 0,
        stops=(first == last) & (head[first] & STOP != 0),
        plain=_any(head & OTHER != 0, first),
        underscores=np.add.reduceat(_ruled(tokens, underscores), first),
    )


def _ends(
    tokens: Tokens, hashes: Hashes, head: Properties, tail: Properties, spaced: Mask, ended: Mask
) -> tuple[Mask, Mask]:
    """(t,) marks that come off the front of their run, and off its back."""
    count, index = len(head), np.arange(len(head))
    points, mark = tokens.points[tokens.starts], _marks(tokens)
    begin = np.maximum.accumulate(np.where(spaced, index, 0))
    finish = np.minimum.accumulate(np.where(ended, index, count)[::-1])[::-1]
    before, after = _previous(tail, 0), _next(head, 0)
    before[spaced], after[ended] = 0, 0
    dot = points == ord(".")
    dots = dot & ((_previous(points, 0) == points) & ~spaced | (_next(points, 0) == points) & ~ended)
    opening = mark & ((head & OPENING != 0) | dots) & ~((points == ord("+")) & (after & DIGIT != 0))
    closing = mark & (head & CLOSING != 0) & ((head & UNIT == 0) | (before & DIGIT != 0))
    stops = np.flatnonzero(dot & ~dots & ~spaced)
    closing[stops[_abbreviations(tokens, hashes, head, stops - 1)]] = False
    lead = np.maximum.accumulate(np.where(opening, -1, index)) < begin
    trail = np.minimum.accumulate(np.where(closing, count, index)[::-1])[::-1] > finish
    return lead, trail


def _cuts(
    tokens: Tokens,
    hashes: Hashes,
    head: Properties,
    tail: Properties,
    spaced: Mask,
    ended: Mask,
    lead: Mask,
    trail: Mask,
) -> Mask:
    """(t,) whether a token begins a word."""
    points, mark = tokens.points[tokens.starts], _marks(tokens)
    before, after = _previous(tail, 0), _next(head, 0)
    before[spaced], after[ended] = 0, 0
    twin = (_previous(points, 0) == points) & ~spaced & ((points == ord(".")) | (points == ord("-")))
    twins = twin | _next(twin, False)
    dots, dashes = twins & (points == ord(".")), twins & (points == ord("-"))
    left = np.where(twin & dashes, _previous(before, 0), before)  # "--" looks past its twin
    right = np.where(_next(twin, False) & dashes, _next(after, 0), after)
    at = np.minimum(points, _TABLE - 1)
    cuts = mark & (left & _tables()[1][at] != 0) & (right & _tables()[2][at] != 0)
    cuts |= (head & SUM != 0) & (before & DIGIT != 0) & (after & (DIGIT | HYPHEN) != 0)
    cuts |= dots | (head & ALWAYS != 0)
    cuts &= ~_addresses(points, spaced, lead)
    slash = np.flatnonzero(cuts[:-1] & (points[:-1] == ord("/")))
    cuts[slash[(hashes[slash - 1] == _and_or()[0]) & (hashes[slash + 1] == _and_or()[1])]] = False
    apart = cuts | lead | trail
    apart = (apart | _previous(apart, True) | spaced) & ~(twin & (dots | ~lead & ~trail))
    return _contracted(tokens, points, spaced, apart)


def _abbreviations(tokens: Tokens, hashes: Hashes, head: Properties, at: NDArray[np.int64]) -> Mask:
    """(a,) which of the tokens ``at`` own the full stop behind them: single letters, and abbreviations."""
    first, values = head[at], hashes[at]
    letter = (first & _ALPHA != 0) & ((tokens.ends - tokens.starts)[at] == 1)
    small, capitalised = _abbreviation_tables()
    found: Mask = letter | np.where(first & UPPER != 0, among(values, capitalised), among(values, small))
    return found


def _marks(tokens: Tokens) -> Mask:
    """(t,) marks, a lone underscore among them."""
    lone = (tokens.points[tokens.starts] == ord("_")) & (tokens.ends - tokens.starts == 1)
    found: Mask = (tokens.kinds == MARK) | lone
    return found


def _contracted(tokens: Tokens, points: NDArray[np.uint32], spaced: Mask, apart: Mask) -> Mask:
    """``apart`` with "'s", "'ll" and "'t" as words of their own."""
    quote = np.flatnonzero(((points == ord("'")) | (points == ord("’"))) & ~spaced)
    quote = quote[quote < len(points) - 1]
    short = ((tokens.ends - tokens.starts)[quote + 1] <= 2) & (tokens.kinds[quote + 1] == WORD) & ~spaced[quote + 1]
    quote = quote[short & (tokens.kinds[quote - 1] == WORD)]
    apart[quote] = True
    apart[quote + 1] = False
    return apart


def _addresses(points: NDArray[np.uint32], spaced: Mask, lead: Mask) -> Mask:
    """(t,) whether a token is in a run that begins with a scheme and "://": a web address is one word."""
    colon = np.flatnonzero((points[1:-2] == ord(":")) & (points[2:-1] == ord("/")) & (points[3:] == ord("/"))) + 1
    colon = colon[~spaced[colon] & ~spaced[colon + 1] & (spaced | _previous(lead, False))[colon - 1]]
    found = np.zeros(len(points), dtype=np.bool_)
    if len(colon):
        run = np.cumsum(spaced)
        found = among(run, run[colon])
    return found


def _underscores(points: NDArray[np.uint32], places: NDArray[np.int64], chosen: Mask, step: int) -> NDArray[np.int64]:
    """(t,) underscores at one end of the ``chosen`` tokens, which have two letters and more; two at most of each."""
    counts = np.zeros(len(places), dtype=np.int64)
    at = np.flatnonzero(chosen & (points[places] == ord("_")))
    counts[at] = 1 + (points[places[at] + step] == ord("_"))
    return counts


def _ruled(tokens: Tokens, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``counts`` of underscores, where words of nothing else ("____") are as many words as they are long."""
    for at in np.flatnonzero(counts > 2).tolist():
        begin, end = tokens.starts[at], tokens.ends[at]
        if (tokens.points[begin:end] == ord("_")).all():
            counts[at] = end - begin - 1
    return counts


def among(values: NDArray[Any], table: NDArray[Any]) -> Mask:
    """(n,) whether a value is in the sorted, non-empty ``table``."""
    found: Mask = table[np.minimum(np.searchsorted(table, values), len(table) - 1)] == values
    return found


def _any(mask: Mask, first: NDArray[np.int64]) -> Mask:
    found: Mask = np.logical_or.reduceat(mask, first)
    return found


def _previous(values: NDArray[Any], edge: int | bool) -> NDArray[Any]:
    moved = np.empty_like(values)
    moved[1:], moved[0] = values[:-1], edge
    return moved


def _next(values: NDArray[Any], edge: int | bool) -> NDArray[Any]:
    moved = np.empty_like(values)
    moved[:-1], moved[-1] = values[1:], edge
    return moved


def _properties(points: NDArray[np.uint32]) -> Properties:
    return _tables()[0][np.minimum(points, _TABLE - 1)]


@cache
def _and_or() -> Hashes:
    return hash_words(["and", "or"])  # "and/or" is one word


@cache
def _abbreviation_tables() -> tuple[Hashes, Hashes]:
    hashes = hash_words(_ABBREVIATIONS.split())
    return np.sort(hashes[:_SMALL]), np.sort(hashes)


@cache
def _tables() -> tuple[Properties, Properties, Properties]:
    """Properties of each character, and which a mark's left and right neighbours must have for it to cut."""
    kinds = [category(chr(point)) for point in range(_TABLE)]
    table = np.zeros(_TABLE, dtype=np.uint16)
    for point, kind in enumerate(kinds):
        if kind[0] == "L":
            table[point] = UPPER if kind in ("Lu", "Lt") else LOWER if kind == "Ll" else LOWER | UPPER
        elif kind == "Nd":
            table[point] = DIGIT
        elif kind == "So":
            table[point] = OPENING | CLOSING | ALWAYS
        if kind[0] != "P":
            table[point] |= OTHER
    for bit, characters in (
        (OPENING, _OPENING),
        (CLOSING, _CLOSING),
        (QUOTE, _QUOTES),
        (HYPHEN, "-"),
        (ALWAYS, "…"),
        (SYMBOL, _SYMBOLS),
        (STOP, _STOPS),
        (SUM, "+-*^"),
        (UNIT, "%$£€¥"),
    ):
        table[[ord(character) for character in characters]] |= bit
    left, right = np.zeros_like(table), np.zeros_like(table)
    for characters, before, after in (
        (".", LOWER | QUOTE, UPPER | QUOTE),
        (",", _ALPHA, _ALPHA),
        ("-–—~:<>=/", _ALPHA | DIGIT, _ALPHA),
    ):
        points = [ord(character) for character in characters]
        left[points], right[points] = before, after
    return table, left, right
