"""The formats by name."""

from __future__ import annotations

from collections.abc import Sequence

from oracle.corpus.exports import card, croissant
from oracle.corpus.exports.format import Format
from oracle.corpus.exports.jsonl import CompressedJsonLines, JsonLines, read_compressed, read_lines
from oracle.corpus.exports.parquet import Parquet, read_parquet
from oracle.corpus.exports.table import Csv, read_csv
from oracle.corpus.exports.tfrecord import TFRecord, read_tfrecord
from oracle.corpus.exports.webdataset import WebDataset, read_webdataset
from oracle.errors import BadInput

FORMATS = {
    format.name: format
    for format in (
        Format("parquet", ".parquet", Parquet, read_parquet),
        Format("jsonl", ".jsonl", JsonLines, read_lines),
        Format("jsonl.zst", ".jsonl.zst", CompressedJsonLines, read_compressed),
        Format("csv", ".csv", Csv, read_csv),
        Format("tfrecord", ".tfrecord", TFRecord, read_tfrecord),
        Format("webdataset", ".tar", WebDataset, read_webdataset),
        Format("huggingface", ".parquet", Parquet, read_parquet, "data", card.describe),
        Format("croissant", ".parquet", Parquet, read_parquet, "data", croissant.describe),
    )
}
ALL = "all"


def chosen(names: Sequence[str]) -> list[Format]:
    """The formats of these names, each once; ``all`` means every one.

    Raises:
        BadInput: a name that is none, or no name.
    """
    wanted = dict.fromkeys(FORMATS if ALL in names else names)
    for name in wanted:
        if name not in FORMATS:
            known = ", ".join((*FORMATS, ALL))
            raise BadInput(f"there is no format {name!r}", input=name, hint=f"formats are {known}")
    if not wanted:
        raise BadInput("no format to write", input="format", hint=f"formats are {', '.join((*FORMATS, ALL))}")
    return [FORMATS[name] for name in wanted]
