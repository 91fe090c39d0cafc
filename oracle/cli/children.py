"""Other processes of this program: run side by side, their words passed on line by line, none left behind.

They are forked from a server that has imported the heavy libraries and done nothing else: their ten seconds are paid
once, their memory is shared. Each child then has a memory, an environment and files of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import IO

from oracle.errors import CheckFailed

GRACE_SECONDS = 5.0
LAST_WORDS = 12
PRELOADED = ["oracle.cli.preloaded"]


@dataclass(frozen=True)
class Child:
    """A ``mia`` command in a process of its own: the name it is spoken of by, and its arguments."""

    name: str
    arguments: Sequence[str]


def preload(environment: Mapping[str, str]) -> None:
    """Start the server, under ``environment``: some of it counts only when a library is loaded. It ends with us."""
    multiprocessing.set_forkserver_preload(PRELOADED)
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_together(
    children: Sequence[Child], *, hear: Callable[[str, str], None], check: bool = True
) -> list[tuple[int, str]]:
    """Run all children at once and return each one's exit code and stdout, in order.

    ``hear(name, line)`` gets every line of a child's stderr. Whatever ends this call, an interrupt included, ends the
    children. Raises CheckFailed with the last words of the first child that failed, unless ``check`` is off.
    """
    running: list[_Running] = []
    try:
        running.extend(_Running(child, hear) for child in children)
        results = [process.result() for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.kill()
    for child, process, (code, _) in zip(children, running, results, strict=True):
        if check and code:
            words = "\n".join(process.last_words) or "no word"
            raise CheckFailed(
                f"{child.name} ended with exit code {code}: {words}",
                input=" ".join(["mia", *child.arguments]),
                hint="Run this command by itself to see all of it.",
            )
    return results


class _Running:
    """One child, read to its end by two threads, so that neither pipe can fill up and stall it."""

    def __init__(self, child: Child, hear: Callable[[str, str], None]) -> None:
        self.last_words: list[str] = []
        self._output: list[str] = []
        self._name, self._hear = child.name, hear
        output, words = multiprocessing.Pipe(duplex=False), multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(target=_play, args=(child.arguments, output[1], words[1]), daemon=True)
        self._process.start()
        self._readers = [
            threading.Thread(target=self._collect, args=(_lines(output),), daemon=True),
            threading.Thread(target=self._pass_on, args=(_lines(words),), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def result(self) -> tuple[int, str]:
        self._process.join()
        for reader in self._readers:
            reader.join()
        return self._process.exitcode or 0, "".join(self._output)

    def terminate(self) -> None:
        """Ask it to end, if it still runs."""
        self._process.terminate()

    def kill(self) -> None:
        """Wait a grace period for its end, then make it."""
        self._process.join(GRACE_SECONDS)
        self._process.kill()
        self._process.join()

    def _collect(self, pipe: IO[str]) -> None:
        with pipe:
            self._output.extend(pipe)

    def _pass_on(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                words = line.rstrip()
                self.last_words = [*self.last_words[-LAST_WORDS + 1 :], words]
                self._hear(self._name, words)


def _lines(pipe: tuple[Connection, Connection]) -> IO[str]:
    """The reading end as text; the writing end is the child's alone from here on."""
    reader, writer = pipe
    writer.close()
    file = os.fdopen(os.dup(reader.fileno()), encoding="utf-8", errors="replace")
    reader.close()
    return file


def _play(arguments: Sequence[str], output: Connection, words: Connection) -> None:
    """What a child does: the command line, with the two pipes as its stdout and stderr."""
    from oracle.cli.main import run

    for pipe, place in ((output, 1), (words, 2)):
        os.dup2(pipe.fileno(), place)
        pipe.close()
    sys.exit(run(arguments))
