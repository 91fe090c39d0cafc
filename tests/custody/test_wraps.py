from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from eth_account import Account
from eth_account.signers.local import LocalAccount

from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.manifest import SealedManifest
from oracle.custody.sealed import pack
from oracle.custody.store import LocalStore
from oracle.custody.wraps import (
    MAX_TRIES,
    Wrap,
    Wraps,
    read_wraps,
    require_recipient,
    require_signed,
    sign_wraps,
    unwrap_key,
    wrap_key,
)
from oracle.errors import BadInput, CheckFailed

OWNER: LocalAccount = Account.create()
CLERK: LocalAccount = Account.create()
THIEF: LocalAccount = Account.create()
PROVIDER, ALICE, BOB = OWNER.address, "0x" + "22" * 20, "0x" + "33" * 20
CONTEXT = Context(31337, "0x" + "44" * 20, 5, PROVIDER, b"\x07" * 32)
KEY = b"\x2a" * 32


def pair() -> tuple[bytes, bytes]:
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


PRIVATE, PUBLIC = pair()
BOBS_PRIVATE, BOBS_PUBLIC = pair()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> SealedManifest:
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return pack(store, CONTEXT, [Document("1", "A text.")], KEY, board_key=CLERK.address).manifest


@pytest.fixture
def wraps(manifest: SealedManifest) -> Wraps:
    both = (wrap_key(CONTEXT, KEY, ALICE, PUBLIC), wrap_key(CONTEXT, KEY, BOB, BOBS_PUBLIC))
    return sign_wraps(OWNER, manifest, both)


def test_each_recipient_opens_its_own(manifest: SealedManifest, wraps: Wraps) -> None:
    again = read_wraps(wraps.to_bytes(), manifest=manifest.digest, name="wraps")
    assert again == wraps
    assert unwrap_key(manifest, again, ALICE, PRIVATE) == unwrap_key(manifest, again, BOB, BOBS_PRIVATE) == KEY


def test_an_address_has_one_meaning_in_every_spelling(manifest: SealedManifest, wraps: Wraps) -> None:
    assert unwrap_key(manifest, wraps, ALICE.upper().replace("X", "x"), PRIVATE) == KEY


def test_an_older_generation_still_opens(manifest: SealedManifest, wraps: Wraps) -> None:
    assert unwrap_key(manifest, wraps, ALICE, pair()[0], PRIVATE) == KEY


def test_nothing_is_wrapped_to_a_stranger(manifest: SealedManifest, wraps: Wraps) -> None:
    with pytest.raises(CheckFailed, match="no key is wrapped to it") as failure:
        unwrap_key(manifest, wraps, PROVIDER, PRIVATE)
    assert failure.value.input == PROVIDER


def test_a_wrap_for_another_operator_does_not_open(manifest: SealedManifest, wraps: Wraps) -> None:
    """Also not when Bob says that it is his: the address is bound."""
    with pytest.raises(CheckFailed, match="another of its keys"):
        unwrap_key(manifest, wraps, ALICE, BOBS_PRIVATE)
    renamed = wraps.wraps[0].model_copy(update={"recipient": BOB})
    with pytest.raises(CheckFailed, match="does not open"):
        unwrap_key(manifest, [renamed], BOB, PRIVATE)


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
def test_a_wrap_copied_elsewhere_is_worth_nothing(manifest: SealedManifest, wraps: Wraps, elsewhere: Context) -> None:
    place = {
        "chain_id": elsewhere.chain_id,
        "market": elsewhere.market,
        "round": elsewhere.round,
        "provider": elsewhere.provider,
        "dataset": elsewhere.dataset,
    }
    there = manifest.model_copy(update=place)
    with pytest.raises(CheckFailed, match="does not open"):
        unwrap_key(there, wraps, ALICE, PRIVATE)
    with pytest.raises(CheckFailed, match="signed by"):
        require_signed(there, wraps, name="wraps")


def test_every_altered_byte_is_found(manifest: SealedManifest, wraps: Wraps) -> None:
    own = wraps.wraps[0]
    sealed = bytes.fromhex(own.ciphertext)
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CheckFailed):
            unwrap_key(manifest, [own.model_copy(update={"ciphertext": altered.hex()})], ALICE, PRIVATE)


def test_two_wraps_of_one_key_look_unlike() -> None:
    assert wrap_key(CONTEXT, KEY, ALICE, PUBLIC).ciphertext != wrap_key(CONTEXT, KEY, ALICE, PUBLIC).ciphertext


P = 2**255 - 19
SMALL_ORDER = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
    P,
    P + 1,
]
"""Every u of small order on Curve25519 and its twist below 2**255, canonical or not; the highest bit is ignored."""


