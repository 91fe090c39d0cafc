"""What a provider says of its data: dataset cards, Croissant files."""

from __future__ import annotations

import json
import logging
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import orjson
import yaml

from fuzz.change import change
from fuzz.forms import document, is_json
from fuzz.parties import File, documents, folder
from fuzz.spelling import spell
from fuzz.target import Input, Target
from oracle.corpus.exports import card, croissant
from oracle.corpus.exports.format import Bought, ShardFile
from oracle.corpus.exports.rows import Origin
from oracle.custody.metadata import checked
from oracle.evidence import canonical
from oracle.quality.card import read_card
from oracle.quality.claims import Claims
from oracle.quality.croissant import _refusal, read_croissant
from oracle.quality.croissant_validator import validate
from oracle.quality.metadata import describe
from oracle.quality.statement import Statement

BOUGHT = Bought(
    "title",
    "2026-01-01",
    "0" * 64,
    [(Origin("0x" + "11" * 20, b"\x01" * 32, b"\x02" * 32, 7), 3)],
    [ShardFile("data/0.parquet", 3, "0" * 64, 3)],
)
CARD = {
    "license": ["cc-by-4.0", "mit"],
    "language": ["en", "de"],
    "size_categories": ["n<1K"],
    "tags": ["text"],
    "pretty_name": "A name",
    "dataset_info": [
        {
            "config_name": "default",
            "features": [{"name": "text", "dtype": "string"}, {"name": "url", "dtype": "string"}],
            "splits": [{"name": "train", "num_bytes": 10, "num_examples": 3}],
        }
    ],
}
_CARDS = card.describe(BOUGHT)
(_OWN_CARD,) = [data for name, data in _CARDS.items() if name.endswith(".md")]
(_OWN_CROISSANT,) = [data for name, data in croissant.describe(BOUGHT).items() if name.endswith(".json")]


def _judged(statement: Statement | None) -> None:
    """A statement is held against three documents."""
    if statement is not None:
        _loaded()
        _compared(statement)


@cache
def _loaded() -> None:
    """Licences and languages are read once (100 MiB), whichever input needs them first."""
    claims = read_card(File("card/loaded.md").holding(_front(CARD)))
    assert claims is not None
    _compared(claims)


def _compared(statement: Statement) -> None:
    found = documents(Random(1))
    axis = describe(found, ["en"] * len(found), Claims((statement,)))
    assert axis.metadata.value is None or 0 <= axis.metadata.value <= 10_000
    canonical.dumps([check.sentence for check in statement.checked])


# --- cards ---


def _card(source: Random) -> bytes:
    return source.choice((_front(CARD), _OWN_CARD))


def _front(fields: Any) -> bytes:
    return b"---\n" + yaml.safe_dump(fields).encode() + b"---\n# Text\n"


def _card_varied(source: Random) -> Input:
    """One thing changed, written as flow style, which is JSON; or as block style, with what YAML adds to it."""
    changed = change(source, CARD)
    if source.random() < 0.7:
        return Input(b"---\n" + spell(changed.value) + b"\n---\n", changed.how)
    odd = source.choice(
        (
            *("language: no", "license: !!python/object:os.system x", "&a [*a]", "a: &a {b: *a}", "language: [no, en]"),
            *("size_categories: 2026-13-45", "license: 0x1F", "x: !!binary '?'", "? [a, b]\n: c", "license: 1_000"),
            *("language: !!float 1:" + "0:" * 300 + "1", "language: !!timestamp 9999-12-31T23:59:59-23:59"),
            "a: &a {k: v}\nb: &b {<<: [*a,*a,*a,*a]}\n" + _merged(12),
            "a: [" + "x," * 100_000 + "]",
            "? " * 60_000,
            *("date: 2001-12-14t21:59:43.10-99:00", "n: 190:20:30", "n: .inf", "n: 99:99:99", "<<: x", "<<: [1]"),
            "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nlanguage: [*c,*c]",
            "1: a\nnull: b\ntrue: c\n[1]: d",
        )
    )
    return Input(b"---\n" + odd.encode() + b"\n---\n", odd)


def _merged(times: int) -> str:
    """Mappings that merge the one before four times: 4**times pairs."""
    merges = pairwise("bcdefghijklmnop"[: times + 1])
    return "\n".join(f"{name}: &{name} {{<<: [{','.join([f'*{old}'] * 4)}]}}" for old, name in merges)


def _is_card(data: bytes) -> bool:
    lines = data.split(b"\n")
    return lines[0] == b"---" and b"---" in lines[1:]


def _read_card(data: bytes) -> None:
    _judged(read_card(File("card/README.md").holding(data)))


# --- Croissant ---


def _croissant(source: Random) -> bytes:
    """Our own, whose context would have to be fetched: then everything but the reference library reads it."""
    fields = json.loads(_OWN_CROISSANT)
    fields |= {
        "@context": "https://schema.org/",
        "inLanguage": ["en", {"@type": "Language", "alternateName": "de"}],
        "license": ["CC-BY-4.0", {"@id": "https://spdx.org/licenses/MIT"}],
        "temporalCoverage": "2010/2015-06",
        "keywords": [f"k{source.randrange(9)}"],
    }
    fields["distribution"] = [
        {
            "@type": "cr:FileObject",
            "@id": "a",
            "name": "a",
            "contentUrl": "a.txt",
            "contentSize": "3 B",
            "sha256": "0" * 64,
        },
        {"@type": "cr:FileObject", "@id": "b", "name": "b", "contentUrl": "https://example.org/b.txt"},
    ]
    return spell(fields)


def _read_croissant(data: bytes) -> None:
    place = File("croissant/croissant.json").holding(data)
    File("croissant/a.txt").holding(b"abc")
    _judged(read_croissant(place, folder() / "croissant"))


def _validated(data: bytes) -> None:
    """What the reference library makes of a file that is handed to it, in this process."""
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    if isinstance(fields, dict) and not _refusal(fields):
        logging.disable()  # the library logs what it finds
        told = validate(File("croissant/given.json").holding(data))
        canonical.dumps(told["errors"] + told["warnings"])


def _own_metadata(data: bytes) -> None:
    """What `mia data pack --metadata` publishes."""
    fields = json.loads(data)
    if isinstance(fields, dict):
        canonical.dumps(checked(fields))


def _own_metadata_guarded(data: bytes) -> None:
    if is_json(data):
        _own_metadata(data)


TARGETS = (
    Target("dataset card", _card, _card_varied, _is_card, _read_card),
    document("Croissant file", _croissant, _read_croissant),
    document("Croissant file, validated", lambda _: _OWN_CROISSANT, _validated, cost=4),
    document("Croissant file, a process each", lambda _: _OWN_CROISSANT, _read_croissant, cost=48, deep=40),
    document("metadata to publish", _croissant, _own_metadata_guarded),
)
