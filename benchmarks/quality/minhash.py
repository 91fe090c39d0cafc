"""Near duplicates against datatrove's MinHash: same documents, same core, one run.

    .venv/bin/python -m benchmarks.quality.minhash [--documents N] [--peer PYTHON]

Ours is everything from text to matches: words, signatures, proposed pairs and their exact comparison. Theirs is the
four stages signature, buckets, cluster and filter by default settings (14 buckets of 8 hashes, 5-grams), one worker.
Both times are processor seconds without loading. A fifth of the documents are planted copies, with no or one in 50, 20,
10 or 5 words changed, and it is told how many of each are found. The two mean different things by near: ours asks for
.55 of word pairs, theirs proposes from about .72 of five-grams on. Exits with 1 when ours is not 10 times faster.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from itertools import islice
from pathlib import Path
from random import Random

from benchmarks.quality.synthetic import documents, edited
from oracle.corpus.dedup import NEAR
from oracle.corpus.near import NearDuplicates
from oracle.corpus.wordfile import WordFile

SPEED = 10.0
PEER = Path(".cache/peers/bin/python")
EDITS = (0, 50, 20, 10, 5)
"""One word in so many is changed; 0: none."""


def planted(count: int) -> tuple[list[str], dict[int, int]]:
    """Texts, four in five of their own, and how much each copy among them is edited, by its place."""
    rng = Random(2)
    texts = list(islice(documents(2, exact=0, near=0), count - count // 5))
    edits: dict[int, int] = {}
    for at in range(count // 5):
        edit = EDITS[at % len(EDITS)]
        edits[len(texts)] = edit
        original = texts[rng.randrange(count - count // 5)]
        texts.append(edited(rng, original, edit) if edit else original)
    return texts, edits


def ours(texts: list[str]) -> tuple[float, set[int]]:
    """Processor seconds, and the documents that repeat an earlier one."""
    _search(texts[:10])  # loads the tables of characters
    start = time.process_time()
    found = _search(texts)
    return time.process_time() - start, found


def _search(texts: list[str]) -> set[int]:
    words, near = WordFile(texts), NearDuplicates(NEAR)
    for number in range(len(words.edges) - 1):
        block = words.block(number)
        near.add(block.places, block.sizes, block.words)
    repeats, _ = near.matches(words.__getitem__)
    exact = {place for place, twin in enumerate(words.twins.tolist()) if twin != place}
    return exact | set(repeats.tolist())


def theirs(texts: list[str], peer: Path) -> tuple[dict[str, float], set[int], str]:
    """Processor seconds of datatrove's stages, the documents that it removes, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "documents.jsonl", Path(folder) / "result.json"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
        script = Path(__file__).with_name("minhash_peer.py")
        subprocess.run([peer, script, source, result], check=True, stderr=subprocess.DEVNULL)
        found = json.loads(result.read_text())
    return found["seconds"], set(found["removed"]), found["datatrove"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=3000)
    parser.add_argument("--peer", type=Path, default=PEER)
    options = parser.parse_args()
    if not options.peer.exists():
        print(f"{options.peer} is missing: run `.venv/bin/python scripts/peers.py`, or name another with --peer")
        return 3
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    texts, edits = planted(options.documents)
    seconds, found = ours(texts)
    stages, removed, version = theirs(texts, options.peer)
    total = sum(stages.values())
    print(f"{len(texts)} documents, {sum(map(len, texts)) / 1e6:.1f} million characters, {len(edits)} planted copies")
    print(f"ours {seconds:.2f} s, datatrove {version} {total:.2f} s: {total / seconds:.1f} times faster")
    print("  datatrove by stage: " + ", ".join(f"{stage} {value:.2f} s" for stage, value in stages.items()))
    for edit in EDITS:
        places = {place for place, planted_edit in edits.items() if planted_edit == edit}
        name = f"one word in {edit} changed" if edit else "exact copies"
        print(f"  {name}: {len(places)}, found by us {len(places & found)}, by datatrove {len(places & removed)}")
    others = set(range(len(texts))) - set(edits)
    print(f"  removed beside them: {len(others & found)} by us, {len(others & removed)} by datatrove")
    return int(total < SPEED * seconds)


if __name__ == "__main__":
    raise SystemExit(main())
