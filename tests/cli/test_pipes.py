"""No command waits for a pipe that nobody writes to, reads a device without end, or takes the place of either."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oracle.cli.main import run
from oracle.custody.files import replacing
from oracle.errors import BadInput
from oracle.pipes import open_at_once

READS = {
    "a corpus": ["score", "{odd}"],
    "a licence": ["data", "pack", "{text}", "--out", "{new}", "--licence", "{odd}"],
    "metadata": ["data", "pack", "{text}", "--out", "{new}", "--metadata", "{odd}"],
    "a reader": ["data", "pack", "{text}", "--out", "{new}", "--to", "{odd}"],
    "a manifest": ["data", "verify", "{odd}"],
    "a proof": ["data", "prove", "{odd}", "--check", "{odd}"],
    "a password": ["key", "new", "{new}", "--password-file", "{odd}"],
    "a wallet": ["key", "show", "{odd}"],
    "keys": ["key", "rotate", "{odd}", "--password-file", "{text}"],
    "a market": ["allocate", "{odd}"],
    "terms": ["round", "simulate", "{odd}", "{text}"],
    "a licence to show": ["licence", "show", "{odd}", "--store", "local:{new}"],
    "an agreement": ["licence", "verify", "{odd}", "--store", "local:{new}"],
    "a CAR": ["store", "import", "{odd}", "--store", "local:{new}"],
    "a replay log": ["influence", "{text}", "--validation", "{text}", "--replay", "{odd}"],
    "a base model": ["influence", "{text}", "--validation", "{text}", "--base", "{odd}"],
}


@pytest.fixture
def impatient() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError("still waiting")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("what", READS)
def test_a_pipe_without_a_writer_is_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text.jsonl").write_text('{"text": "the tide turns twice a day"}\n')
    places = {"odd": tmp_path / "pipe", "text": tmp_path / "text.jsonl", "new": tmp_path / "new"}
    assert run([part.format(**places) for part in READS[what]] + ["--json"]) in (1, 2)
    error = json.loads(capsys.readouterr().out)
    assert "defect" not in str(error) and not (tmp_path / "new").exists()


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"told")
    with open_at_once(tmp_path / "pipe") as file:
        os.close(writer)
        assert file.read() == b"told"


def _device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, _device])
def test_only_files_are_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "there")
    before = os.lstat(tmp_path / "there")
    with pytest.raises(BadInput, match="could be replaced"), replacing(tmp_path / "there") as file:
        file.write(b"never")
    assert os.lstat(tmp_path / "there") == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("where", ["", ".", ".."])
def test_what_has_no_name_is_no_file(where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="could be replaced"), replacing(Path(where)):
        pass


def test_a_file_without_an_end_is_read_in_bounds() -> None:
    limit = "import resource as r; r.setrlimit(r.RLIMIT_AS, (3 << 30, 3 << 30)); "
    code = limit + "import sys; from oracle.cli.main import run; sys.exit(run(['allocate', '/dev/zero']))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert told.returncode == 2 and "above 256 MiB" in told.stderr
