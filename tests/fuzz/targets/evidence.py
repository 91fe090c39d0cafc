"""What is hashed and signed: observations, agreements, licence texts, whose encryption key is whose."""

from __future__ import annotations

import json
from random import Random

from fuzz.change import change
from fuzz.forms import document, few, plain, record
from fuzz.parties import ACCOUNTS, CHAIN, MARKET, OPERATOR, PLANNER, PROVIDER, ROUND, sentence
from fuzz.spelling import spell
from fuzz.target import Input, Target
from oracle.custody.cid import of
from oracle.errors import CheckFailed, MiaError
from oracle.evidence import encryption_key
from oracle.evidence.fields import Record
from oracle.evidence.leaf import Status
from oracle.evidence.licence import Agreement, licence_hash, read_text
from oracle.evidence.medians import medians
from oracle.evidence.observation import Observation, Score


def observation(source: Random) -> Observation:
    scores = tuple(
        Score(
            provider=account.address,
            dataset_root=source.randbytes(32),
            position=position,
            status=source.choice(list(Status)),
            group=source.randint(0, 1),
            quality=source.randint(0, 10_000),
            impact=source.randint(0, 10_000),
            tokens=source.randrange(1 << 53),
            evidence=of(source.randbytes(8)),
        )
        for position, account in enumerate(ACCOUNTS[: source.randint(1, 3)])
    )
    return Observation(
        chain_id=CHAIN,
        market=MARKET,
        round=ROUND,
        operator=OPERATOR.address,
        commitments=b"\x01" * 32,
        beacon=b"\x02" * 32,
        pipeline_hash=b"\x03" * 32,
        base_model=b"\x04" * 32,
        scores=scores,
    )


def same(found: Record, data: bytes) -> None:
    """What a record let in is what it would write."""
    assert found.to_bytes() == data


def _observation(data: bytes) -> None:
    found = Observation.from_bytes(data, name="observation")
    same(found, data)
    for score in medians([found]):
        score.leaf(0).hash()


def _draft(source: Random) -> Agreement:
    return Agreement(
        chain_id=CHAIN,
        market=MARKET,
        round=ROUND,
        provider=PROVIDER.address,
        planner=PLANNER.address,
        dataset_root=source.randbytes(32),
        licence_hash=source.randbytes(32),
        revenue_share=source.randrange(10**18),
        expiry=source.choice((0, 2_000_000_000)),
    )


def _signed(source: Random) -> bytes:
    return _draft(source).signed(PROVIDER).signed(PLANNER).to_bytes()


def _resigned(source: Random) -> Input:
    """A draft with one thing changed, signed as it stands then wherever a wallet would; or a signed one changed."""
    changed = change(source, json.loads(_draft(source).to_bytes()))
    data = spell(changed.value)
    try:
        draft = Agreement.from_bytes(data, name="draft")
        return Input(draft.signed(PROVIDER).signed(PLANNER).to_bytes(), f"{changed.how}, signed")
    except MiaError:
        changed = change(source, json.loads(_signed(source)))
        return Input(spell(changed.value), changed.how)


def _agreement(data: bytes) -> None:
    found = Agreement.from_bytes(data, name="agreement")
    same(found, data)
    for role in found.roles():
        found.check_signature(role)
    found.check_time(1_900_000_000)


def _key_shown(source: Random) -> bytes:
    x25519 = source.randbytes(32)
    return spell(
        {
            "owner": OPERATOR.address,
            "signature": encryption_key.sign_key(OPERATOR, x25519).hex(),
            "x25519": x25519.hex(),
        }
    )


class _Shown(Record):
    owner: str
    signature: str
    x25519: str


def _owner(data: bytes) -> None:
    """The words of a contract or node are bytes of any length and an address; the record here only carries them."""
    shown = _Shown.from_bytes(data, name="key")
    try:
        x25519, signature = bytes.fromhex(shown.x25519), bytes.fromhex(shown.signature)
    except ValueError as error:
        raise CheckFailed(f"not of hexadecimal digits: {error}") from error
    if len(x25519) != 32 or shown.owner != OPERATOR.address:
        raise CheckFailed("no word of the chain")
    encryption_key.require_owner(shown.owner, x25519, signature)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _licence_text(data: bytes) -> None:
    text = read_text(data, name="licence")
    assert licence_hash(text) == licence_hash(read_text(text.encode(), name="licence"))


TARGETS = (
    record("observation", lambda source: observation(source).to_bytes(), _observation, allowed=(CheckFailed,)),
    Target("licence agreement", few(_signed), _resigned, document("", _signed, _agreement).syntax, _agreement),
    record("encryption key, signed", few(_key_shown), _owner, allowed=(CheckFailed,)),
    plain(
        "licence text", lambda source: "\r\n".join(sentence(source) for _ in range(4)).encode(), _licence_text, _is_text
    ),
)
