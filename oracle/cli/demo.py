"""``mia demo``: a whole round on real text, from nothing, on a chain of its own."""

from __future__ import annotations

import json as jsonlib
import shutil
import signal
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.demo_run import Run, Settings
from oracle.cli.output import emit, jsonable, notes, progress, styled
from oracle.cli.session import Json
from oracle.cli.stages import STAGES
from oracle.errors import BadInput, CheckFailed

MARKER = ".mia-demo"
WAD = 10**18
ROOMY = 150  # columns of a terminal in which the reasons stand beside the numbers


def demo(
    market: Annotated[
        Path | None,
        typer.Option(
            envvar="MIA_MARKET", metavar="FOLDER", help="A market of corpora; default: installed packages' docs."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N documents of each provider.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where everything goes; a former demo there is removed.")
    ] = Path("reports/demo"),
    json: Json = False,
) -> None:
    """Run a whole round here: planner, providers, three oracles, settlement, payments, revenue and an audit.

    It needs no network, no account and no download; it leaves a report page, the chain's state and all evidence.

    [dim]Example:[/] mia demo --market my-market --sample 60
    """
    document = run_demo(out, Settings(market=market, sample=sample))
    emit(document, lambda console: show(console, document, out), as_json=json)
    if not document["audit"]["ok"]:
        raise CheckFailed("the audit found a difference", input=str(out), hint="Read the audit's part of the page.")


def run_demo(out: Path, settings: Settings) -> dict[str, Any]:
    """All stages, then ``round.json`` and ``index.html`` in ``out``; the document.

    Raises BadInput when ``out`` holds something that is no former demo. An interrupt ends every process of the run.
    """
    from oracle.cli.report.page import render
    from oracle.custody.files import write_atomic

    if settings.market is not None and not settings.market.is_dir():
        raise BadInput(
            "there is no such market", input=str(settings.market), hint="Give a folder with a manifest.json."
        )
    prepare(out)
    console = notes()
    took: list[dict[str, Any]] = []
    signal.signal(signal.SIGTERM, _interrupt)
    with ExitStack() as closing:
        run = Run(out, settings, closing)
        for number, (name, stage) in enumerate(STAGES, start=1):
            started = time.monotonic()
            try:
                with progress() as tell:
                    note = stage(run, tell)
            except KeyboardInterrupt:
                where = f" in stage {number} of {len(STAGES)}, {name}; what is there lies in {out}"
                console.print(styled(("stopped", "bold"), where))
                raise
            seconds = time.monotonic() - started
            took.append({"name": name, "seconds": round(seconds, 1)})
            console.print(styled(("✓", "green"), f" {seconds:6.1f} s  {name:<14} ", (note, "dim")))
    document: dict[str, Any] = jsonable(run.document | {"stages": took})
    write_atomic(out / "round.json", jsonlib.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
    write_atomic(out / "index.html", render(document).encode())
    return document


def prepare(out: Path) -> None:
    """An empty folder for the run. Only a former demo is ever removed."""
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise BadInput(
            "the folder holds something that is no former demo",
            input=str(out),
            hint="Choose another --out, or empty it.",
        )
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARKER).touch()


def show(console: Console, document: dict[str, Any], out: Path) -> None:
    """The closing words: results, accounts, the audit's verdict, and how to go on."""
    token, unit = document["token"], int(document["terms"]["money_unit"])

    def tokens(units: str) -> str:
        return f"{Decimal(int(units)).scaleb(-token['decimals']):,.2f}"

    def money(units: str) -> str:
        return tokens(str(int(units) * unit))

    roomy = console.width >= ROOMY
    table = Table(title=f"Round {document['round']}, money in {token['symbol']}", title_justify="left", box=None)
    for name in ("provider", "tokens", "q", "phi", "weight", "bid", "critical payment", "cash", "MUT", "DST"):
        table.add_column(name, justify="left" if name == "provider" else "right", no_wrap=name != "critical payment")
    if roomy:
        table.add_column("why")
    rows = sorted(document["providers"], key=lambda row: (not row["won"], -int(row["weight"])))
    for row in rows:
        scores = (f"{row['quality']:.4f}", f"{row['impact']:.4f}", f"{int(row['weight']) / WAD:.4f}")
        paid = (money(row["bid"]), money(row["critical"]), tokens(row["cash"]), row["units"], shares(row["shares"]))
        why = (row["why"],) if roomy else ()
        table.add_row(row["name"], row["tokens"], *scores, *paid, *why, style="" if row["won"] else "dim")
    sums = {key: str(sum(int(row[key]) for row in rows)) for key in ("critical", "cash", "units", "shares")}
    table.add_section()
    together = (money(sums["critical"]), tokens(sums["cash"]), sums["units"], shares(sums["shares"]))
    table.add_row("together", "", "", "", "", "", *together, style="bold")
    console.print(table)
    for row in [] if roomy else rows:
        console.print(styled((row["name"], "bold"), f": {row['why']}"))
    for book in document["money"]:
        console.print(styled("\n", (book["title"], "bold"), f", {book['unit']}"))
        for line in book["in"]:
            console.print(f"  in   {int(line['amount']):>24,}  {line['what']}")
        for line in book["out"]:
            console.print(f"  out  {int(line['amount']):>24,}  {line['what']}")
        balance = int(book["total_in"]) - int(book["total_out"]) - int(book["left"])
        verdict = ("adds up to the last unit", "green") if balance == 0 else (f"{balance} unexplained", "red")
        console.print(styled(f"  left {int(book['left']):>24,}  in the contract: ", verdict))
    audit = document["audit"]
    verdict = ("passed", "bold green") if audit["ok"] else ("FAILED", "bold red")
    checks = f", {len(audit['checks'])} checks"
    console.print(styled("\n", ("Audit", "bold"), " in a process of its own: ", verdict, checks))
    console.print(styled(("Report", "bold"), f" {out / 'index.html'}\n"))
    for step in document["next"]:
        console.print(styled(f"{step['what']}\n  ", (step["command"], "cyan")), soft_wrap=True)


def shares(units: str) -> str:
    """DST units as DST, nine decimals cut to three."""
    return f"{int(units) / 10**9:.3f}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    """An orderly end asked for by somebody else is an interrupt too: child processes go with us."""
    raise KeyboardInterrupt
