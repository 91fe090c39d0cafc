"""What comes from a chain or goes to it: the planner's terms as TOML, refusals of contracts."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime, time
from random import Random
from typing import Any

from eth_abi.abi import encode
from web3.exceptions import ContractLogicError

from fuzz.change import change
from fuzz.parties import MARKET, PLANNER, File
from fuzz.spelling import Raw, Twice, spell
from fuzz.target import Input, Target
from oracle.chain import reverts
from oracle.chain.terms_file import load_terms, template
from oracle.chain.token import Token

GIVEN: dict[str, Any] = {
    "committee": b"\x01" * 32,
    "arbitrator": MARKET,
    "pipeline_hash": b"\x02" * 32,
    "base_model_hash": b"\x03" * 32,
    "validation_root": b"\x04" * 32,
    "agreement_hash": bytes(32),
    "delivery_key": b"\x05" * 32,
}
TOKEN = Token(MARKET, "DEMO", 18)
ODD = (
    *("1979-05-27", "1979-05-27T07:32:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "07:32:00"),
    *("0xff", "inf", "nan", "-nan", "1e400", "1_000", "'''\n'''", "[[1]]", "{a=1}", "9" * 400, "true", "1e-999999999"),
    *(
        '"1e999999999 DEMO"',
        '"1e-999999999 DEMO"',
        '"NaN DEMO"',
        '"Infinity DEMO"',
        '"-1 DEMO"',
        '"1 demo"',
        '"٣ DEMO"',
    ),
    *('"999999999999d"', '"1h1h"', '"0h"', '"1h 30m"', '"12500.00 DEMO"', '"0.5"', '".5"', '"5."', '"1e-1"', '"0.5 "'),
)


def _terms(_: Random) -> bytes:
    return template().encode()


def _terms_varied(source: Random) -> Input:
    """One value of the template replaced: by what JSON has, or by what only TOML has."""
    lines = template().splitlines()
    at = source.choice([number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")])
    key = lines[at].partition(" = ")[0]
    if source.random() < 0.5:
        value = source.choice(ODD)
        lines[at] = f"{key} = {value}"
        return Input("\n".join(lines).encode(), f"{key} = {value[:60]}")
    tables = tomllib.loads(template())
    changed = change(source, tables)
    return Input(_toml(changed.value).encode("utf-8", "surrogatepass"), changed.how)


def _toml(value: Any) -> str:
    """Tables of values, as near to TOML as what they hold lets them be."""
    if not isinstance(value, dict):
        return f"value = {_value(value)}\n"
    out = "".join(f"{_key(key)} = {_value(inner)}\n" for key, inner in value.items() if not isinstance(inner, dict))
    for key, inner in value.items():
        if isinstance(inner, dict):
            out += f"[{_key(key)}]\n"
            out += "".join(f"{_key(name)} = {_value(one)}\n" for name, one in inner.items())
    if isinstance(value, Twice):
        out += f"[{_key(value.second[0])}]\n"
    return out


def _key(key: str) -> str:
    return json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if value is None:
        return '"null"'
    return value.text if isinstance(value, Raw) else spell(value).decode("utf-8", "surrogatepass")


def _is_toml(data: bytes) -> bool:
    try:
        tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def _load(data: bytes) -> None:
    file = load_terms(File("terms.toml").holding(data))
    terms = file.resolve(planner=PLANNER.address, token=TOKEN, now=1_800_000_000, **GIVEN)
    assert len(terms.hash()) == 32


# --- refusals ---


def _refusal(source: Random) -> bytes:
    name, types = source.choice([one for one in reverts._selectors().values() if one[0] != "WrongPhase"])
    selector = next(raw for raw, known in reverts._selectors().items() if known == (name, types))
    values = [_argument(kind) for kind in types]
    return ("0x" + (selector + encode(types, values)).hex()).encode()


def _argument(kind: str) -> Any:
    if kind.startswith(("uint", "int")):
        return 7
    if kind.startswith("bytes"):
        return b"\x01" * 32
    return {"address": MARKET, "string": "why", "bool": True}[kind]


def _refusal_varied(source: Random) -> Input:
    """Data of a selector that is known and words that are not its own, or no words, or no hexadecimal digits."""
    data = _refusal(source).decode()
    words = source.choice(("", "00" * 31, "ff" * 32, "00" * 64, "ff" * 320, "zz", "0", "é"))
    return Input((data[:10] + words).encode(), f"{len(words)} digits behind its selector")


def _explain(data: bytes) -> None:
    """What a node says of a refused call becomes one of our errors, whatever it says."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # a node's answer is JSON: text it is
    error = reverts.explain(ContractLogicError("refused", data=text))
    str(error).encode()


TARGETS = (
    Target("terms TOML", _terms, _terms_varied, _is_toml, _load),
    Target("refusal of a contract", _refusal, _refusal_varied, lambda data: data[:2] == b"0x", _explain),
)
