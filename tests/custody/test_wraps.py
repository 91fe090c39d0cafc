from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from oracle.custody.context import Context
from oracle.custody.wraps import Wrap, Wraps, read_wraps, unwrap_key, wrap_key
from oracle.errors import BadInput, CheckFailed

PROVIDER, ALICE, BOB = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
CONTEXT = Context(31337, "0x" + "44" * 20, 5, PROVIDER, b"\x07" * 32)
KEY = b"\x2a" * 32
MANIFEST = b"\x01" * 32


def pair() -> tuple[bytes, bytes]:
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


PRIVATE, PUBLIC = pair()
BOBS_PRIVATE, BOBS_PUBLIC = pair()


@pytest.fixture
def wraps() -> Wraps:
    both = (wrap_key(CONTEXT, KEY, ALICE, PUBLIC), wrap_key(CONTEXT, KEY, BOB, BOBS_PUBLIC))
    return Wraps(manifest=MANIFEST, wraps=both)


def test_each_recipient_opens_its_own(wraps: Wraps) -> None:
    again = read_wraps(wraps.to_bytes(), manifest=MANIFEST, name="wraps")
    assert again == wraps
    assert unwrap_key(CONTEXT, again, ALICE, PRIVATE) == unwrap_key(CONTEXT, again, BOB, BOBS_PRIVATE) == KEY


def test_an_address_has_one_meaning_in_every_spelling(wraps: Wraps) -> None:
    assert unwrap_key(CONTEXT, wraps, ALICE.upper().replace("X", "x"), PRIVATE) == KEY


def test_an_older_generation_still_opens(wraps: Wraps) -> None:
    assert unwrap_key(CONTEXT, wraps, ALICE, pair()[0], PRIVATE) == KEY


def test_nothing_is_wrapped_to_a_stranger(wraps: Wraps) -> None:
    with pytest.raises(CheckFailed, match="no key is wrapped to it") as failure:
        unwrap_key(CONTEXT, wraps, PROVIDER, PRIVATE)
    assert failure.value.input == PROVIDER


def test_a_wrap_for_another_operator_does_not_open(wraps: Wraps) -> None:
    """Also not when Bob says that it is his: the address is bound."""
    with pytest.raises(CheckFailed, match="another of its keys"):
        unwrap_key(CONTEXT, wraps, ALICE, BOBS_PRIVATE)
    renamed = wraps.wraps[0].model_copy(update={"recipient": BOB})
    with pytest.raises(CheckFailed, match="does not open"):
        unwrap_key(CONTEXT, [renamed], BOB, PRIVATE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(CONTEXT, chain_id=1),
        replace(CONTEXT, market=ALICE),
        replace(CONTEXT, round=6),
        replace(CONTEXT, provider=ALICE),
        replace(CONTEXT, dataset=b"\x08" * 32),
    ],
)
def test_a_wrap_copied_elsewhere_is_worth_nothing(wraps: Wraps, elsewhere: Context) -> None:
    with pytest.raises(CheckFailed, match="does not open"):
        unwrap_key(elsewhere, wraps, ALICE, PRIVATE)


def test_every_altered_byte_is_found(wraps: Wraps) -> None:
    own = wraps.wraps[0]
    sealed = bytes.fromhex(own.ciphertext)
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CheckFailed):
            unwrap_key(CONTEXT, [own.model_copy(update={"ciphertext": altered.hex()})], ALICE, PRIVATE)


def test_two_wraps_of_one_key_look_unlike() -> None:
    assert wrap_key(CONTEXT, KEY, ALICE, PUBLIC).ciphertext != wrap_key(CONTEXT, KEY, ALICE, PUBLIC).ciphertext


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"short"])
def test_no_key_at_all_is_refused_by_name(public: bytes) -> None:
    with pytest.raises(BadInput) as failure:
        wrap_key(CONTEXT, KEY, ALICE, public)
    assert failure.value.input == ALICE


def test_wraps_of_another_manifest_are_refused(wraps: Wraps) -> None:
    with pytest.raises(CheckFailed, match="not 0x0202"):
        read_wraps(wraps.to_bytes(), manifest=b"\x02" * 32, name="wraps.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"kind":"mixed-mia/wraps/1"}'])
def test_no_wraps_at_all(data: bytes) -> None:
    with pytest.raises(CheckFailed) as failure:
        read_wraps(data, manifest=MANIFEST, name="wraps.json")
    assert failure.value.input == "wraps.json"


def test_wraps_are_bounded(wraps: Wraps) -> None:
    with pytest.raises(ValueError, match="at most"):
        Wraps(manifest=MANIFEST, wraps=(wraps.wraps[0],) * 5000)


def test_a_wrap_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="ciphertext"):
        Wrap(recipient=ALICE, public_key=PUBLIC, ciphertext="ab")
