"""Keystores as other programs write them, as editors save them, and as nobody should open them."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_keyfile import create_keyfile_json

from oracle.chain.keys import load_account
from oracle.chain.wallet_file import MAX_FILE, read_wallet_file
from oracle.errors import BadInput

KEY = b"\x2a" * 32
ADDRESS = Account.from_key(KEY).address
PASSWORD = "tide and harbour"
Store = dict[str, Any]


def keystore(kdf: str = "scrypt", key: bytes = KEY) -> Store:
    """As eth-account writes it, at little cost."""
    return dict(Account.encrypt(key, PASSWORD, kdf=kdf, iterations=16))  # type: ignore[arg-type]


def opened(path: Path) -> str:
    return load_account(path, prompt=lambda _: PASSWORD).address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wallet.json"


def without(name: str) -> Callable[[Store], Store]:
    return lambda store: {key: value for key, value in store.items() if key != name}


@pytest.mark.parametrize(
    ("named", "change"),
    [
        (None, without("address")),
        (None, lambda store: store | {"address": ""}),
        (None, lambda store: store | {"address": None}),
        (ADDRESS, lambda store: store | {"address": ADDRESS}),
        (ADDRESS, lambda store: store | {"address": ADDRESS[2:].upper()}),
        (ADDRESS, lambda store: store | {"address": "0X" + ADDRESS[2:].upper()}),
        (ADDRESS, lambda store: store | {"address": ADDRESS.lower()}),
        (None, lambda store: store | {"address": "0x" + ADDRESS[2:].swapcase()}),  # fails the checksum
        (ADDRESS, lambda store: without("crypto")(store) | {"Crypto": store["crypto"]}),
        (ADDRESS, lambda store: {key.upper(): value for key, value in store.items()}),
        (ADDRESS, lambda store: store | {"name": "savings", "x-ethers": {"client": "ethers.js"}}),
    ],
)
@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_what_other_programs_write_opens(
    file: Path, kdf: str, named: str | None, change: Callable[[Store], Store]
) -> None:
    file.write_text(json.dumps(change(keystore(kdf))))
    assert read_wallet_file(file).named == named
    assert opened(file) == ADDRESS


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_editors_save_opens(file: Path, codec: str) -> None:
    file.write_bytes(json.dumps(keystore(), indent=1).replace("\n", "\r\n").encode(codec))
    assert opened(file) == ADDRESS


def test_a_key_without_its_leading_zeros_opens(file: Path) -> None:
    """As early wallets wrote it: 31 bytes."""
    short = b"\x07" * 31
    stored = create_keyfile_json(b"\x00" + short, PASSWORD.encode(), kdf="scrypt", iterations=16)  # type: ignore[arg-type]
    from Crypto.Protocol.KDF import scrypt
    from eth_keyfile.keyfile import encrypt_aes_ctr
    from eth_utils.crypto import keccak

    crypto = stored["crypto"]
    salt = bytes.fromhex(crypto["kdfparams"]["salt"])
    derived = scrypt(PASSWORD, salt=salt, key_len=32, N=16, r=8, p=1)  # type: ignore[arg-type]
    assert isinstance(derived, bytes)
    sealed = encrypt_aes_ctr(short, derived[:16], int(crypto["cipherparams"]["iv"], 16))
    crypto |= {"ciphertext": sealed.hex(), "mac": keccak(derived[16:32] + sealed).hex()}
    file.write_text(json.dumps(stored))
    assert opened(file) == Account.from_key(b"\x00" + short).address


def test_another_address_than_the_keys_is_refused_by_both_names(file: Path) -> None:
    other = Account.from_key(b"\x2b" * 32).address
    file.write_text(json.dumps(keystore() | {"address": other}))
    assert read_wallet_file(file).named == other
    with pytest.raises(BadInput) as refused:
        opened(file)
    assert other in str(refused.value) and ADDRESS in str(refused.value) and refused.value.input == str(file)


def changed(**fields: Any) -> str:
    """A keystore with some of its key derivation's numbers changed."""
    store = copy.deepcopy(keystore("pbkdf2" if "c" in fields else "scrypt"))
    store["crypto"]["kdfparams"] |= fields
    return json.dumps(store)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1 << 40},
        {"n": 1 << 24, "r": 1},
        {"r": 1 << 26},
        {"p": 1 << 28},
        {"n": 1 << 18, "p": 64},
        {"n": 2, "p": 700},
        {"n": 2, "r": 1200},
        {"dklen": 1 << 40},
        {"dklen": 16},
        {"n": -2},
        {"n": True},
        {"n": 16.0},
        {"n": "16"},
        {"n": 10**400},
        {"c": 1 << 40},
        {"c": 1000, "dklen": 1 << 31},
        {"c": 1000, "prf": "hmac-md5"},
    ],
)
def test_what_costs_too_much_is_refused_at_once(file: Path, fields: dict[str, Any]) -> None:
    file.write_text(changed(**fields))
    began = time.monotonic()
    with pytest.raises(BadInput, match=r"no keystore of version 3: crypto\.") as refused:
        opened(file)
    assert time.monotonic() - began < 2 and refused.value.input == str(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "document"),
        ("null", "document"),
        ('"wallet"', "document"),
        ("{", "no keystore"),
        (changed(n=float("nan")), "NaN"),
        (json.dumps(keystore())[:-1] + ', "version": 3}', "twice"),
        (json.dumps(keystore())[:-1] + ', "Version": 3}', "twice"),
        (json.dumps(keystore() | {"version": 1}), "version"),
        (json.dumps(keystore() | {"version": "3"}), "version"),
        (json.dumps(keystore() | {"address": 5}), "address"),
        (json.dumps(keystore() | {"address": "0x1234"}), "address"),
        (json.dumps(keystore() | {"crypto": None}), "crypto"),
        (json.dumps(keystore() | {"crypto": "\ud800"}), "crypto"),
        ('{"version": 3, "crypto": ' + "[" * 20_000 + "]" * 20_000 + "}", "no keystore"),
        (json.dumps(keystore() | {"note": "x" * MAX_FILE}), "above"),
    ],
)
def test_what_is_no_keystore_says_why(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    for read in (read_wallet_file, opened):
        with pytest.raises(BadInput, match=told) as refused:
            read(file)
        assert refused.value.input == str(file) and refused.value.hint
