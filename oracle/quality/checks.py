"""A statement about a corpus held against what was found in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from oracle.quality.axis import percent
from oracle.quality.days import days, interval
from oracle.quality.language_model import codes
from oracle.quality.licences import SILENT, agree, is_name, named, spelled
from oracle.quality.statement import Checked, Statement, Verdict
from oracle.quality.tags import one_code

TOLERANCE = 0.01
"""Share of documents that may contradict a claim: a few strays do not make it false."""
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B")
_NAMES = {"language": "lang", "license": "licence", "published": "date", "url": "source"}
_READ = ("id", "text", "source", "date", "lang", "licence")


@dataclass(frozen=True, slots=True)
class Findings:
    """Counts of documents: ``offered`` all, ``documents`` kept; by language, licence, date and filled field.

    Dates are first and last possible day, ``as_of`` is a day (proleptic ordinals).
    """

    documents: int
    offered: int
    as_of: int
    languages: dict[str, int]
    licences: dict[str, int]
    unlicensed: int
    dates: dict[tuple[int, int], int]
    filled: dict[str, int]


def check(statement: Statement, found: Findings) -> list[Checked]:
    """A verdict on every field that the statement claims."""
    return [
        *statement.checked,
        *_records(statement, found),
        *_languages(statement, found),
        *_licence(statement, found),
        *_dates(statement, found),
        *_columns(statement, found),
    ]


def _records(statement: Statement, found: Findings) -> Iterator[Checked]:
    if statement.records is not None:
        close = abs(statement.records - found.offered) <= TOLERANCE * found.offered
        yield _judged("records", close, f"claims {statement.records} records, {found.offered} found")
    if statement.sizes:
        known = [SIZES.index(size) for size in statement.sizes if size in SIZES]
        claim = f"claims the size {' or '.join(statement.sizes)}"
        if not known:
            yield Checked("size", Verdict.DISPROVED, f"{claim}, which is no size category")
        else:
            fits = any((0 if at == 0 else 10 ** (at + 2)) <= found.offered < 10 ** (at + 3) for at in known)
            yield _judged("size", fits, f"{claim}, {found.offered} records found")


def _languages(statement: Statement, found: Findings) -> Iterator[Checked]:
    if not statement.languages:
        return
    claimed = {one_code(language) for language in statement.languages}
    coded = claimed & set(map(one_code, codes()))
    if not coded:
        listed = ", ".join(sorted(statement.languages)[:5])
        yield Checked("languages", Verdict.UNCHECKED, f"languages that cannot be found ({listed}) are believed")
        return
    absent = sorted(coded - set(map(one_code, found.languages)))
    strays = {language: n for language, n in found.languages.items() if one_code(language) not in coded}
    if len(claimed) > len(coded):  # languages that have no name here are found as something else
        strays = {}
    text = f"claims {len(coded)} languages, {len(coded) - len(absent)} found"
    if absent:
        text += f" (not {', '.join(absent[:5])})"
    if sum(strays.values()) > TOLERANCE * found.documents:
        listed = ", ".join(sorted(strays)[:5])
        yield Checked("languages", Verdict.DISPROVED, f"{text}; {sum(strays.values())} documents in others ({listed})")
    else:
        yield _judged("languages", not absent, text)


def _licence(statement: Statement, found: Findings) -> Iterator[Checked]:
    """Disproved is a claim only where both sides name licences that are known, and these differ."""
    if not statement.licences:
        return
    claimed = [licence for licence in statement.licences if spelled(licence) not in SILENT]
    listed = ", ".join(statement.licences)
    if not all(map(is_name, claimed)):
        yield Checked("licence", Verdict.DISPROVED, f"the licence {listed!r} is no SPDX id, no address and no name")
        return
    known = frozenset[str]().union(*map(named, claimed))
    same = {licence: n for licence, n in found.licences.items() if _agrees(licence, claimed, known)}
    told = {licence: n for licence, n in found.licences.items() if named(licence) and licence not in same}
    missing = f"; licence missing for {found.unlicensed} documents" if found.unlicensed else ""
    if claimed and all(map(named, claimed)) and sum(told.values()) > TOLERANCE * found.documents:
        example = max(told, key=lambda name: (told[name], name))
        text = f"claims the licence {listed}, {sum(told.values())} documents say otherwise (such as {example[:60]})"
        yield Checked("licence", Verdict.DISPROVED, text + missing)
    elif same and sum(found.licences.values()) - sum(same.values()) <= TOLERANCE * found.documents:
        yield Checked("licence", Verdict.CONFIRMED, f"the documents say {listed} as the card does{missing}")
    else:
        yield Checked("licence", Verdict.UNCHECKED, f"the licence {listed} is believed{missing}")


def _agrees(licence: str, claimed: list[str], known: frozenset[str]) -> bool:
    """Whether a document's licence is among those claimed, or a sentence that names one."""
    if spelled(licence) in map(spelled, claimed) or agree(named(licence), known):
        return True
    words = re.split(r"[^\w.+-]+|[.]\s", f"{licence.lower()} ")
    return not named(licence) and not known.isdisjoint(words)


def _dates(statement: Statement, found: Findings) -> Iterator[Checked]:
    dated = sum(found.dates.values())
    for field, value in statement.dates:
        span = days(value)
        if span is None:
            yield Checked(field, Verdict.DISPROVED, f"{field} {value[:40]!r} is no date")
        elif span[0] > found.as_of:
            yield Checked(field, Verdict.DISPROVED, f"{field} {value[:40]} lies in the future")
    known = [span for _, value in statement.dates if (span := days(value)) and span[0] <= found.as_of]
    if known and dated:
        last = max(end for _, end in known)
        late = sum(n for (first, _), n in found.dates.items() if first > last)
        text = f"{late} of {dated} dated documents are younger than the corpus says it is"
        yield _judged("dates", late <= TOLERANCE * dated, text)
    elif known:
        yield Checked("dates", Verdict.UNCHECKED, "its dates are believed: no document is dated")
    if statement.coverage is not None:
        yield _coverage(statement.coverage, found, dated)


def _coverage(value: str, found: Findings, dated: int) -> Checked:
    span = interval(value)
    if span is None:
        return Checked("coverage", Verdict.DISPROVED, f"temporalCoverage {value[:40]!r} is no interval of dates")
    if not dated:
        return Checked("coverage", Verdict.UNCHECKED, f"temporalCoverage {value} is believed: no document is dated")
    outside = sum(n for (first, last), n in found.dates.items() if last < span[0] or first > span[1])
    text = f"claims to cover {value}, {percent(outside, dated)} of the dated documents lie outside"
    return _judged("coverage", outside <= TOLERANCE * dated, text)


def _columns(statement: Statement, found: Findings) -> Iterator[Checked]:
    """Only the fields that a document has can be looked up; near absent is as good as absent."""
    names = {column: _NAMES.get(column, column) for column in statement.columns}
    read = [column for column, name in names.items() if name in _READ]
    empty = [name for name in read if found.filled.get(names[name], 0) <= TOLERANCE * found.documents]
    if read:
        text = f"claims the fields {', '.join(read)}" + (
            f", but {', '.join(empty)} are empty" if empty else ", all filled"
        )
        yield _judged("fields", not empty, text)


def _judged(field: str, holds: bool, sentence: str) -> Checked:
    return Checked(field, Verdict.CONFIRMED if holds else Verdict.DISPROVED, sentence)
