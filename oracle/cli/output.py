"""What a command says: one JSON document or a readable view on stdout, progress and errors on stderr, an exit code.

The command contract: with ``--json`` exactly one document on stdout; an error is ``{"error": {"name", "input",
"hint"}}``; integers above 2^53 are decimal strings (JSON readers keep doubles); exit codes are 0 good, 1 a check
failed, 2 bad input, 3 environment. Money, weights and units are strings in every document, whatever their size.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

EXACT_IN_JSON = 2**53
QUIET_SECONDS = 2.0
PIPE_WIDTH = 200  # columns, where nobody says how wide a line may be
ProgressCallback = Callable[[str, int, int], None]


def notes() -> Console:
    """The console of everything that is not the result: stderr."""
    return Console(stderr=True, highlight=False)


def jsonable(value: Any) -> Any:
    """Bytes as 0x-hex, integers above 2^53 as decimal strings, dataclass-free containers all the way down."""
    if isinstance(value, dict | list) and _only_texts(value):
        return value
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_IN_JSON:
        return str(value)
    return value


def _only_texts(value: dict[Any, Any] | list[Any]) -> bool:
    """Whether there is nothing to convert: seen at a glance, be it a million amounts."""
    return set(map(type, chain(value, value.values()) if isinstance(value, dict) else value)) <= {str}


def emit(document: Mapping[str, Any], view: Callable[[Console], None], *, as_json: bool) -> None:
    """Write a command's result to stdout: the document as JSON, or the same thing as ``view`` draws it."""
    if as_json:
        sys.stdout.write(orjson.dumps(jsonable(document), option=orjson.OPT_INDENT_2).decode() + "\n")
        sys.stdout.flush()
    else:
        view(Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH))


def emit_error(name: str, message: str, *, input: str, hint: str, as_json: bool) -> None:
    """Say what is wrong, with which input, and the way out."""
    if as_json:
        document = {
            "error": {"name": name, "input": input, "hint": f"{message.rstrip('.')}; {hint}" if hint else message}
        }
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    console = notes()
    console.print(f"[bold red]{escape(name)}[/]: {escape(message)}" + (f" [dim]({escape(input)})[/]" if input else ""))
    if hint:
        console.print(f"  {escape(hint)}")


def facts(rows: Mapping[str, Any]) -> Callable[[Console], None]:
    """A view of a few named values, one a line."""

    def view(console: Console) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        for key, value in rows.items():
            grid.add_row(key, escape(str(value)))
        console.print(grid)

    return view


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[ProgressCallback]:
    """A ``(stage, done, total)`` callback: bars on a terminal, a line now and then in a pipe.

    ``total`` 0 means unknown.
    """
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with _bars() as callback:
            yield callback
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[ProgressCallback]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=notes()
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def callback(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield callback


def _lines() -> ProgressCallback:
    told: dict[str, float] = {}

    def callback(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage in told and done != total and now - told[stage] < QUIET_SECONDS:
            return
        told[stage] = now
        sys.stderr.write(f"{stage} {done}/{total}\n" if total else f"{stage} {done}\n")
        sys.stderr.flush()

    return callback
