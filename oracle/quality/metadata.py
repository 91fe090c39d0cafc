"""Metadata: what is said of the documents - by themselves, and by a card or Croissant file - and how new they are.

Document by document five fields are looked for: id, source, date, language and licence. What can be checked is: a date
must be one (ISO 8601, from the year 1000 on, not after ``as_of``), the declared language must be the one found, ids
must not repeat. Source and licence are believed. Claims about the whole are checked against the documents and the files
(``checks``); each one that could be checked then counts like one more field that every document has or lacks, except
that a file which is merely well-formed earns nothing. A corpus without claims is judged by its documents alone.

Recency is the mean over the dated documents of 2^(-age / half-life). One pass over the documents; what is kept of each
is the hash of its id.
"""

from __future__ import annotations

import datetime
import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.corpus.document import Document
from oracle.quality.axis import Axis, percent, quanta, shorten
from oracle.quality.checks import Findings, check
from oracle.quality.claims import Claims
from oracle.quality.days import days
from oracle.quality.statement import FORMAT, Checked, Verdict
from oracle.quality.tags import one_code

FIELDS = ("id", "source", "date", "lang", "licence")
AS_OF = datetime.date(2026, 1, 1)
"""The day from which ages are counted, and after which no document can be dated."""
HALF_LIFE = 10
"""Years in which a text loses half of its recency."""
_YEAR = 365.2425
_LICENCES = 1000  # different ones that are told apart
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Description:
    """The metadata axis, and recency as an axis of its own: quanta, or None where no document has a date."""

    metadata: Axis
    recency: Axis


def describe(
    documents: Iterable[Document],
    languages: Iterable[str],
    claims: Claims | None = None,
    *,
    as_of: datetime.date = AS_OF,
    half_life: int = HALF_LIFE,
    offered: int | None = None,
) -> Description:
    """Look at every document once.

    Args:
        documents: a corpus, duplicates removed.
        languages: the language found for each, ISO 639-1, in the same order.
        claims: what a card or Croissant file says of the corpus.
        as_of: the day that ages are counted from.
        half_life: years, at least 1.
        offered: documents before duplicates were removed, which a claimed number of records is compared with.
    """
    account = _Account(as_of)
    for document, language in zip(documents, languages, strict=True):
        account.add(document, language)
    return Description(account.metadata(claims, offered), account.recency(half_life))


class _Account:
    """Integer counts over documents."""

    def __init__(self, as_of: datetime.date) -> None:
        self.as_of = as_of
        self.documents = self.future = 0
        self.good: Counter[str] = Counter(dict.fromkeys(FIELDS, 0))
        self.filled: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.licences: Counter[str] = Counter()
        self.dates: Counter[tuple[int, int]] = Counter()
        self._ids = array("Q")

    def add(self, document: Document, language: str) -> None:
        """Count one document."""
        self.documents += 1
        self.languages[language] += 1
        self._ids.append(
            int.from_bytes(hashlib.blake2b(document.id.encode("utf-8", "replace"), digest_size=8).digest())
        )
        source, licence = (document.source or "").strip(), (document.licence or "").strip()[:200]
        for field, value in (
            ("source", source),
            ("licence", licence),
            ("date", document.date),
            ("lang", document.lang),
        ):
            self.filled[field] += bool(value)
        self.good["source"] += bool(source)
        self.good["licence"] += bool(licence)
        self.good["lang"] += one_code(document.lang or "") == one_code(language)
        if licence and (licence in self.licences or len(self.licences) < _LICENCES):
            self.licences[licence] += 1
        if span := days(document.date or ""):
            if span[0] > self.as_of.toordinal():
                self.future += 1
            else:
                self.good["date"] += 1
                self.dates[span] += 1

    def metadata(self, claims: Claims | None, offered: int | None) -> Axis:
        """Share of fields given and not disproved, checked claims among them."""
        total = self.documents
        if not total:
            return Axis(None, "abstains: no document is left")
        _, counts = np.unique(np.frombuffer(self._ids, dtype=np.uint64), return_counts=True)
        self.good["id"] = int(np.count_nonzero(counts == 1))
        findings = self._findings(offered)
        checked = [entry for statement in claims.statements for entry in check(statement, findings)] if claims else []
        confirmed = sum(entry.verdict is Verdict.CONFIRMED and entry.field != FORMAT for entry in checked)
        disproved = sum(entry.verdict is Verdict.DISPROVED for entry in checked)
        given = self.good.total() + total * confirmed
        evidence: dict[str, Any] = {"documents": total, "future_dates": self.future}
        evidence |= {field: self.good[field] for field in FIELDS}
        if claims:
            evidence["claims"] = [[entry.field, str(entry.verdict), entry.sentence] for entry in checked]
        return Axis(
            quanta(given / (total * (len(FIELDS) + confirmed + disproved))),
            "; ".join([self._sentence(), *_claim_sentences(claims, checked)]),
            evidence,
        )

    def recency(self, half_life: int) -> Axis:
        """Mean of 2^(-age / half-life) over the dated documents, in the order of their dates."""
        dated = self.dates.total()
        evidence = {
            "dated": dated,
            "documents": self.documents,
            "as_of": self.as_of.isoformat(),
            "half_life": half_life,
        }
        if not dated:
            return Axis(None, "recency abstains: no document has a date", evidence)
        today = self.as_of.toordinal()
        ages = [(max(0, today - (first + last) // 2), count) for (first, last), count in sorted(self.dates.items())]
        share = sum(count * 2.0 ** (-age / (_YEAR * half_life)) for age, count in ages) / dated
        oldest, newest = min(self.dates)[0], max(last for _, last in self.dates)
        years = f"{datetime.date.fromordinal(oldest).year} to {datetime.date.fromordinal(newest).year}"
        text = f"{dated} of {self.documents} documents are dated, {years}: recency {share:.2f}"
        return Axis(quanta(share), f"{text}, which halves every {half_life} years", evidence)

    def _findings(self, offered: int | None) -> Findings:
        return Findings(
            documents=self.documents,
            offered=self.documents if offered is None else offered,
            as_of=self.as_of.toordinal(),
            languages=dict(self.languages),
            licences=dict(self.licences),
            unlicensed=self.documents - self.good["licence"],
            dates=dict(self.dates),
            filled=dict(self.filled) | {"id": self.documents, "text": self.documents},
        )

    def _sentence(self) -> str:
        total = self.documents
        lacking = [f"{field} ({total - self.good[field]} of {total})" for field in FIELDS if self.good[field] < total]
        text = f"missing or disproved: {', '.join(lacking)}" if lacking else "every document has all five fields"
        if self.future:
            text += f"; {percent(self.future, total)} are dated after {self.as_of.isoformat()}"
        return text + "; source and licence are believed"


def _claim_sentences(claims: Claims | None, checked: list[Checked]) -> list[str]:
    """What a provider reads about its claims: the false ones first, then how many hold, then what is believed."""
    if claims is None:
        return ["there is no dataset card and no Croissant file, which is no fault"]
    told = [entry.sentence for entry in checked if entry.verdict is Verdict.DISPROVED]
    told += [entry.sentence for entry in checked if entry.verdict is not Verdict.DISPROVED]
    more = [f"{len(told) - _SHOWN} more claims"] if len(told) > _SHOWN else []
    believed = list(dict.fromkeys(name for statement in claims.statements for name in statement.believed))
    return [
        *(shorten(text, 240) for text in told[:_SHOWN]),
        *more,
        *([f"believed: {', '.join(believed)}"] if believed else []),
    ]
