import hashlib
import random

import pytest

from oracle.custody.lthash import STATE_BYTES, LtHash
from oracle.errors import BadInput

LINES = [f"document {n}".encode() for n in range(600)]


def of(lines: list[bytes]) -> LtHash:
    digest = LtHash()
    digest.add(lines)
    return digest


def test_the_order_does_not_count() -> None:
    shuffled = random.Random(1).sample(LINES, len(LINES))
    assert of(shuffled) == of(LINES) and of(shuffled).to_bytes() == of(LINES).to_bytes()


def test_a_union_is_a_sum() -> None:
    assert of(LINES[:200]).union(of(LINES[200:])) == of(LINES)


def test_versions_follow_from_each_other() -> None:
    digest = of(LINES)
    digest.remove(LINES[100:300])
    digest.add([b"a new document"])
    assert digest == of([*LINES[:100], *LINES[300:], b"a new document"])


def test_nothing_is_neutral_and_everything_else_counts() -> None:
    assert of([]) == LtHash() and of([]).to_bytes() == bytes(STATE_BYTES)
    assert of([b""]) != LtHash()
    assert of([b"a", b"a"]) != of([b"a"])
    assert of([b"ab", b"c"]) != of([b"a", b"bc"])


def test_the_state_can_be_kept() -> None:
    digest = LtHash(of(LINES[:10]).to_bytes())
    digest.add(LINES[10:])
    assert digest == of(LINES)
    with pytest.raises(BadInput):
        LtHash(b"short")


def test_one_document_is_shake_of_its_sha256() -> None:
    expected = hashlib.shake_128(b"mixed-mia/lthash/1" + hashlib.sha256(b"a").digest()).digest(2048)
    assert of([b"a"]).to_bytes() == expected
