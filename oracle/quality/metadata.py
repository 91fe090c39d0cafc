"""Metadata: which documents say where they come from, when, in which language and under which licence.

All of it is what the provider declares. What can be checked is: a date must be one (ISO 8601, from the year 1000 on),
the declared language must be the one found, ids must not repeat. Source and licence are believed.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Sequence

from oracle.corpus.document import Document
from oracle.quality.axis import Axis, quanta

FIELDS = ("id", "source", "date", "lang", "licence")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?")


def metadata(documents: Sequence[Document], languages: Sequence[str]) -> Axis:
    """Share of the five fields that are given and not disproved, over all documents."""
    if not documents:
        return Axis(None, "abstains: no document is left")
    ids = Counter(document.id for document in documents)
    good = Counter(dict.fromkeys(FIELDS, 0))
    for document, language in zip(documents, languages, strict=True):
        good["id"] += ids[document.id] == 1
        good["source"] += bool(document.source and document.source.strip())
        good["licence"] += bool(document.licence and document.licence.strip())
        good["date"] += bool(document.date and _is_date(document.date))
        good["lang"] += (document.lang or "").lower().partition("-")[0] == language
    total = len(documents)
    lacking = [f"{field} ({total - good[field]} of {total})" for field in FIELDS if good[field] < total]
    text = f"missing or disproved: {', '.join(lacking)}" if lacking else "every document has all five fields"
    evidence = {"documents": total} | {field: good[field] for field in FIELDS}
    return Axis(
        quanta(sum(good.values()) / (len(FIELDS) * total)), text + "; source and licence are believed", evidence
    )


def _is_date(value: str) -> bool:
    match = _DATE.fullmatch(value.strip())
    if not match or int(match[1]) < 1000:
        return False
    try:
        datetime.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return False
    return True
