"""What a node tells of a market: answers of its contracts, logs, blocks, transactions; read with the project's ABI."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from random import Random
from typing import Any, cast

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from fuzz.change import change
from fuzz.forms import is_json
from fuzz.parties import ACCOUNTS, CHAIN, MARKET, OPERATOR, PLANNER, PROVIDER, READER, ROUND, File
from fuzz.served import Server
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.custody import SALE, parcel
from fuzz.targets.rpc import BLOCK, HEAD
from fuzz.targets.terms import GIVEN, TOKEN
from oracle.chain import artifacts, transact
from oracle.chain.client import Market, connect
from oracle.chain.exchange import Exchange, _parcel
from oracle.chain.revealed import ARGUMENTS, SELECTOR, revealed_leaf
from oracle.chain.rpc import Node
from oracle.chain.terms import ABI_TYPES, Phase, Terms
from oracle.chain.terms_file import load_terms, template
from oracle.custody import bn254
from oracle.custody.keystore import Keys
from oracle.errors import BadInput, MiaError
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.score_report import Domain

OPENED = 1_800_000_000
WORD, EDGES = 64, (0, 1, 2, 8, 9, 31, 32, 64, 255, 256, (1 << 40) - 1, 1 << 64, 1 << 128, 1 << 160, (1 << 256) - 1)
LEAF = ScoreLeaf(PROVIDER.address, b"\x07" * 32, Status.SCORED, 0, 1, 2, 3, 4)
REVEALED, DELIVERED = "0x" + "0a" * 32, "0x" + "0d" * 32

# --- an honest node's answers ---


@cache
def _terms() -> Terms:
    file = load_terms(File("template.toml").holding(template().encode()))
    key = keccak(bn254.encode(READER.bn254_public))
    return file.resolve(planner=PLANNER.address, token=TOKEN, now=OPENED, **{**GIVEN, "delivery_key": key})


def _types(parts: list[dict[str, Any]]) -> list[str]:
    return [
        f"({','.join(_types(part['components']))}){part['type'][5:]}" if "components" in part else part["type"]
        for part in parts
    ]


@cache
def _abi() -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """By kind and name: selector or topic, and entry."""
    found = {}
    for entry in (entry for name in ("DataMarket", "KeyExchange") for entry in artifacts.load(name).abi):
        if "name" in entry:
            digest = keccak(text=f"{entry['name']}({','.join(_types(entry['inputs']))})")
            found[entry["type"], entry["name"]] = (
                f"0x{(digest[:4] if entry['type'] == 'function' else digest).hex()}",
                entry,
            )
    return found


def _answer(name: str, *values: Any) -> str:
    return f"0x{encode(_types(_abi()['function', name][1]['outputs']), values).hex()}"


def _log(address: str, name: str, *values: Any, transaction: str = "0x" + "06" * 32) -> dict[str, Any]:
    topic, entry = _abi()["event", name]
    given = list(zip(entry["inputs"], values, strict=True))
    indexed = [encode(_types([part]), [value]).hex() for part, value in given if part["indexed"]]
    rest = [(part, value) for part, value in given if not part["indexed"]]
    data = encode(_types([part for part, _ in rest]), [value for _, value in rest])
    return {
        "address": address,
        "topics": [topic, *(f"0x{word}" for word in indexed)],
        "data": f"0x{data.hex()}",
        "blockNumber": hex(5),
        "blockHash": "0x" + "05" * 32,
        "transactionHash": transaction,
        "transactionIndex": "0x0",
        "logIndex": "0x0",
        "removed": False,
    }


@cache
def _world() -> str:
    """Everything that is asked below, as JSON."""
    terms, who, digest = _terms(), PROVIDER.address, b"\x08" * 32
    made = parcel()
    auction = (digest, 1, True, 10**18, (1 << 256) - 1)
    words = bn254.words(int(terms.planner, 16)) + terms.delivery_key + bn254.encode(made.point) + made.sealed_key
    words += bn254.words(made.proof.challenge, made.proof.response) + made.content_hash + made.key_commit
    state = (
        terms.planner,
        terms.hash(),
        digest,
        bytes(32),
        LEAF.hash(),
        1,
        1,
        1,
        1,
        *(True, False, True, False, False),
    )
    calls = {
        "committee": _answer("committee", ACCOUNTS[2].address),
        "shareToken": _answer("shareToken", ACCOUNTS[3].address),
        "exchange": _answer("exchange", SALE.exchange),
        "domainSeparator": _answer("domainSeparator", Domain(CHAIN, MARKET).separator()),
        "rounds": _answer("rounds", ROUND),
        "phase": _answer("phase", int(Phase.CLAIM)),
        "roundOf": _answer("roundOf", (*state, 5, 5, (auction, auction), MARKET, digest)),
        "terms": _answer("terms", terms.as_tuple()),
        "revenueToken": _answer("revenueToken", ACCOUNTS[1].address),
        "encryptionKeyOf": _answer("encryptionKeyOf", digest, digest, digest),
        "deliveryKeyOf": _answer("deliveryKeyOf", terms.delivery_key),
        "deliveryOf": _answer("deliveryOf", (1, False, OPENED, int.from_bytes(keccak(words), "big") % (1 << 200))),
        "delivererOf": _answer("delivererOf", who),
    }
    told: list[tuple[Any, ...]] = [
        ("Opened", ROUND, terms.planner, terms.hash(), terms.as_tuple(), MARKET),
        ("Committed", ROUND, who, digest, digest, digest),
        ("Resealed", ROUND, who, digest),
        ("Observed", ROUND, OPERATOR.address, digest),
        ("Reported", ROUND, LEAF.hash(), 1, digest, digest),
        ("Settled", ROUND, 0, 10**18, 0, 5),
        ("Claimed", ROUND, who, 1, 2, 3, 4),
        ("Reversed", ROUND, who),
        ("Refunded", ROUND, 1, 2),
        ("OperatorPaid", ROUND, OPERATOR.address, 1),
        ("BondsBurned", ROUND, 7),
    ]
    logs = [_log(MARKET, *one) for one in told]
    logs.append(_log(MARKET, "Revealed", ROUND, who, (1 << 128).to_bytes(32, "big"), transaction=REVEALED))
    logs.append(_log(SALE.exchange, "DeliveryKeyRegistered", terms.planner, *READER.bn254_public))
    logs.append(_log(SALE.exchange, "Delivered", ROUND, who, _parcel(made), transaction=DELIVERED))
    reveal = SELECTOR + encode(ARGUMENTS, [ROUND, LEAF.as_tuple(), [], 5, digest])
    _, deliver = _abi()["function", "deliver"]
    sent = bytes.fromhex(_abi()["function", "deliver"][0][2:])
    sent += encode(_types(deliver["inputs"]), [ROUND, who, _parcel(made)])
    transactions = {
        REVEALED: _transaction(REVEALED, MARKET, reveal),
        DELIVERED: _transaction(DELIVERED, SALE.exchange, sent),
    }
    receipt = {
        "status": "0x1",
        "from": who,
        "to": MARKET,
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x7",
        "logs": logs[:2],
        **{name: logs[0][name] for name in ("blockNumber", "blockHash", "transactionHash", "transactionIndex")},
    }
    block = {**BLOCK, "timestamp": hex(terms.bounty_end)}
    return json.dumps({"block": block, "calls": calls, "logs": logs, "receipt": receipt, "transactions": transactions})


def _transaction(name: str, to: str, data: bytes) -> dict[str, Any]:
    """As a node tells of one that the provider signed."""
    unsigned = {"type": 2, "chainId": CHAIN, "nonce": 1, "gas": 90_000, "to": to, "value": 0, "data": data}
    fees = {"maxFeePerGas": 20, "maxPriorityFeePerGas": 1}
    signed = PROVIDER.sign_transaction({**unsigned, **fees})
    numbers = {"type": 2, "chainId": CHAIN, "nonce": 1, "gas": 90_000, "value": 0, "gasPrice": 20, **fees}
    signature = {"v": signed.v, "r": signed.r, "s": signed.s}
    return {
        **{field: hex(value) for field, value in {**numbers, **signature}.items()},
        "hash": name,
        "from": PROVIDER.address,
        "to": to,
        "input": f"0x{data.hex()}",
        "accessList": [],
        "blockNumber": hex(5),
        "blockHash": "0x" + "05" * 32,
        "transactionIndex": "0x0",
    }


# --- who asks ---

Ask = Callable[[Market, Exchange], object]
QUESTIONS: dict[str, Ask] = {
    "rounds": lambda market, _: market.rounds(),
    "phase": lambda market, _: market.phase(ROUND),
    "in phase": lambda market, _: market.require_phase(ROUND, Phase.CLAIM),
    "in another phase": lambda market, _: _refused(lambda: market.require_phase(ROUND, Phase.COMMIT)),
    "state": lambda market, _: market.state(ROUND),
    "terms": lambda market, _: market.terms(ROUND),
    "revenue token": lambda market, _: market.revenue_token(ROUND) is None,
    "beacon": lambda market, _: market.beacon(ROUND),
    "commits": lambda market, _: market.commits(ROUND),
    "commitments": lambda market, _: market.commitments(ROUND),
    "observations": lambda market, _: market.observations(ROUND),
    "report": lambda market, _: market.report(ROUND),
    "observed": lambda market, _: market.observed(ROUND),
    "reveals": lambda market, _: market.reveals(ROUND),
    "settlements": lambda market, _: market.settlements(ROUND),
    "claims": lambda market, _: market.claims(ROUND),
    "refunds": lambda market, _: market.refunds(ROUND),
    "payments": lambda market, _: market.operator_payments(ROUND),
    "burned": lambda market, _: market.bonds_burned(ROUND),
    "revealed leaf": lambda market, _: revealed_leaf(market, ROUND, PROVIDER.address),
    "receipt": lambda market, _: transact.receipt(market.w3, REVEALED) is None,
    "a market": lambda market, _: Market(market.w3, MARKET).chain_id,
    "encryption key": lambda _, exchange: exchange.encryption_key(OPERATOR.address),
    "delivery key": lambda _, exchange: exchange.delivery_key(PLANNER.address),
    "delivered": lambda _, exchange: exchange.delivered(ROUND, PROVIDER.address),
    "opened": lambda _, exchange: exchange.opened(ROUND, PROVIDER.address, Keys(PLANNER.address, (READER,))),
    "sent": lambda _, exchange: exchange.require_sent(
        ROUND, PROVIDER.address, exchange.require(ROUND, PROVIDER.address)
    ),
}


def _refused(ask: Callable[[], object]) -> None:
    try:
        ask()
    except BadInput:
        return


class _Place:
    """A node, a market behind it whose answers are those of ``world``, and what was asked of it."""

    def __init__(self) -> None:
        self.world: Any = json.loads(_world())
        self.used: set[str] = set()
        self._names = {selector: name for (kind, name), (selector, _) in _abi().items() if kind == "function"}
        self.server = Server(self._answer)
        self.market = Market(connect(self.server.url), MARKET)
        self.exchange = Exchange(self.market)

    def ask(self, question: str, world: Any) -> object:
        """The answer; nothing is remembered of those before."""
        self.world, self.used = world, set()
        cast(Node, self.market.w3.provider).forget_height()
        market, exchange = copy.copy(self.market), copy.copy(self.exchange)
        market._terms, market._opened, market._from_block = {}, {}, 1
        exchange.market, exchange._from_block = market, 1
        return QUESTIONS[question](market, exchange)

    def _answer(self, _: str, asked: bytes) -> tuple[int, bytes]:
        question = json.loads(asked)
        try:
            result = self._result(question["method"], question["params"])
        except (KeyError, TypeError, AttributeError, IndexError):
            result = None
        return 200, json.dumps({"jsonrpc": "2.0", "id": question["id"], "result": result}).encode()

    def _result(self, method: str, given: list[Any]) -> Any:
        match method:
            case "eth_chainId":
                return hex(CHAIN)
            case "eth_blockNumber":
                return hex(HEAD)
            case "eth_getCode":
                return "0x60"
            case "eth_call":
                name = self._names[given[0]["data"][:10]]
                self.used.add(name)
                return self.world["calls"][name]
            case "eth_getLogs":
                wanted = given[0]["topics"][0]
                found = [log for log in self.world["logs"] if _topic(log) in (*wanted, "")]
                self.used.update(map(_topic, found))
                return found
            case "eth_getTransactionByHash":
                self.used.add(given[0])
                return self.world["transactions"][given[0]]
            case "eth_getTransactionReceipt":
                self.used.add("receipt")
                return self.world["receipt"]
            case _:
                self.used.add("block")
                return self.world["block"]


def _topic(log: Any) -> str:
    """What a log is found by; of one without, whatever is asked for."""
    try:
        return str(log["topics"][0])
    except (KeyError, TypeError, IndexError):
        return ""


@cache
def _place() -> _Place:
    return _Place()


# --- inputs ---


@cache
def _asked(question: str) -> str:
    """That part of the world which a question is answered from, as JSON."""
    world = json.loads(_world())
    _place().ask(question, world)
    used = _place().used
    part = {
        "ask": question,
        "calls": {name: answer for name, answer in world["calls"].items() if name in used},
        "logs": [log for log in world["logs"] if log["topics"][0] in used],
        "transactions": {name: told for name, told in world["transactions"].items() if name in used},
        **{name: world[name] for name in ("block", "receipt") if name in used},
    }
    return json.dumps({name: value for name, value in part.items() if value})


def _valid(source: Random) -> bytes:
    return spell(json.loads(_asked(source.choice(list(QUESTIONS)))))


def _varied(source: Random) -> Input:
    """One thing changed in the JSON, or one word in what a contract answered, logged or was sent."""
    question = source.choice(list(QUESTIONS))
    world = json.loads(_asked(question))
    del world["ask"]
    if source.random() < 0.3:
        changed = change(source, world)
        value, how = changed.value, changed.how
    else:
        holder, key = source.choice(_texts(world))
        holder[key], how = _word_changed(source, holder[key])
        value, how = world, f"{key}: {how}"
    if isinstance(value, dict):
        if source.random() < 0.5:
            _bind(value)
        value["ask"] = question
    return Input(spell(value), f"{question}: {how}")


def _texts(value: Any) -> list[tuple[Any, Any]]:
    """Every text of at least a word: what holds it, and where."""
    found = []
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(inner, dict | list):
            found += _texts(inner)
        elif isinstance(inner, str) and len(inner) >= 2 + WORD:
            found.append((value, key))
    return found


def _word_changed(source: Random, text: str) -> tuple[str, str]:
    skip = 10 if len(text) % WORD == 10 else 2
    words = [text[at : at + WORD] for at in range(skip, len(text), WORD)]
    at = source.randrange(len(words))
    match source.randrange(8):
        case 0:
            cut = source.randrange(skip, len(text) + 1, 2)
            return text[:cut], f"{cut} characters of it"
        case 1:
            return text + source.choice(words), "a word more"
        case 2:
            words[at] = source.choice(words)
            how = f"word {at} as another"
        case 3:
            words[at] = f"{source.getrandbits(256):064x}"
            how = f"word {at} at random"
        case _:
            value = source.choice(EDGES)
            words[at], how = f"{value:064x}", f"word {at} is {value}"
    return text[:skip] + "".join(words), how


def _bind(world: dict[str, Any]) -> None:
    """The state has the hash of the terms, whatever they are now."""
    calls = world.get("calls")
    try:
        terms, state = bytes.fromhex(calls["terms"][2:]), calls["roundOf"]  # type: ignore[index]
        if len(terms) == 32 * len(ABI_TYPES):
            calls["roundOf"] = state[: 2 + WORD] + keccak(terms).hex() + state[2 + 2 * WORD :]  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return


def _ask(data: bytes) -> None:
    try:
        world = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput("no answers") from error
    if (
        not isinstance(world, dict)
        or not isinstance(question := world.pop("ask", None), str)
        or question not in QUESTIONS
    ):
        raise BadInput("nobody asks that")
    _plain(_place().ask(question, world))


def _plain(value: Any) -> None:
    """What is let in are numbers, texts, bytes, enumerations and records of these."""
    if is_dataclass(value):
        for field in fields(value):
            _plain(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for inner in value:
            _plain(inner)
    else:
        assert value is None or isinstance(value, int | str | bytes | Enum), type(value)
        assert not isinstance(value, str) or value.isascii()


TARGETS = (Target("answers about a market", _valid, _varied, is_json, _ask, allowed=(MiaError,)),)
