"""Words of others reach a terminal as they are written: nothing in them is obeyed, hidden or taken for markup."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from conftest import Mia
from rich.table import Table

from oracle.cli import output
from oracle.cli.main import run
from oracle.cli.output import Terminal, emit, emit_error, facts, progress, styled
from oracle.evidence.hidden import first_hidden

HOSTILE = "x\x1b[2J\r\x9b1A\u202e\u200b[bold]b[/][/nothing][link=e]l\\[red]:smile:\\\x7f\ud800"
SHOWN = r"x\x1b[2J\r\x9b1A\u202e\u200b[bold]b[/][/nothing][link=e]l\[red]:smile:\\x7f\ud800"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


@contextmanager
def screen(*, terminal: bool = False) -> Iterator[io.StringIO]:
    """Where stdout and stderr go: a pipe, or a terminal that takes colours."""
    made = io.StringIO()
    made.isatty = lambda: terminal  # type: ignore[method-assign]
    with redirect_stdout(made), redirect_stderr(made):
        yield made


def test_every_way_to_print_shows_what_is_written() -> None:
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(styled((HOSTILE, "green")))
    with screen() as seen:
        console = Terminal()
        console.print(HOSTILE)
        console.print(HOSTILE, style="bold")
        console.print(styled("before ", (HOSTILE, "red"), HOSTILE))
        console.print(table)
        emit({}, facts({HOSTILE: HOSTILE}), as_json=False)
        emit_error(HOSTILE, HOSTILE, input=HOSTILE, hint=HOSTILE, as_json=False)
    said = seen.getvalue()
    assert first_hidden(said) is None
    assert said.count(SHOWN) == 14


def test_own_styles_are_still_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with screen(terminal=True) as seen:
        Terminal().print(styled(("[bold]\x1b[8m", "red"), " plain"))
    assert seen.getvalue() == "\x1b[31m[bold]\\x1b[8m\x1b[0m plain\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_it_too(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")  # neither colours nor a cursor that moves
    with screen(terminal=terminal) as seen, progress() as tell:
        tell("\x1b[2J[bold][/]\u202e", 1, 2)
    assert r"\x1b[2J[bold][/]\u202e" in seen.getvalue() and first_hidden(seen.getvalue()) is None


def test_foreign_lines_do_not_pass_for_lines_of_an_error() -> None:
    with screen() as seen:
        emit_error("BadInput", "no bid: a\nround 1 is what it says it is", input="a\nok", hint="Ask.", as_json=False)
    assert seen.getvalue() == "BadInput: no bid: a\\nround 1 is what it says it is (a\\nok)\n  Ask.\n"


@pytest.mark.parametrize("text", [HOSTILE, "\ud800", "plain", "日本 \u2028 \U000e0041 \x7f"])
def test_documents_escape_what_a_terminal_would_obey(text: str) -> None:
    with screen() as seen:
        emit({"a": [text, 2**60], text: None}, facts({}), as_json=True)
    said = seen.getvalue()
    assert first_hidden(said) is None
    assert json.loads(said) == {"a": [text, str(2**60)], text: None}


def test_paths_and_ids_of_any_bytes_are_told(mia: Mia, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/[/]\x1b[8m"))
    folder.mkdir(parents=True)
    corpus = folder / os.fsdecode(b"tide[bold]\xff\xe2\x80\xae.jsonl")
    corpus.write_text(json.dumps({"id": "1", "text": "The tide rose slowly over the harbour wall."}))
    market = {"budget": "9", "bids": [{"id": "a[/]\x1b[8m\u2067", "bid": 1, "weight": str(10**18)}]}
    (folder / "market.json").write_text(json.dumps(market))
    assert mia("data", "pack", corpus, "--out", folder / "sealed").code == 0
    commands = [
        (["score", corpus, "--explain"], 0),
        (["data", "scan", corpus], 0),
        (["data", "verify", folder / "sealed" / "manifest.json"], 0),
        (["data", "verify", folder / "sealed" / "manifest.json", "--key", corpus], 2),
        (["licence", "show", corpus], 1),
        (["key", "show", corpus], 2),
        (["store", "pin", "\x1b[8m[/]", "a", "--store", f"local:{folder}"], 2),
        (["allocate", folder / "market.json"], 0),
        (["score", folder / "none"], 2),
        (["score", "--profile", "\x1b[8m[/bold]", corpus], 2),
        (["\x1b[8m[/bold]"], 2),
    ]
    for arguments, code in commands:
        answer = mia(*arguments)  # exactly one JSON document
        assert answer.code == code, (arguments, answer)
        capsys.readouterr()
        assert run(list(map(str, arguments))) == code
        said = capsys.readouterr()
        assert first_hidden(said.out) is first_hidden(said.err) is first_hidden(answer.said) is None
        assert "Traceback" not in said.err


def test_no_command_prints_by_another_way() -> None:
    """Markup in a text that is printed could be somebody else's; a console of one's own shows nothing of what hides."""
    folder = Path(output.__file__).parent
    for file in folder.rglob("*.py"):
        source = file.read_text("utf-8")
        if file.name != "output.py":
            for way in (
                r"\bConsole\(",
                r"rich\.markup",
                r"rich\.text",
                r"\bprint\((?<!\.print\()",
                r"std(out|err)\.write",
            ):
                assert not re.search(way, source), f"{file.name}: {way}"
