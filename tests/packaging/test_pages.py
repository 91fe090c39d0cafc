"""Every command in the documents exists and takes the options shown, and every link between them leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from oracle.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"(?:^|[`/ ])mia ([a-z][^`#\n]*)", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
LINK = re.compile(r"\]\(([^)#\s]+)")


def wrong_in(text: str) -> list[str]:
    """What the commands in ``text`` name that does not exist; prose that begins with "mia" and a word is one too."""
    wrong = []
    for line in COMMAND.findall(text.replace("\\\n", " ")):
        command, words = typer.main.get_command(app), line.split()
        while words and hasattr(command, "commands"):
            name = words.pop(0).rstrip(".,;:|)")
            if name not in command.commands:
                wrong.append(f"mia {line}: no command {name}")
                break
            command = command.commands[name]
        else:
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            wrong += [f"mia {line}: no option {option}" for option in OPTION.findall(line) if option not in known]
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_link_of_a_page_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    gone = [link for link in LINK.findall(text) if "://" not in link and not (page.parent / link).exists()]
    assert wrong_in(text) == [] == gone


def test_a_command_that_is_gone_is_found() -> None:
    assert wrong_in("```sh\nmia bid seal 1   # then\nmia key show a.json --no-such x\n```") == [
        "mia bid seal 1   : no command seal",
        "mia key show a.json --no-such x: no option --no-such",
    ]
