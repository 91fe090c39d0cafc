"""What ``mia influence`` reads, writes and shows: its log with the lines under it, its document, the view of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from oracle.cli.market_texts import Provider
from oracle.cli.output import styled
from oracle.errors import BadInput
from oracle.pipes import open_at_once

if TYPE_CHECKING:
    from oracle.influence.log import Log
    from oracle.influence.marginal import Influence
    from oracle.influence.replay import Difference
    from oracle.influence.spot_audit import SpotAudit


def check_spot(spot: int | None, replay: Path | None, log: Path | None) -> None:
    """Raises BadInput for options that make no sense together."""
    if spot is None:
        return
    if spot < 1:
        raise BadInput(f"{spot} windows check nothing", input="--spot", hint="Give 1 or more.")
    if replay is None:
        raise BadInput("there is no run to check", input="--spot", hint="Give --replay LOG.")
    if log is not None:
        raise BadInput("a spot audit makes no log", input="--log", hint="Leave out --log or --spot.")


def documents_file(log: Path) -> Path:
    """Where the lines under a log's documents roots lie: beside it."""
    return Path(f"{log}.documents.jsonl")


def check_log(log: Path | None, inputs: Sequence[Path]) -> None:
    """Raises BadInput for a log that could not be written, or that would take the place of what the run reads."""
    if log is None:
        return
    try:
        for path in (log, documents_file(log)):
            if path.exists() and not path.is_file():
                raise BadInput(f"{path} is no file to replace", input="--log", hint="Give the path of a file.")
            for given in inputs:
                if _real(path).is_relative_to(_real(given)):
                    raise BadInput(
                        f"{path} belongs to what the run reads: {given}",
                        input="--log",
                        hint="Give another path.",
                    )
        with NamedTemporaryFile(prefix=f".{documents_file(log).name}.", suffix=".part", dir=log.parent):
            pass
    except OSError as error:
        raise BadInput(
            f"{log} cannot be written: {error.strerror}",
            input="--log",
            hint="Give a file in a folder that is there and that you may write to.",
        ) from error


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def write_log(path: Path, log: Log, documents: Sequence[bytes]) -> None:
    """Write the log, and beside it the lines under its documents roots; where it has none, no older ones stay."""
    from oracle.custody.files import replacing, write_atomic
    from oracle.influence.log import log_bytes

    with replacing(path) as file:
        file.write(log_bytes(log))
        file.flush()  # a full disk shows before the lines of an older log are replaced
        if documents:
            write_atomic(documents_file(path), b"".join(line + b"\n" for line in documents))
    if not documents:
        documents_file(path).unlink(missing_ok=True)


def read_documents(log: Path) -> list[bytes]:
    """The lines beside a log. Raises BadInput when they are not there."""
    path = documents_file(log)
    try:
        with open_at_once(path) as file:
            return file.read().removesuffix(b"\n").split(b"\n")
    except OSError as error:
        raise BadInput(
            f"cannot read the lines under the log's documents root: {error.strerror}",
            input=str(path),
            hint="Get them from whoever published the log (`--log` writes both), or replay it without --spot.",
        ) from error


def run_document(about: Mapping[str, Any], market: Sequence[Provider], run: Influence, log: Log) -> dict[str, Any]:
    """The document of a run: what it was, and a row for each provider; ``log`` is the run's with its scores."""
    from oracle.influence.rescale import credit

    floor = about["noise_floor"]
    rows = [
        {
            "path": str(provider.path),
            "gain": gain,
            "stderr": error,
            "phi": quanta / 10_000,
            "tokens": tokens,
            "credited": float(credit(gain, error, floor)),
            "documents": provider.documents,
            "removed": dict(provider.removed),
            "why": None if quanta else provider.why_nothing(gain, floor),
        }
        for provider, gain, error, quanta, tokens in zip(
            market, run.gains, run.stderr, log["rescaled"]["phi"], run.tokens, strict=True
        )
    ]
    return {"run": {**about, "passes": run.passes, "seconds": round(run.seconds, 3)}, "providers": rows}


def spot_document(about: Mapping[str, Any], audit: SpotAudit, published: Log, found: Log) -> dict[str, Any]:
    """The document of a spot audit: what the run was, how much of it was checked, and the verdict (:func:`verdict`)."""
    return {
        "run": {**about, "seconds": round(audit.seconds, 3)},
        "spot": {"checked": audit.checked, "windows": audit.windows},
        "replay": verdict(audit.difference, published, found),
    }


def verdict(difference: Difference | None, published: Log, found: Log) -> dict[str, Any]:
    """Whether a log replays, the first difference, and what differs of the ``environment`` of log and own run.

    If anything does, no fingerprint was compared. Environments that are not comparable are a difference themselves.
    """
    from oracle.influence.replay import other_environment

    comparable = difference is None or difference.path != "environment"
    return {
        "ok": difference is None,
        "first_difference": difference and vars(difference),
        "environment_differs": other_environment(published, found) if comparable else [],
    }


def show_influence(console: Console, document: Mapping[str, Any]) -> None:
    """The document for people."""
    if "spot" in document:
        _show_spot(console, document)
    else:
        _show_run(console, document)
    if "replay" in document:
        first = document["replay"]["first_difference"]
        if first is None:
            console.print("the log replays", style="bold green")
        else:
            console.print(styled(("the log does not replay", "bold red"), f": first difference at {first['path']}"))
            console.print(f"  expected {first['expected']}\n  found    {first['found']}")
        if differs := document["replay"]["environment_differs"]:
            names = ", ".join(line.partition(":")[0] for line in differs)
            console.print(f"fingerprints were not compared: the log was made with other {names}", style="dim")


def _show_spot(console: Console, document: Mapping[str, Any]) -> None:
    run, spot = document["run"], document["spot"]
    console.print(
        f"{run['estimator']}: {spot['checked']:,} of {spot['windows']:,} windows computed again in "
        f"{run['seconds']:.1f} s on {run['device']}; log {run['log_hash']}",
        style="dim",
    )


def _show_run(console: Console, document: Mapping[str, Any]) -> None:
    run = document["run"]
    table = Table(box=None, pad_edge=False)
    table.add_column("path", overflow="fold")
    for name in ("gain", "±", "phi", "tokens"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold", style="dim")
    for row in document["providers"]:
        numbers = (f"{row['gain']:.6f}", f"{row['stderr']:.6f}", f"{row['phi']:.4f}", f"{row['tokens']:,}")
        table.add_row(row["path"], *numbers, row["why"] or "")
    console.print(table)
    reference = "min-max over these providers" if run["gain_ref"] is None else f"gain_ref {run['gain_ref']:.6f}"
    console.print(
        f"{run['estimator']}, {reference}, noise floor {run['noise_floor']:.6f}; {run['passes']:.2f} passes in "
        f"{run['seconds']:.1f} s on {run['device']}; log {run['log_hash']}",
        style="dim",
    )
