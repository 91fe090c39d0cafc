"""How inputs of one form are varied and what its syntax is: canonical JSON, any JSON, bytes without structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from fuzz.change import change
from fuzz.damage import damage
from fuzz.spelling import spell
from fuzz.target import Input, Target
from oracle.errors import MiaError
from oracle.evidence import canonical

Parse = Callable[[bytes], object]
Valid = Callable[[Random], bytes]


def is_canonical(data: bytes) -> bool:
    """RFC 8785, which is what records are asked first."""
    try:
        canonical.loads(data, name="input")
    except MiaError:
        return False
    return True


def is_json(data: bytes) -> bool:
    """JSON of any spelling."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def varied(source: Random, valid: Valid, *, sort: bool = True) -> Input:
    """A JSON document with one thing changed, spelt canonically wherever that can be; ``sort`` as in ``spell``."""
    changed = change(source, json.loads(valid(source)), json.loads(valid(source)))
    return Input(spell(changed.value, sort=sort), changed.how)


def few(valid: Valid) -> Valid:
    """``valid``, out of a few dozen inputs that are made once: what is signed is dear to make."""
    made = cache(lambda number: valid(Random(number)))
    return lambda source: made(source.randrange(32))


def record(name: str, valid: Valid, parse: Parse, **rest: Any) -> Target:
    """A target of canonical JSON."""
    return Target(name, valid, lambda source: varied(source, valid), is_canonical, parse, **rest)


def document(name: str, valid: Valid, parse: Parse, **rest: Any) -> Target:
    """A target of JSON in any spelling."""
    return Target(name, valid, lambda source: varied(source, valid), is_json, parse, **rest)


def plain(name: str, valid: Valid, parse: Parse, syntax: Callable[[bytes], bool], **rest: Any) -> Target:
    """A target of bytes without inner structure: all of its inputs are damaged ones."""
    return Target(name, valid, lambda source: damage(source, valid(source), valid(source)), syntax, parse, **rest)
