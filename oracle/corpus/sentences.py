"""Sentence splitting by rule: deterministic, language-blind, good enough to sample and to cut copied passages.

Blank lines, list items and short lines end a sentence; a line that was merely wrapped does not. Within a paragraph a
sentence ends at ``.``, ``!`` or ``?`` before a capital, digit or quote - except after an abbreviation or initial - and
at the full stops of scripts that write no space.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from unicodedata2 import normalize

from oracle.corpus import letters
from oracle.corpus.letters import is_letter

_WRAPPED = 45  # a line shorter than this was ended by its author, not by a margin

_LINE = re.compile(r"\n")
_STOP = re.compile(  # a run of stops is looked at from its first: from each of them, a million would take a day
    r"""(?<![.!?])[.!?]++["'”’»)\]]*+\s+(?=["'“‘«(\[]*[A-ZÀ-ÞА-ЯΑ-Ω0-9])|[。！？]["」』”]*|[।؟]\s+"""
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of every sentence, in order, stripped of surrounding space; empty ones are left out."""
    spans: list[tuple[int, int]] = []
    text = _with_plain_letters(text)
    for start, end in _paragraphs(text):
        begin = start
        for match in _STOP.finditer(text, start, end):
            if text[match.start()] == "." and _abbreviation().search(
                text, max(start, match.start() - 12), match.start()
            ):
                continue
            spans.append((begin, match.end()))
            begin = match.end()
        spans.append((begin, end))
    return [trimmed for span in spans if (trimmed := _trim(text, *span))]


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, wrapped lines joined by single spaces."""
    return [" ".join(text[start:end].split()) for start, end in sentence_spans(text)]


@cache
def _break() -> re.Pattern[str]:
    digit = f"[{letters.of('Nd')}]"
    return re.compile(rf"\n[^\S\n]*\n\s*|\n(?=[^\S\n]*(?:[-*•·#>|:]|{digit}+[.)]\s|[A-Z]+:\s))")


@cache
def _abbreviation() -> re.Pattern[str]:
    known = r"Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|cf|al|Fig|Figs|Eq|No|Nos|Vol|pp?|ed|Inc|Ltd|Co|approx"
    before = letters.of("L", "N")  # many ranges: asked last
    return re.compile(rf"(?<![A-Za-z0-9_])(?=(?:{known}|[A-Za-z])$)(?<![{before}])")


def _with_plain_letters(text: str) -> str:
    """``text`` with mathematical, full-width and enclosed letters as plain ones, where that is one for one."""
    if text.isascii() or normalize("NFKC", text) == text:
        return text
    plain = {letter: normalize("NFKC", letter) for letter in set(text) if is_letter(letter)}
    return text.translate(
        {ord(letter): other for letter, other in plain.items() if len(other) == 1 and is_letter(other)}
    )


def _paragraphs(text: str) -> list[tuple[int, int]]:
    edges = [0]
    for match in _break().finditer(text):
        edges.append(match.end())
    edges.append(len(text))
    spans: list[tuple[int, int]] = []
    for start, end in pairwise(edges):
        begin = line = start
        for match in _LINE.finditer(text, start, end):
            if match.start() - line < _WRAPPED:
                spans.append((begin, match.end()))
                begin = match.end()
            line = match.end()
        spans.append((begin, end))
    return spans


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    right = len(piece.rstrip())
    return (start + left, start + right) if right > left else None
