"""Other processes of this program: run side by side, their words passed on line by line, none left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from oracle.errors import CheckFailed

GRACE_SECONDS = 5.0
LAST_WORDS = 12


@dataclass(frozen=True)
class Child:
    """A ``mia`` command in a process of its own: the name it is spoken of by, and its arguments."""

    name: str
    arguments: Sequence[str]


def run_together(
    children: Sequence[Child],
    *,
    hear: Callable[[str, str], None],
    environment: Mapping[str, str] | None = None,
    check: bool = True,
) -> list[tuple[int, str]]:
    """Run all children at once and return each one's exit code and stdout, in order.

    ``hear(name, line)`` gets every line of a child's stderr. Whatever ends this call, an interrupt included, ends the
    children. Raises CheckFailed with the last words of the first child that failed, unless ``check`` is off.
    """
    running: list[subprocess.Popen[str]] = []
    try:
        for child in children:
            running.append(_start(child, environment or {}))
        ends = [_End(child, process, hear) for child, process in zip(children, running, strict=True)]
        results = [end.result() for end in ends]
    finally:
        stop(running)
    for child, end, (code, _) in zip(children, ends, results, strict=True):
        if check and code:
            words = "\n".join(end.last_words) or "no word"
            raise CheckFailed(
                f"{child.name} ended with exit code {code}: {words}",
                input=" ".join(["mia", *child.arguments]),
                hint="Run this command by itself to see all of it.",
            )
    return results


def stop(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Ask every process still running to end, and after a grace period make it."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(child: Child, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "oracle.cli.main", *child.arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **environment},
    )


class _End:
    """Reads one child to its end: two threads, so that neither pipe can fill up and stall it."""

    def __init__(self, child: Child, process: subprocess.Popen[str], hear: Callable[[str, str], None]) -> None:
        self.last_words: list[str] = []
        self._output: list[str] = []
        self._process = process
        assert process.stdout is not None and process.stderr is not None
        self._readers = [
            threading.Thread(target=self._collect, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._pass_on, args=(child.name, process.stderr, hear), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def result(self) -> tuple[int, str]:
        code = self._process.wait()
        for reader in self._readers:
            reader.join()
        return code, "".join(self._output)

    def _collect(self, pipe: IO[str]) -> None:
        with suppress(ValueError):  # the pipe is closed under us when the run is stopped
            self._output.extend(pipe)

    def _pass_on(self, name: str, pipe: IO[str], hear: Callable[[str, str], None]) -> None:
        with suppress(ValueError):
            for line in pipe:
                words = line.rstrip()
                self.last_words = [*self.last_words[-LAST_WORDS + 1 :], words]
                hear(name, words)
