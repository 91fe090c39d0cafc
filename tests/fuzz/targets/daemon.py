"""Answers of an IPFS daemon, over HTTP: blocks, files, sizes, pins, errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from fuzz.damage import damage
from fuzz.forms import is_json, varied
from fuzz.parties import Memory
from fuzz.served import Server
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.containers import LEAVES, node_of
from oracle.custody import cid as cids
from oracle.custody.ipfs import IpfsStore
from oracle.errors import CheckFailed, EnvironmentFailure

NODE = node_of(LEAVES)
ROOT = cids.of(NODE, cids.DAG_PB)
LEAF = cids.of(LEAVES[0])
SIZE = sum(map(len, LEAVES))


def _kept() -> Memory:
    store = Memory()
    for leaf in LEAVES:
        store.put(leaf)
    store.blocks[ROOT] = NODE
    return store


_BLOCKS = _kept().blocks
ANSWERS: dict[str, Any] = {
    "block/stat": {"Key": LEAF, "Size": len(LEAVES[0])},
    "dag/import": {"Root": {"Cid": {"/": LEAF}, "PinErrorMsg": ""}},
    "files/ls": {"Entries": [{"Name": "kept", "Type": 0, "Size": 0, "Hash": ""}, {"Name": "b", "Type": 0}]},
    "pin/ls": {"Keys": {LEAF: {"Type": "recursive"}}},
    "repo/gc": {"Key": {"/": LEAF}},
    "version": {"Version": "0.30.0", "Commit": "", "Repo": "16", "System": "amd64/linux", "Golang": "go1"},
    "error": {"Message": "merkledag: not found", "Code": 0, "Type": "error"},
}
"""As JSON; of blocks, files and notes of pins the answer is their bytes."""
LINES = ("dag/import", "repo/gc")
QUESTIONS: dict[str, Callable[[IpfsStore], object]] = {
    "block/get": lambda store: store.get(LEAF),
    "block/stat": lambda store: _size(store.size_of(LEAF)),
    "cat": lambda store: list(store.read(ROOT, max_size=1 << 20)),
    "dag/import": lambda store: store.put(LEAVES[0]),
    "files/ls": lambda store: store.pins(),
    "files/read": lambda store: store.pins(),
    "pin/ls": lambda store: store.collect_garbage(),
    "repo/gc": lambda store: store.collect_garbage(),
    "version": lambda store: store.get(cids.of(b"nowhere")),
    "error": lambda store: store.get(LEAF),
}


def _size(told: int | None) -> None:
    assert told is None or (type(told) is int and told >= 0)


def _honest(command: str, asked: str) -> tuple[int, bytes]:
    if command == "block/get":
        found = _BLOCKS.get(asked)
        return (200, found) if found is not None else (500, spell(ANSWERS["error"]))
    if command == "cat":
        return 200, b"".join(LEAVES)
    if command == "files/read":
        return 200, LEAF.encode()
    return 200, spell(ANSWERS[command])


def _valid(source: Random) -> bytes:
    """Status and command in the first line: one input is one answer."""
    command = source.choice(
        [name for name in QUESTIONS if name not in ("error", "version")]
    )  # asked for what is absent
    status, body = _honest(command, LEAF)
    return f"{status} {command}\n".encode() + body


def _varied(source: Random) -> Input:
    command = source.choice(list(QUESTIONS))
    if command not in ANSWERS:
        body = _honest(command, LEAF)[1]
        made = damage(source, body, NODE)
    else:
        made = varied(source, lambda _: spell(ANSWERS[command]))
    if command in LINES:
        made = Input(spell(ANSWERS[command]) + b"\n" + made.data, made.change)
    status = source.choice((400, 500, 404)) if command == "error" else source.choice((200,) * 19 + (500,))
    return Input(f"{status} {command}\n".encode() + made.data, f"{status} {command}: {made.change}")


@cache
def _server() -> Server:
    return Server(lambda path, body: (200, b""))


def _ask(data: bytes) -> None:
    line, _, body = data.partition(b"\n")
    status, _, command = line.decode("latin-1").partition(" ")
    if command not in QUESTIONS or status not in ("200", "400", "404", "500"):
        raise CheckFailed("nobody asks that")
    lied = "block/get" if command == "error" else command

    def answer(path: str, _: bytes) -> tuple[int, bytes]:
        asked, _, arguments = path.removeprefix("/api/v0/").partition("?")
        if asked == lied:
            return int(status), body
        return _honest(asked, arguments.partition("arg=")[2].partition("&")[0])

    server = _server()
    server.answer = answer
    QUESTIONS[command](IpfsStore(server.url, timeout=5))


def _is_answer(data: bytes) -> bool:
    """JSON, or lines of it, or bytes, of a command that is asked."""
    line, _, body = data.partition(b"\n")
    command = line.decode("latin-1").partition(" ")[2]
    if command in LINES:
        return all(is_json(one) for one in body.splitlines())
    return is_json(body) if command in ANSWERS else command in QUESTIONS


TARGETS = (
    Target("answer of an IPFS daemon", _valid, _varied, _is_answer, _ask, allowed=(CheckFailed, EnvironmentFailure)),
)
