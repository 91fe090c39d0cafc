"""Filters and counts against datatrove's four filters: same documents, same core, one run.

    .venv/bin/python -m benchmarks.quality.filters [PATH...] [--limit N] [--peer PYTHON]

Ours is `survey`, languages, fluency, damage and the filters in one pass; theirs is the four filters alone. Both times
are processor seconds without loading. Documents are the English ones under the paths, evenly picked up to the limit;
without a path each is the documentation of one module of an installed package. `scripts/peers.py` makes the peer.
Exits with 1 when ours is not 20 times faster or the verdicts (pass or drop) of a filter differ on more than 1 % of the
documents. Ours costs an overhead per document: the ratio grows with their length.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import fields
from pathlib import Path

from oracle.corpus.document import Document
from oracle.corpus.readers import read_documents
from oracle.lab.package_docs import build_market
from oracle.quality.filters import Screening, Tally, screen_all
from oracle.quality.languages import identify
from oracle.quality.reading import read_batch
from oracle.quality.survey import survey

TOGETHER = 1 << 17  # characters read at a time
SPEED, EQUAL = 20.0, 0.99
PEER = Path(".cache/peers/bin/python")
SENTENCE = "We saw that the reports of the year had been read by all of them. " * 9
FOREIGN = "Der Vertrag wird zwischen Verkäufer und Käufer geschlossen und gilt nur, wenn beide ihn haben."
NAMES = tuple(field.name for field in fields(Screening))


def gather(corpora: list[list[Document]], limit: int) -> list[Document]:
    """English documents, the same number from each corpus as far as it goes."""
    picked: list[Document] = []
    for place, corpus in enumerate(corpora):
        english = [document for document in corpus if identify(document.text) == "en"]
        share = (limit - len(picked)) // (len(corpora) - place)
        step = max(1, len(english) // max(1, share))
        picked += english[::step][:share]
    return picked


def modules() -> list[list[Document]]:
    """The default market's corpora, the texts of each module joined."""
    with tempfile.TemporaryDirectory() as folder:
        build_market(Path(folder) / "market")
        corpora = [list(read_documents(file)) for file in sorted((Path(folder) / "market" / "providers").iterdir())]
    joined = []
    for corpus in corpora:
        texts: defaultdict[str, list[str]] = defaultdict(list)
        for document in corpus:
            texts[document.id.partition("#")[0]].append(document.text)
        joined.append([Document(name, "\n\n".join(parts)) for name, parts in texts.items()])
    return joined


def ours(documents: list[Document]) -> tuple[float, list[Screening]]:
    """Processor seconds of the survey, which has the filters in its one pass, and the verdicts one by one."""
    # loads tables, the language model and the index of slips
    survey(
        [Document("warm", FOREIGN), Document("warm", f"The commitlee and its gov3rnment: {SENTENCE}"), *documents[:2]]
    )
    start = time.process_time()
    found = survey(documents)
    seconds = time.process_time() - start
    verdicts = screened(documents)
    assert found.filters.counts() == Tally(verdicts).counts()
    return seconds, verdicts


def screened(documents: list[Document]) -> list[Screening]:
    """The verdicts, documents read together as `survey` reads them."""
    verdicts: list[Screening] = []
    texts: list[str] = []
    size = 0
    for document in documents:
        texts.append(document.text)
        size += len(document.text)
        if size >= TOGETHER or document is documents[-1]:
            batch = read_batch(texts)
            verdicts += screen_all(texts, batch.tokens, batch.hashes, batch.bounds)
            texts, size = [], 0
    return verdicts


def theirs(documents: list[Document], peer: Path) -> tuple[float, list[Screening], str]:
    """Processor seconds of datatrove's filters, their verdicts, and its version."""
    script = Path(__file__).with_name("filters_peer.py")
    with tempfile.TemporaryDirectory() as folder:
        texts, found = Path(folder) / "texts.jsonl", Path(folder) / "verdicts.json"
        lines = (json.dumps({"text": document.text}) + "\n" for document in documents)
        texts.write_text("".join(lines), encoding="utf-8")
        subprocess.run([peer, script, texts, found], check=True)
        result = json.loads(found.read_text(encoding="utf-8"))
    return result["seconds"], [Screening(*verdict) for verdict in result["verdicts"]], result["datatrove"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--limit", type=int, default=800, help="documents at most")
    parser.add_argument("--peer", type=Path, default=PEER, help="an interpreter that has datatrove")
    options = parser.parse_args()
    if not options.peer.exists():
        parser.error(f"no peer at {options.peer}: make it with `python scripts/peers.py`, or name one with --peer")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    corpora = [list(read_documents(path)) for path in options.paths] or modules()
    documents = gather(corpora, options.limit)
    if not documents:
        parser.error("no English document to filter")
    return report(documents, ours(documents), theirs(documents, options.peer))


def report(
    documents: list[Document], own: tuple[float, list[Screening]], peer: tuple[float, list[Screening], str]
) -> int:
    """Print the comparison; 1 when a goal is missed."""
    seconds, verdicts = own
    peer_seconds, peer_verdicts, peer_version = peer
    characters = sum(len(document.text) for document in documents)
    ratio = peer_seconds / seconds
    print(f"{len(documents)} documents, {characters} characters; {Tally(verdicts).sentence()}")
    print(f"ours {seconds:.2f} s, datatrove {peer_version} {peer_seconds:.2f} s: {ratio:.1f}x (goal {SPEED:.0f}x)")
    missed = ratio < SPEED
    for name in NAMES:
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(peer_verdicts, verdicts, strict=True)]
        equal = sum(bool(a) == bool(b) for a, b in pairs) / len(pairs)
        same = sum(a == b for a, b in pairs) / len(pairs)
        missed |= equal < EQUAL
        print(f"{name}: equal verdicts {equal:.2%}, equal reasons {same:.2%} (goal {EQUAL:.0%})")
        for (a, b), count in Counter(pair for pair in pairs if pair[0] != pair[1]).most_common():
            example = documents[pairs.index((a, b))].id
            print(f"  {count} x datatrove {a or 'passes'}, ours {b or 'passes'}: {example}")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
