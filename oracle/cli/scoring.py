"""What corpora are worth before anyone bids: ``mia score`` for a market of them, ``mia data scan`` for one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.corpora import passed_over, read_corpus
from oracle.cli.output import ProgressCallback, emit, progress
from oracle.cli.session import Json
from oracle.errors import BadInput

if TYPE_CHECKING:
    from oracle.corpus.folders import PassedOver
    from oracle.corpus.spool import Spool
    from oracle.quality import neighbours
    from oracle.quality.profile import QualityScore

AXES = ("cleanliness", "diversity", "novelty", "metadata")

Corpora = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...",
        help="Corpora: .jsonl, .parquet, .csv, .txt (.gz, .zst), folders; - is JSON lines from stdin.",
    ),
]
Reference = Annotated[Path | None, typer.Option(metavar="PATH", help="Texts that novelty is measured against.")]
IndexFolder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Compare with every sentence of the reference; its index is kept in this folder."),
]
Profile = Annotated[str, typer.Option(metavar="robust|paper", help="Which published profile of the formulas.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=N", help="A choice of the profile, such as w1=40 or novelty=nearest."),
]
Limit = Annotated[int | None, typer.Option("--sample", min=1, metavar="N", help="At most N documents of each path.")]
Workers = Annotated[int, typer.Option(min=1, metavar="N", help="Processes that count; the scores stay the same.")]
Beacon = Annotated[str, typer.Option("--seed", metavar="HEX", help="32 bytes that decide which sentences are sampled.")]


def score(
    paths: Corpora,
    reference: Reference = None,
    index: IndexFolder = None,
    profile: Profile = "robust",
    option: Options = None,
    sample: Limit = None,
    seed: Beacon = "00" * 32,
    workers: Workers = 1,
    explain: Annotated[bool, typer.Option("--explain", help="A sentence for every number.")] = False,
    json: Json = False,
) -> None:
    """Quality of corpora, with the very code that oracles run: earlier paths first, copies count for nothing.

    [dim]Example:[/] mia score mine.jsonl.gz theirs/ --reference reference.jsonl.gz --explain
    """
    document = _scored(paths, reference, index, profile, option or [], sample, seed, workers)

    def view(console: Console) -> None:
        console.print(_table(document["results"]))
        for result in document["results"] if explain else ():
            console.print()
            console.print(result["path"], style="bold")
            console.print(_sentences(result))

    emit(document, view, as_json=json)


def scan(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A corpus: a file or a folder.")],
    reference: Reference = None,
    index: IndexFolder = None,
    profile: Profile = "robust",
    option: Options = None,
    sample: Limit = None,
    seed: Beacon = "00" * 32,
    workers: Workers = 1,
    json: Json = False,
) -> None:
    """What oracles will see in a data set: the numbers of `mia score`, and why they are what they are.

    [dim]Example:[/] mia data scan archive/ --reference reference.jsonl.gz
    """
    document = _scored([path], reference, index, profile, option or [], sample, seed, workers)

    def view(console: Console) -> None:
        console.print(_table(document["results"]))
        console.print()
        console.print(_sentences(document["results"][0]))

    emit(document, view, as_json=json)


def decimals(quanta: int | None) -> float | None:
    """A score in quanta of 1e-4 as the number it stands for."""
    return None if quanta is None else quanta / 10_000


def _scored(
    paths: Sequence[Path],
    reference: Path | None,
    index: Path | None,
    profile: str,
    options: Sequence[str],
    limit: int | None,
    seed: str,
    workers: int,
) -> dict[str, Any]:
    """The document of both commands; results in the order of the paths."""
    from oracle.corpus.readers import STDIN
    from oracle.evidence import canonical
    from oracle.quality.claims import claims_of
    from oracle.quality.profile import score_market
    from oracle.quality.spec import with_options

    spec = with_options(profile, options)
    beacon = _beacon(seed)
    passed: list[PassedOver] = []
    with progress() as tell:
        corpora = [read_corpus(path, limit, tell, passed) for path in paths]
        known = read_corpus(reference, None, tell, passed) if reference else None
        asked = _index(known, index, tell)
        if asked is not None:
            spec = replace(spec, reference_index=asked.address)
        market = score_market(
            corpora,
            reference=known,
            spec=spec,
            seed=beacon,
            index=asked,
            claims=[None if path == STDIN else claims_of(path) for path in paths],
            workers=workers,
            progress=tell,
        )
    pipeline_hash = hashlib.sha256(canonical.dumps(spec.published())).hexdigest()
    results = [_result(path, found, pipeline_hash) for path, found in zip(paths, market.scores, strict=True)]
    return {"profile": profile, "pipeline_hash": pipeline_hash, "results": results, "passed_over": passed_over(passed)}


def _index(known: Spool | None, folder: Path | None, tell: ProgressCallback) -> neighbours.Reference | None:
    """The index of all sentences of the reference, opened or built."""
    from oracle.quality.neighbours import open_reference
    from oracle.quality.sampling import AllSentences

    if folder is None:
        return None
    if known is None:
        raise BadInput("there is no reference to index", input="--index", hint="Give --reference PATH too.")
    return open_reference(AllSentences(known), folder, progress=tell)


def _result(path: Path, found: QualityScore, pipeline_hash: str) -> dict[str, Any]:
    from oracle.corpus.names import readable_name
    from oracle.evidence import canonical

    evidence = {"pipeline_hash": pipeline_hash, "counts": found.evidence}
    return {
        "path": readable_name(path),
        **{axis: decimals(getattr(found, axis)) for axis in ("quality", *AXES)},
        "tokens": found.tokens,
        "documents": found.documents,
        "duplicates_removed": found.duplicates_removed,
        "languages": dict(found.languages),
        "abstained": list(found.abstained),
        "evidence_hash": hashlib.sha256(canonical.dumps(evidence)).hexdigest(),
        "evidence": found.evidence,
        "explanation": found.explanation,
    }


def _beacon(text: str) -> bytes:
    try:
        beacon = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        beacon = b""
    if len(beacon) != 32:
        raise BadInput("the seed is not 32 bytes in hexadecimal", input="--seed", hint="Give 64 hexadecimal digits.")
    return beacon


def _table(results: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("path", overflow="fold")
    for name in ("quality", *AXES, "tokens", "documents", "duplicates"):
        table.add_column(name, justify="right")
    for row in results:
        values = ["–" if row[axis] is None else f"{row[axis]:.4f}" for axis in ("quality", *AXES)]
        counts = [f"{row[name]:,}" for name in ("tokens", "documents", "duplicates_removed")]
        table.add_row(row["path"], *values, *counts)
    return table


def _sentences(result: Mapping[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, sentence in result["explanation"].items():
        grid.add_row(name, sentence)
    return grid
