"""The public part of a key file: signed by its owner, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from eth_account import Account

from oracle.chain.keys import create_keystore
from oracle.custody.contentkey import ContentKey, write_key
from oracle.custody.keystore import KeyPair, Keys, create_keys
from oracle.custody.publickeys import public_beside, public_part, read_public_part
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical
from oracle.evidence.encryption_key import sign_key

OWNER, OTHER = Account.from_key(b"\x07" * 32), Account.from_key(b"\x08" * 32)
KEYS = Keys(OWNER.address, (KeyPair.random(), KeyPair.random()))
SMALL = [  # points of order 1, 2, 4 and 8 on Curve25519 and its twist, and two that are spelt a second way
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "anna.public.json"
    path.write_bytes(public_part(OWNER, KEYS).to_bytes())
    return path


def test_the_newest_keys_are_shown_with_their_owners_signature(file: Path) -> None:
    part = read_public_part(file)
    assert (part.owner, part.x25519, part.bn254) == (OWNER.address, KEYS.public.x25519, KEYS.public.bn254)
    for pair in KEYS.generations:
        assert pair.x25519.hex() not in file.read_text() and str(pair.bn254) not in file.read_text()


def test_a_mark_and_line_ends_of_an_editor_do_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_public_part(file).owner == OWNER.address


def test_nobody_signs_for_another(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"belong to {OWNER.address}"):
        public_part(OTHER, KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"owner": OTHER.address},
        {"x25519": "0x" + X25519PrivateKey.generate().public_key().public_bytes_raw().hex()},
        {"signature": "0x" + sign_key(OTHER, KEYS.public.x25519).hex()},
        {"signature": "0x" + "00" * 65},
        {"bn254": ["1", "1"]},
        {"kind": "mixed-mia/public-keys/2"},
        {"note": "more"},
    ],
)
def test_what_was_altered_is_refused_by_name(file: Path, change: dict[str, object]) -> None:
    file.write_bytes(canonical.dumps(json.loads(file.read_bytes()) | change))
    with pytest.raises(CheckFailed) as refused:
        read_public_part(file)
    assert refused.value.input in (str(file), OWNER.address, OTHER.address)


@pytest.mark.parametrize("key", SMALL)
def test_a_key_that_keeps_nothing_secret_is_refused(file: Path, key: bytes) -> None:
    words = json.loads(file.read_bytes())
    words |= {"x25519": "0x" + key.hex(), "signature": "0x" + sign_key(OWNER, key).hex()}
    file.write_bytes(canonical.dumps(words))
    with pytest.raises(BadInput, match="small order"):
        read_public_part(file)


def test_private_files_are_refused_with_the_way_out(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", OWNER.address, "password", work=1 << 12)
    create_keystore(tmp_path / "wallet", "password", work=16)
    (tmp_path / "Wallet").write_bytes((tmp_path / "wallet").read_bytes().replace(b"crypto", b"Crypto"))
    write_key(tmp_path / "content", ContentKey(manifest=bytes(32), key=bytes(32)))
    for path in tmp_path.iterdir():
        with pytest.raises(BadInput, match="private key") as refused:
            read_public_part(path)
        assert refused.value.input == str(path) and "mia key public" in refused.value.hint


def test_where_it_lies() -> None:
    assert public_beside(Path("a/anna.keys.json")) == Path("a/anna.public.json")
    assert public_beside(Path("anna.json")) == Path("anna.public.json")
    assert public_beside(Path("anna")) == Path("anna.public.json")
