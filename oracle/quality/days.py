"""Dates as people write them in metadata: ISO 8601, to the year, month or day."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?", re.ASCII)
_LONGEST = 100  # characters that are looked at, and remembered


def days(value: str) -> tuple[int, int] | None:
    """First and last day (proleptic ordinals) that ``value`` may mean; None when it is no date from the year 1000 on.

    "1771" is that whole year, "2015-03" that month; a time of day is passed over.
    """
    return _days(value.strip()[:_LONGEST])


@lru_cache(maxsize=4096)
def _days(value: str) -> tuple[int, int] | None:
    match = _DATE.fullmatch(value)
    if not match or int(match[1]) < 1000:
        return None
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    try:
        first = datetime.date(year, month, day)
    except ValueError:
        return None
    if match[3]:
        last = first.toordinal()
    elif match[2]:
        last = (
            (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1).toordinal() - 1
            if (year, month) != (9999, 12)
            else datetime.date.max.toordinal()
        )
    else:
        last = datetime.date(year, 12, 31).toordinal()
    return first.toordinal(), last


def interval(value: str) -> tuple[int, int] | None:
    """First and last day of "first/last" ("2010/2015-06", ".." for an open end) or of a single date."""
    first, slash, last = value.partition("/")
    if not slash:
        return days(value)
    begin = (datetime.date.min.toordinal(),) * 2 if first.strip() in ("", "..") else days(first)
    end = (datetime.date.max.toordinal(),) * 2 if last.strip() in ("", "..") else days(last)
    return (begin[0], end[1]) if begin and end and begin[0] <= end[1] else None
