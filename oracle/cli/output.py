"""What a command says: one JSON document or a readable view on stdout, progress and errors on stderr, an exit code.

The command contract: with ``--json`` exactly one document on stdout; an error is ``{"error": {"name", "input",
"hint"}}``; integers above 2^53 are decimal strings (JSON readers keep doubles); exit codes are 0 good, 1 a check
failed, 2 bad input, 3 environment. Money, weights and units are strings in every document, whatever their size.

Most of what is printed was written by others: ids, names, paths, texts, reasons, answers of nodes. So a ``Terminal``
takes every text as it is written, no markup in it, and shows what could not be seen in it; own colours are put around
it with ``styled``. Documents escape the same characters as JSON does.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oracle.evidence.hidden import visible

EXACT_IN_JSON = 2**53
QUIET_SECONDS = 2.0
PIPE_WIDTH = 200  # columns, where nobody says how wide a line may be
ProgressCallback = Callable[[str, int, int], None]


class Terminal(Console):
    """Where people read: texts are printed as they are written, and what is hidden in them is shown."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **style: Any) -> Text:
        """Every text on its way out, the cells of tables included."""
        return super().render_str(visible(text), **style)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Texts in a row, each alone or with its style: ``styled("stage ", (name, "bold"))``."""
    shown = (visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts)
    return Text.assemble(*shown)


def notes() -> Console:
    """The console of everything that is not the result: stderr."""
    return Terminal(stderr=True)


def say_plainly(text: str) -> None:
    """Write lines to stderr as they are, neither folded nor coloured, with what is hidden in them shown."""
    sys.stderr.write(visible(text))
    sys.stderr.flush()


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
        _write_document(jsonable(document))
    else:
        view(Terminal(width=None if sys.stdout.isatty() else PIPE_WIDTH))


def emit_error(name: str, message: str, *, input: str, hint: str, as_json: bool) -> None:
    """Say what is wrong, with which input, and the way out."""
    if as_json:
        told = f"{message.rstrip('.')}; {hint}" if hint else message
        _write_document({"error": {"name": name, "input": input, "hint": told}})
    console = notes()
    about = (f" ({_one_line(input)})", "dim") if input else ""
    console.print(styled((name, "bold red"), ": ", _one_line(message), about))
    if hint:
        console.print(f"  {hint}")


def _one_line(text: str) -> str:
    """A message whose foreign words cannot pass for lines of their own."""
    return text.replace("\n", "\\n")


def _write_document(document: Any) -> None:
    """One JSON document on stdout; what a terminal would obey or hide is escaped, which is the same value."""
    try:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:  # half a character: JSON has an escape for it, UTF-8 has no bytes
        text = json.dumps(document, indent=2)
    if not text.isascii() or "\x7f" in text:
        text = _SEEN_OTHERWISE.sub(_json_escape, text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


_SEEN_OTHERWISE = re.compile(r"[^\n -~]")


def _json_escape(found: re.Match[str]) -> str:
    character = found[0]
    return character if visible(character) == character else json.dumps(character)[1:-1]


def facts(rows: Mapping[str, Any]) -> Callable[[Console], None]:
    """A view of a few named values, one a line."""

    def view(console: Console) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        for key, value in rows.items():
            grid.add_row(key, str(value))
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
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=notes(),
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def callback(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(visible(stage), total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield callback


def _lines() -> ProgressCallback:
    told: dict[str, float] = {}

    def callback(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage in told and done != total and now - told[stage] < QUIET_SECONDS:
            return
        told[stage] = now
        say_plainly(f"{stage} {done}/{total}\n" if total else f"{stage} {done}\n")

    return callback
