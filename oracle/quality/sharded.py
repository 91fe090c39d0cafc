"""The survey of a large corpus by several processes: its canonical shards, looked at anywhere, joined in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from oracle.corpus import shards
from oracle.corpus.canonical import parse_line
from oracle.corpus.document import Document
from oracle.corpus.spool import Spool
from oracle.quality.survey import Survey, join, survey


def survey_corpus(corpus: Sequence[Document], *, workers: int = 1) -> Survey:
    """The same as :func:`survey`, whatever the number of processes; a corpus in memory is surveyed here."""
    if workers == 1 or not isinstance(corpus, Spool):
        return survey(corpus)
    cut = shards.cut(corpus)
    with ProcessPoolExecutor(min(workers, len(cut) or 1), mp_context=get_context("forkserver")) as pool:
        return join(list(_in_order(pool, corpus, cut, 2 * workers)))


def _in_order(pool: ProcessPoolExecutor, corpus: Spool, cut: Sequence[range], waiting: int) -> Iterator[Survey]:
    """Surveys of the shards, of which no more than ``waiting`` are read ahead."""
    running: deque[Future[Survey]] = deque()
    for shard in cut:
        running.append(pool.submit(_survey_lines, corpus.lines(shard)))
        if len(running) == waiting:
            yield running.popleft().result()
    for future in running:
        yield future.result()


def _survey_lines(lines: bytes) -> Survey:
    return survey(parse_line(line) for line in lines.splitlines())
