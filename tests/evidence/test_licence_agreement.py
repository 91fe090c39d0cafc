"""One hash for one licence text, and an agreement that only its two parties can sign, for exactly these words."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oracle.errors import BadInput, CheckFailed
from oracle.evidence.licence import WAD, Agreement, canonical_text, licence_hash, read_text

PROVIDER, PLANNER, STRANGER = (Account.from_key(bytes([n]) * 32) for n in (1, 2, 3))
MARKET = "0x" + "Ab" * 20


def agreement(**other: Any) -> Agreement:
    values: dict[str, Any] = {
        "chain_id": 31337,
        "market": MARKET,
        "round": 7,
        "provider": PROVIDER.address,
        "planner": PLANNER.address,
        "dataset_root": b"\x22" * 32,
        "licence_hash": b"\x33" * 32,
        "revenue_share": WAD // 20,
        "expiry": 1_900_000_000,
    }
    return Agreement(**(values | other))


# --- the text ---


def test_spellings_of_one_text_have_one_hash() -> None:
    text = "Terms é\n\nTraining only.\n"
    assert licence_hash(text) == hashlib.sha256(text.encode()).digest()
    for other in (
        "Terms e\u0301\n\nTraining only.\n",
        "Terms é\r\n\r\nTraining only.\r\n",
        "Terms é\r\rTraining only.",
        "\ufeffTerms é\n\nTraining only.\n\n\n",
    ):
        assert canonical_text(other) == text
    for other in ("Terms é\nTraining only.\n", "Terms é\n\nTraining only!\n", " Terms é\n\nTraining only.\n"):
        assert licence_hash(other) != licence_hash(text)


@given(
    st.text(st.characters(blacklist_categories=("Cs",)), min_size=1).filter(lambda text: text.strip("\ufeff").strip())
)
def test_the_canonical_text_is_its_own(text: str) -> None:
    canonical = canonical_text("start" + text)
    assert canonical_text(canonical) == canonical
    assert canonical == unicodedata.normalize("NFC", canonical)
    assert canonical.endswith("\n") and not canonical.endswith("\n\n") and "\r" not in canonical


@pytest.mark.parametrize("data", [b"", b"\n\r\n ", b"\xef\xbb\xbf\n"])
def test_an_empty_licence_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="without text"):
        read_text(data, name="licence.txt")


def test_a_licence_is_utf8() -> None:
    with pytest.raises(BadInput, match=r"licence\.txt is not UTF-8"):
        read_text("é".encode("latin-1"), name="licence.txt")


# --- the agreement ---


def test_the_digest_is_eip_712() -> None:
    """Against the definition, spelled out with nothing but abi.encode and keccak256."""
    domain_type = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [domain_type, keccak(text="Mixed-MIA Licence"), keccak(text="1"), 31337, MARKET],
        )
    )
    typehash = keccak(
        text="LicenceAgreement(uint256 round,address provider,address planner,bytes32 datasetRoot,bytes32 licenceHash,"
        "uint64 revenueShare,uint64 expiry)"
    )
    struct = keccak(
        encode(
            ["bytes32", "uint256", "address", "address", "bytes32", "bytes32", "uint64", "uint64"],
            [typehash, 7, PROVIDER.address, PLANNER.address, b"\x22" * 32, b"\x33" * 32, WAD // 20, 1_900_000_000],
        )
    )
    assert agreement().digest() == keccak(b"\x19\x01" + domain + struct)


def test_both_sign_in_any_order() -> None:
    draft = agreement()
    assert draft.missing() == ["provider", "planner"]
    one = draft.signed(PLANNER)
    assert one.missing() == ["provider"]
    both = one.signed(PROVIDER)
    assert both == draft.signed(PROVIDER).signed(PLANNER)
    assert both.missing() == []
    for role in both.roles():
        both.check_signature(role)
    assert Agreement.from_bytes(both.to_bytes(), name="agreement") == both
    with pytest.raises(CheckFailed, match="has not signed"):
        one.check_signature("provider")


def test_nobody_else_signs() -> None:
    with pytest.raises(BadInput, match="neither provider nor planner"):
        agreement().signed(STRANGER)


def test_one_account_may_be_both() -> None:
    both = agreement(planner=PROVIDER.address).signed(PROVIDER)
    assert both.missing() == []


CHANGES = {
    "chain_id": 1,
    "market": "0x" + "Cd" * 20,
    "round": 8,
    "provider": STRANGER.address,
    "planner": STRANGER.address,
    "dataset_root": b"\x23" * 32,
    "licence_hash": b"\x34" * 32,
    "revenue_share": WAD // 10,
    "expiry": 0,
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_signature_is_for_every_word(field: str) -> None:
    signed = agreement().signed(PROVIDER).signed(PLANNER)
    changed = Agreement.model_validate(
        signed.model_dump(mode="json") | {field: agreement(**{field: CHANGES[field]}).model_dump(mode="json")[field]}
    )
    for role in changed.roles():
        with pytest.raises(CheckFailed):
            changed.check_signature(role)


@given(st.integers(0, 65 * 8 - 1))
def test_an_altered_signature_is_none(bit: int) -> None:
    signed = agreement().signed(PROVIDER)
    assert signed.provider_signature
    raw = bytearray.fromhex(signed.provider_signature[2:])
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CheckFailed):
        signed.model_copy(update={"provider_signature": "0x" + raw.hex()}).check_signature("provider")


def test_the_other_partys_signature_does_not_do() -> None:
    signed = agreement().signed(PLANNER)
    with pytest.raises(CheckFailed, match="not by"):
        signed.model_copy(update={"provider_signature": signed.planner_signature}).check_signature("provider")


def test_an_agreement_ends() -> None:
    agreement().check_time(1_899_999_999)
    agreement(expiry=0).check_time(1 << 50)
    for now in (1_900_000_000, 1 << 50):
        with pytest.raises(CheckFailed, match="ended"):
            agreement().check_time(now)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "mixed-mia/licence-agreement/2"},
        {"revenue_share": str(WAD + 1)},
        {"revenue_share": 0.5},
        {"expiry": -1},
        {"expiry": 1 << 60},
        {"provider": "alice"},
        {"dataset_root": "0x12"},
        {"provider_signature": "0x12"},
        {"more": 1},
    ],
)
def test_what_is_no_agreement_is_refused(change: dict[str, Any]) -> None:
    from oracle.evidence import canonical

    values = agreement().model_dump(mode="json") | change
    try:
        data = canonical.dumps(values)
    except BadInput:
        data = b"{}"
    with pytest.raises(CheckFailed, match="from bob"):
        Agreement.from_bytes(data, name="the agreement from bob")


def test_a_second_spelling_is_refused() -> None:
    data = agreement().to_bytes()
    lower = data.replace(PROVIDER.address.encode(), PROVIDER.address.lower().encode())
    with pytest.raises(CheckFailed, match="second way"):
        Agreement.from_bytes(lower, name="agreement")
    with pytest.raises(CheckFailed):
        Agreement.from_bytes(data + b" ", name="agreement")
