"""Datatrove's MinHash deduplication over JSON lines of {"text"}; run by the interpreter that has datatrove.

    PEER benchmarks/quality/minhash_peer.py DOCUMENTS RESULT

All four stages with the default configuration (14 buckets of 8 hashes, 5-grams), one worker. Writes one JSON document:
processor seconds by stage, datatrove's version, and the numbers of the documents that it removes. Loading is not timed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig

WARM = "A first sentence loads the word tokenizer. A second one shows that it splits. " * 9


def main(source: Path, result: Path) -> None:
    with source.open(encoding="utf-8") as lines:
        documents = [Document(text=json.loads(line)["text"], id=str(at)) for at, line in enumerate(lines)]
    config = MinhashConfig()
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        signatures, pairs, removed = (str(Path(place) / name) for name in ("signatures", "pairs", "removed"))
        first = MinhashDedupSignature(signatures, config)
        first.get_shingles(WARM)
        at = time.process_time()
        first.run(iter(documents), 0, 1)
        at = _lap(seconds, "signatures", at)
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(signatures, pairs, config=config).run(None, bucket, config.num_buckets)
        at = _lap(seconds, "buckets", at)
        MinhashDedupCluster(pairs, removed, config).run(None, 0, 1)
        at = _lap(seconds, "cluster", at)
        kept = {int(document.id) for document in MinhashDedupFilter(removed).run(iter(documents), 0, 1)}
        _lap(seconds, "filter", at)
    found = sorted(set(range(len(documents))) - kept)
    result.write_text(json.dumps({"seconds": seconds, "datatrove": version("datatrove"), "removed": found}))


def _lap(seconds: dict[str, float], stage: str, since: float) -> float:
    now = time.process_time()
    seconds[stage] = now - since
    return now


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