@pytest.mark.parametrize("high", [0, 1 << 255], ids=["plain", "high bit"])
@pytest.mark.parametrize("u", SMALL_ORDER)
def test_a_key_of_small_order_is_refused_by_name(u: int, high: int) -> None:
    public = (u | high).to_bytes(32, "little")
    for attempt in (lambda: require_recipient(ALICE, public), lambda: wrap_key(CONTEXT, KEY, ALICE, public)):
        with pytest.raises(BadInput, match="small order") as failure:
            attempt()
        assert failure.value.input == ALICE


@pytest.mark.parametrize("public", [b"", b"short", bytes(33)])
def test_no_key_at_all_is_refused_by_name(public: bytes) -> None:
    with pytest.raises(BadInput) as failure:
        wrap_key(CONTEXT, KEY, ALICE, public)
    assert failure.value.input == ALICE


def test_every_other_key_is_taken() -> None:
    for u in (2, 9, P - 2, P + 2, 2**255 - 1):  # the last two: spelled in a second way, and of a large order
        assert wrap_key(CONTEXT, KEY, ALICE, u.to_bytes(32, "little"))


# --- which wrap is the right one ---


def test_a_false_wrap_in_front_hides_nothing(manifest: SealedManifest) -> None:
    """Base mode lets anybody wrap anything: what opens is not yet the key."""
    good = wrap_key(CONTEXT, KEY, ALICE, PUBLIC)
    false = [wrap_key(CONTEXT, secrets.token_bytes(32), ALICE, PUBLIC) for _ in range(MAX_TRIES - 1)]
    assert unwrap_key(manifest, [*false, good], ALICE, PRIVATE) == KEY
    with pytest.raises(CheckFailed, match="not the key that data set"):
        unwrap_key(manifest, false, ALICE, PRIVATE)
    with pytest.raises(CheckFailed, match=f"{MAX_TRIES} are tried"):  # nobody makes a reader try thousands
        unwrap_key(manifest, [*false, false[0], good], ALICE, PRIVATE)


# --- whose wraps they are ---


@pytest.mark.parametrize("account", [OWNER, CLERK], ids=["wallet", "board key"])
def test_wallet_and_board_key_sign(manifest: SealedManifest, account: LocalAccount) -> None:
    wraps = sign_wraps(account, manifest, [wrap_key(CONTEXT, KEY, ALICE, PUBLIC)])
    require_signed(manifest, read_wraps(wraps.to_bytes(), manifest=manifest.digest, name="w"), name="w")


def test_nobody_else_signs(manifest: SealedManifest, wraps: Wraps) -> None:
    with pytest.raises(BadInput) as refused:
        sign_wraps(THIEF, manifest, wraps.wraps)
    assert refused.value.input == THIEF.address and CLERK.address in refused.value.hint
    with pytest.raises(BadInput):  # a board key is one because the committed manifest says so
        sign_wraps(CLERK, manifest.model_copy(update={"board_key": None}), wraps.wraps)
    as_if = manifest.model_copy(update={"board_key": THIEF.address})
    forged = sign_wraps(THIEF, as_if, wraps.wraps)
    with pytest.raises(CheckFailed, match="signed by") as third:
        require_signed(manifest, forged.model_copy(update={"manifest": manifest.digest}), name="wraps-0x1")
    assert third.value.input == "wraps-0x1"


def test_altered_wraps_are_not_the_owners(manifest: SealedManifest, wraps: Wraps) -> None:
    one, other = wraps.wraps
    for changed in ((), (one,), (other, one), (one, other, other), (one.model_copy(update={"recipient": BOB}), other)):
        with pytest.raises(CheckFailed, match="altered"):
            require_signed(manifest, wraps.model_copy(update={"wraps": changed}), name="w")


@pytest.mark.parametrize("signature", [None, "00" * 65, "ff" * 65])
def test_wraps_without_a_signature_of_anybody(manifest: SealedManifest, wraps: Wraps, signature: str | None) -> None:
    with pytest.raises(CheckFailed) as failure:
        require_signed(manifest, wraps.model_copy(update={"signature": signature}), name="w")
    assert failure.value.input == "w"


# --- what is no wraps ---


def test_wraps_of_another_manifest_are_refused(manifest: SealedManifest, wraps: Wraps) -> None:
    with pytest.raises(CheckFailed, match="not 0x0202"):
        read_wraps(wraps.to_bytes(), manifest=b"\x02" * 32, name="wraps.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"kind":"mixed-mia/wraps/2"}'])
def test_no_wraps_at_all(data: bytes) -> None:
    with pytest.raises(CheckFailed) as failure:
        read_wraps(data, manifest=bytes(32), name="wraps.json")
    assert failure.value.input == "wraps.json"


def test_wraps_are_bounded(manifest: SealedManifest, wraps: Wraps) -> None:
    with pytest.raises(ValueError, match="at most"):
        Wraps(manifest=manifest.digest, wraps=(wraps.wraps[0],) * 5000)


def test_a_wrap_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="ciphertext"):
        Wrap(recipient=ALICE, public_key=PUBLIC, ciphertext="ab")
