"""What a target is: a parser of foreign bytes, and where its inputs come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from oracle.errors import MiaError

MIB = 1 << 20


@dataclass(frozen=True)
class Input:
    """The bytes for a parser and, in words, what was done to a valid one."""

    data: bytes
    change: str


@dataclass(frozen=True)
class Target:
    """One parser.

    ``valid`` makes an input with the project's own writers; ``vary`` one that differs from a valid one in one thing
    and is written again as its writer writes (hashed, signed or encrypted anew, where that is what is looked at
    first); ``syntax`` says whether bytes get past that first look. ``parse`` is the door and what comes right behind
    it: it raises ``allowed`` and nothing else, and an ``AssertionError`` where what it lets in is not what its types
    say. ``memory``: MiB that all inputs together may add to the process. ``cost``: how many times fewer inputs a quick
    run takes, ``deep`` how many a deep one takes where the parser starts a process of its own for each. ``varied``:
    share of the inputs that ``vary`` makes; of the others bytes are damaged.
    """

    name: str
    valid: Callable[[Random], bytes]
    vary: Callable[[Random], Input]
    syntax: Callable[[bytes], bool]
    parse: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...] = (MiaError,)
    memory: int = 64
    cost: int = 1
    deep: int = 10_000
    varied: float = 0.6
