"""A Hugging Face data set card: with it beside ``data/``, ``datasets.load_dataset(folder)`` needs no network."""

from __future__ import annotations

import json
from collections.abc import Mapping

from oracle.corpus.exports.format import Bought

FILE = "README.md"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGE = "n>1M"


def describe(bought: Bought) -> Mapping[str, bytes]:
    """``README.md``: YAML that the library reads, then a table of where the rows come from."""
    size = next((name for bound, name in _SIZES if bought.rows < bound), _LARGE)
    lines = [
        "---",
        f"pretty_name: {json.dumps(bought.title)}",
        "license: other",
        "license_name: see-the-licence-column",
        "task_categories:",
        "- text-generation",
        "size_categories:",
        f"- {size}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/*.parquet",
        "---",
        "",
        f"# {bought.title}",
        "",
        "Text bought in a Mixed-MIA market. `meta` is a JSON object of what the provider states of a document (source,",
        "date, lang, licence); `licence` is the SHA-256 of the text that the data set was licensed under.",
        "",
        "| provider | data set root | licence | round | documents |",
        "|---|---|---|---:|---:|",
        *(
            f"| {sold.provider} | 0x{sold.dataset_root.hex()} | 0x{sold.licence.hex()} | {sold.round} | {rows} |"
            for sold, rows in bought.origins
        ),
        "",
    ]
    return {FILE: "\n".join(lines).encode()}
