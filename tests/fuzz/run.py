"""A target in a process of its own: how many inputs reached which check, what broke, how much memory it took."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import traceback
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random
from typing import Any

from pytest import MonkeyPatch

from fuzz.damage import damage
from fuzz.target import MIB, Input, Target
from oracle.errors import LONGEST, MiaError

PATIENCE = 180.0
"""Seconds without a finished batch after which a target counts as hanging; a batch takes a few at most."""
SHOWN = 12
"""Faults that are kept in full."""
_BATCH = 20
_ROOT = Path(__file__).resolve().parents[2]
_VALUES = re.compile(r"0x[0-9a-fA-F]*|'[^']*'|\"[^\"]*\"|\S*/\S*|\bbaf\w+|\b\d[\d.,]*\b|[0-9a-f]{16,}")


@dataclass
class Tally:
    """What became of a target's inputs. ``reached``: by check, that is place and kind of message, or ``accepted``."""

    inputs: int = 0
    passed: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    memory: float = 0.0
    """MiB by which the process grew."""

    def add(self, other: Tally) -> None:
        self.inputs += other.inputs
        self.passed += other.passed
        self.reached.update(other.reached)
        self.faults.update(other.faults)
        self.examples = [*self.examples, *other.examples][:SHOWN]
        self.memory = max(self.memory, other.memory)

    def figures(self) -> dict[str, Any]:
        """As JSON has it (``asdict`` would count a Counter's pairs)."""
        return {**vars(self), "reached": dict(self.reached), "faults": dict(self.faults)}


def input_of(target: Target, seed: int, number: int) -> Input:
    """One input: a function of target, seed and number alone."""
    source = Random(f"{seed}/{target.name}/{number}")
    if source.random() < target.varied:
        return target.vary(source)
    return damage(source, target.valid(source), target.valid(source))


def run(target: Target, seed: int, count: int) -> Tally:
    """All inputs, in a fresh process; a crash or a hang of that process is a fault of the batch it was at."""
    context = _server()
    whole, done = Tally(), 0
    while done < count:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(target.name, seed, done, count, sender), daemon=True)
        process.start()
        sender.close()
        try:
            while done < count:
                if not receiver.poll(PATIENCE):
                    raise TimeoutError
                whole.add(receiver.recv())
                done = min(done + _BATCH, count)
        except (EOFError, TimeoutError) as error:
            process.kill()
            process.join()
            how = "hangs" if isinstance(error, TimeoutError) else f"ends the process ({process.exitcode})"
            whole.faults[f"one of inputs {done} to {done + _BATCH - 1} {how}"] += 1
            return whole
        process.join()
    return whole


@cache
def _server() -> ForkServerContext:
    """A server that has imported all targets, and forks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fuzz.registry"])
    with (
        MonkeyPatch.context() as patch
    ):  # the server looks for modules where PYTHONPATH says, not where its parent does
        patch.setenv("PYTHONPATH", str(_ROOT / "tests"), prepend=os.pathsep)
        forkserver.ensure_running()
    return context


def _work(name: str, seed: int, first: int, count: int, sender: Connection) -> None:
    from fuzz.registry import TARGETS

    target = TARGETS[name]
    source = Random(f"{seed}/{name}/warm")
    for _ in range(1 if target.cost > 10 else 10):
        target.parse(target.valid(source))  # loads what is loaded once, by any of them; and valid inputs pass
    before = _peak()
    for start in range(first, count, _BATCH):
        tally = Tally()
        for number in range(start, min(start + _BATCH, count)):
            _one(target, seed, number, tally)
            grown = (_peak() - before) / MIB
            if grown > target.memory and tally.memory <= target.memory:
                tally.examples.append(f"input {number}: the process has grown by {grown:.0f} MiB")
            tally.memory = grown
        sender.send(tally)


def _one(target: Target, seed: int, number: int, tally: Tally) -> None:
    given = input_of(target, seed, number)
    tally.inputs += 1
    tally.passed += target.syntax(given.data)
    try:
        target.parse(given.data)
    except target.allowed as error:
        # the mechanism stands alone: what it says is cut where the command line makes an error of ours of it
        texts = (str(error), *map(str, vars(error).values())) if isinstance(error, MiaError) else ()
        if (longest := max(map(len, texts), default=0)) > LONGEST:
            tally.faults[f"{longest} characters at {_place(error)}: {_kind(str(error))}"] += 1
        tally.reached[f"{_place(error)}: {_kind(str(error))}"] += 1
    except Exception as error:  # the fault that is looked for
        fault = f"{type(error).__name__} at {_place(error)}: {_kind(str(error))}"
        tally.faults[fault] += 1
        if tally.faults[fault] == 1:
            said, shown = ascii(str(error)[:200]), ascii(given.data[:300])
            tally.examples.append(f"input {number} ({given.change}): {fault}\n    {said}\n    {shown}")
    else:
        tally.reached["accepted"] += 1


def _place(error: BaseException) -> str:
    """``file:function`` of the project where the error was raised, or of the test where it was none of it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if str(_ROOT / "oracle") in frame.filename]
    last = (own or frames)[-1]
    return f"{_short(last.filename)}:{last.name}"


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name


def _kind(message: str) -> str:
    """The message without its values, in characters that every terminal and every runner of tests takes."""
    shown = message[:300].encode("utf-8", "backslashreplace").decode()
    return _VALUES.sub("…", " ".join(shown.split()))[:90]


def _peak() -> int:
    """Most memory that the process ever had resident, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
