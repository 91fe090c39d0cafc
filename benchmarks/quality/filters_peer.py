"""Datatrove's four filters over JSON lines of {"text"}; run by the interpreter that has datatrove, never imported.

    PEER benchmarks/quality/filters_peer.py DOCUMENTS VERDICTS

Writes one JSON document: processor seconds, datatrove's version, and per document the first reason of each filter
("" where it passes). Loading is not timed: one document is filtered before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

WARM = "A first sentence loads the word tokenizer. A second one shows that it splits. " * 9


def main(documents: Path, verdicts: Path) -> None:
    with documents.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    filters = (GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter())

    def judge(text: str) -> list[str]:
        reasons = []
        for each in filters:
            found = each.filter(Document(text=text, id=""))  # a fresh one: C4 edits its text
            reasons.append(found[1] if isinstance(found, tuple) else "" if found else "dropped")
        return reasons

    judge(WARM)
    start = time.process_time()
    found = [judge(text) for text in texts]
    seconds = time.process_time() - start
    result = {"seconds": seconds, "datatrove": version("datatrove"), "verdicts": found}
    verdicts.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
