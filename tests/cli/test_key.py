"""``mia key``: keys beside the wallet, on chain, and in a copy that opens."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from conftest import PASSWORD, Mia, World

from oracle.chain.exchange import Exchange
from oracle.chain.keys import create_keystore
from oracle.cli.main import run
from oracle.custody.keystore import create_keys, load_keys, public_keys
from oracle.evidence import canonical


@pytest.fixture
def wallet(tmp_path: Path) -> Path:
    """A wallet of its own, and the file with its password."""
    create_keystore(tmp_path / "alice.json", PASSWORD, work=2**4)
    (tmp_path / "pw").write_text(PASSWORD + "\n")
    return tmp_path / "alice.json"


def test_keys_are_made_beside_the_wallet_rotated_and_backed_up(mia: Mia, wallet: Path) -> None:
    folder, opens = wallet.parent, ["--password-file", wallet.parent / "pw"]
    made = mia("key", "create", wallet, *opens)
    file = folder / "alice.keys.json"
    assert made.code == 0, made.said
    assert made.document["keys"] == str(file) and made.document["generations"] == 1
    assert made.document["owner"] == mia("key", "show", wallet).document["address"]
    assert mia("key", "show", file).document == made.document
    keys = load_keys(file, PASSWORD)
    assert made.document["x25519"] == "0x" + keys.public.x25519.hex()
    assert made.document["bn254"] == [str(coordinate) for coordinate in keys.public.bn254]

    rotated = mia("key", "rotate", file, *opens)
    assert (rotated.code, rotated.document["generations"]) == (0, 2)
    assert rotated.document["x25519"] != made.document["x25519"]
    copied = mia("key", "backup", file, folder / "usb" / "copy.json", *opens)
    assert copied.code == 0
    assert copied.document == rotated.document | {"keys": str(folder / "usb" / "copy.json")}
    assert load_keys(folder / "usb" / "copy.json", PASSWORD) == load_keys(file, PASSWORD)


def test_mistakes_write_nothing(mia: Mia, wallet: Path, tmp_path: Path) -> None:
    opens = ["--password-file", tmp_path / "pw"]
    assert mia("key", "create", wallet, *opens).code == 0
    file = tmp_path / "alice.keys.json"
    before = file.read_bytes()
    (tmp_path / "wrong").write_text("not the password\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "other.json").write_text('{"header": {}}')
    for arguments, code in (
        (["create", wallet, *opens], 2),  # never overwritten
        (["create", tmp_path / "none.json", "--out", tmp_path / "new", *opens], 2),
        (["create", file, "--out", tmp_path / "new", *opens], 2),  # a key file is no wallet
        (["create", wallet, "--out", tmp_path / "new", "--password-file", tmp_path / "empty"], 2),
        (["rotate", file, "--password-file", tmp_path / "wrong"], 2),
        (["rotate", tmp_path / "none.json", *opens], 2),
        (["rotate", wallet, *opens], 1),
        (["backup", file, tmp_path / "new", "--password-file", tmp_path / "wrong"], 2),
        (["backup", file, wallet, *opens], 2),
        (["show", tmp_path / "other.json"], 1),
        (["show", tmp_path / "none.json"], 2),
    ):
        answer = mia("key", *arguments)
        assert answer.code == code, (arguments, answer.document)
        assert answer.document["error"]["input"]
    assert file.read_bytes() == before and not (tmp_path / "new").exists()


def test_a_wallet_without_address_tells_it_by_its_password(mia: Mia, wallet: Path) -> None:
    opens = ["--password-file", wallet.parent / "pw"]
    address = mia("key", "show", wallet).document["address"]
    words = json.loads(wallet.read_text())
    for named in ({}, {"address": "0x" + address[2:].swapcase()}):
        wallet.write_text(json.dumps({key: value for key, value in words.items() if key != "address"} | named))
        asked = mia("key", "show", wallet)
        assert (asked.code, asked.document["error"]["input"]) == (2, str(wallet))
        assert "address" in asked.document["error"]["hint"] and "--password-file" in asked.document["error"]["hint"]
        assert mia("key", "show", wallet, *opens).document == {"keystore": str(wallet), "address": address}
    made = mia("key", "create", wallet, *opens)
    assert (made.code, made.document["owner"]) == (0, address)
    packed = mia("data", "pack", wallet, "--out", wallet.parent / "sealed", *_place(wallet))
    assert packed.code == 2 and "mia key show" in packed.document["error"]["hint"]


def _place(provider: Path) -> list[object]:
    return ["--round", 1, "--chain-id", 1, "--contract", "0x" + "11" * 20, "--provider", provider]


def test_the_public_part_is_written_from_the_opened_file(mia: Mia, wallet: Path) -> None:
    folder, opens = wallet.parent, ["--password-file", wallet.parent / "pw"]
    file, signs = folder / "alice.keys.json", ["--keystore", wallet, *opens]
    assert mia("key", "create", wallet, *opens).code == 0
    made = mia("key", "public", file, *signs)
    assert made.code == 0, made.said
    shown = mia("key", "show", file).document
    assert made.document == {key: shown[key] for key in ("owner", "x25519", "bn254")} | {
        "public": str(folder / "alice.public.json")
    }
    assert mia("key", "show", folder / "alice.public.json").document == made.document
    again = mia("key", "public", file, *signs)
    assert again.code == 2 and "exists" in again.document["error"]["hint"]

    create_keystore(folder / "eve.json", PASSWORD, work=2**4)
    theirs = mia("key", "public", file, "--out", folder / "new", "--keystore", folder / "eve.json", *opens)
    assert (theirs.code, theirs.document["error"]["input"]) == (2, made.document["owner"])
    # another public key in the header, and the checksum repaired: the opened file says something else
    document, eve = json.loads(file.read_text()), folder / "eve.keys.json"
    create_keys(eve, made.document["owner"], PASSWORD, work=2**12)
    document["header"]["generations"] = json.loads(eve.read_text())["header"]["generations"]
    bound = canonical.dumps(document["header"]) + bytes.fromhex(document["ciphertext"])
    file.write_text(json.dumps(document | {"sha256": hashlib.sha256(bound).hexdigest()}))
    assert mia("key", "show", file).document["x25519"] != made.document["x25519"]
    assert mia("key", "public", file, "--out", folder / "new", *signs).code != 0
    assert not (folder / "new").exists()


def test_no_command_prints_a_secret(wallet: Path) -> None:
    folder = wallet.parent
    file, opens = folder / "alice.keys.json", ["--password-file", str(folder / "pw")]
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        for arguments in (
            ["create", str(wallet), *opens],
            ["show", str(file)],
            ["rotate", str(file), *opens],
            ["backup", str(file), str(folder / "copy.json"), *opens],
            ["backup", str(file), str(folder / "copy.json"), *opens],  # refused: the error is looked at as well
            ["show", str(file), "--json"],
        ):
            run(["key", *arguments])
    text = "".join(said.getvalue().split()).lower()
    for pair in load_keys(file, PASSWORD).generations:
        for secret in (pair.x25519.hex(), str(pair.bn254), f"{pair.bn254:x}", str(pair.x25519)):
            assert secret.lower() not in text
    assert PASSWORD.replace(" ", "") not in text


def test_keys_are_registered_once_and_again_after_a_rotation(mia: Mia, world: World) -> None:
    owner, exchange = world.market.terms(1).planner, Exchange(world.market)
    file, opens = world.folder / "planner.keys.json", ["--password-file", world.folder / "password.txt"]
    create_keys(file, owner, PASSWORD, work=2**12)
    first = mia("key", "register", file, *world.key("planner"), *world.here)
    assert first.code == 0, first.said
    assert first.document["owner"] == owner and first.document["encryption"] and first.document["delivery"]
    public = public_keys(file)
    signed = exchange.encryption_key(owner)
    assert signed is not None and (signed.key, exchange.delivery_key(owner)) == (public.x25519, public.bn254)
    again = mia("key", "register", file, *world.key("planner"), *world.here)
    assert (again.code, again.document) == (0, {"owner": owner, "encryption": None, "delivery": None})
    assert mia("key", "rotate", file, *opens).code == 0
    assert mia("key", "register", file, *world.key("planner"), *world.here).document["delivery"]
    assert exchange.delivery_key(owner) == public_keys(file).bn254 != public.bn254


def test_somebody_elses_keys_are_not_registered(mia: Mia, world: World) -> None:
    file = world.folder / "stranger.keys.json"
    create_keys(file, "0x" + "33" * 20, PASSWORD, work=2**12)
    answer = mia("key", "register", file, *world.key("alice"), *world.here)
    assert (answer.code, answer.document["error"]["input"]) == (2, "0x" + "33" * 20)
    damaged = json.loads(file.read_text()) | {"sha256": "00" * 32}
    (world.folder / "damaged.json").write_text(json.dumps(damaged))
    assert mia("key", "register", world.folder / "damaged.json", *world.key("alice"), *world.here).code == 1
