import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.custody import bn254, keystore, passwordfile
from oracle.custody.bidfile import Bid, write_bid
from oracle.custody.contentkey import ContentKey, read_key
from oracle.custody.keystore import KeyPair, Keys, backup_keys, create_keys, load_keys, public_keys, rotate_keys
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure, MiaError

PASSWORD = "correct horse"
OWNER = "0x1563915e194D8CfBA1943570603F7606A3115508"
WORK = 1 << 12


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.keys.json"
    create_keys(path, OWNER, PASSWORD, work=WORK)
    return path


def test_keys_come_back_and_fit_their_public_parts(tmp_path: Path) -> None:
    path = tmp_path / "alice.keys.json"
    made = create_keys(path, OWNER, PASSWORD)
    opened = load_keys(path, PASSWORD)
    assert opened == made and opened.owner == OWNER
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["header"]["scrypt"]["n"] == 1 << 17
    public = public_keys(path)
    assert public == opened.public
    assert public.x25519 == X25519PrivateKey.from_private_bytes(opened.x25519).public_key().public_bytes_raw()
    assert public.bn254 == bn254.multiply(bn254.GENERATOR, opened.bn254)


def test_two_people_never_share_keys(tmp_path: Path) -> None:
    """Same owner, same password: the keys are random, not derived from either."""
    one, two = (create_keys(tmp_path / name, OWNER, PASSWORD, work=WORK) for name in ("one", "two"))
    assert one.x25519 != two.x25519 and one.bn254 != two.bn254


def test_rotation_keeps_all_that_was_ever_opened(file: Path) -> None:
    first = load_keys(file, PASSWORD)
    second = rotate_keys(file, PASSWORD, work=WORK)
    third = rotate_keys(file, PASSWORD, work=WORK)
    assert load_keys(file, PASSWORD) == third
    assert third.generations[:2] == second.generations and second.generations[:1] == first.generations
    assert len({pair.x25519 for pair in third.generations}) == 3 == keystore.generation_count(file)
    assert public_keys(file) == third.public != first.public
    for known in (first, second, third):
        assert third.x25519_for(known.public.x25519) == known.x25519
        assert third.bn254_for(known.public.bn254) == known.bn254


def test_a_key_that_is_not_in_the_file_is_named(file: Path) -> None:
    keys = load_keys(file, PASSWORD)
    stranger = KeyPair.random()
    with pytest.raises(BadInput) as refused:
        keys.x25519_for(stranger.x25519_public)
    assert stranger.x25519_public.hex() in refused.value.input
    with pytest.raises(BadInput, match=OWNER):
        keys.bn254_for(stranger.bn254_public)


def test_a_full_file_takes_no_more_and_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore, "MAX_GENERATIONS", 1)
    before = file.read_bytes()
    with pytest.raises(BadInput, match="generations"):
        rotate_keys(file, PASSWORD, work=WORK)
    assert file.read_bytes() == before


def test_the_most_generations_fit_into_a_file(tmp_path: Path) -> None:
    pairs = tuple(KeyPair.random() for _ in range(keystore.MAX_GENERATIONS))
    path = tmp_path / "old.keys.json"
    keystore._write(path, Keys(OWNER, pairs), PASSWORD, WORK)
    assert load_keys(path, PASSWORD).generations == pairs


def test_two_rotations_at_once_lose_nothing(file: Path) -> None:
    threads = [threading.Thread(target=rotate_keys, args=(file, PASSWORD), kwargs={"work": WORK}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load_keys(file, PASSWORD).generations) == 4


def test_a_backup_opens_with_the_same_password(file: Path, tmp_path: Path) -> None:
    rotate_keys(file, PASSWORD, work=WORK)
    copy = tmp_path / "usb" / "copy.json"
    assert backup_keys(file, copy, PASSWORD) == load_keys(copy, PASSWORD) == load_keys(file, PASSWORD)
    assert copy.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadInput, match="exists"):
        backup_keys(file, copy, PASSWORD)


def test_a_wrong_password_backs_up_nothing(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    with pytest.raises(BadInput, match="wrong password"):
        backup_keys(file, copy, "correct hors")
    assert not copy.exists()


def test_wrong_password_is_not_called_damage(file: Path) -> None:
    before = file.read_bytes()
    for attempt in (load_keys, rotate_keys):
        with pytest.raises(BadInput, match="wrong password"):
            attempt(file, "Correct horse")
    assert file.read_bytes() == before


def test_every_truncation_is_damage(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(0, len(whole) - 1, 37):
        file.write_bytes(whole[:length])
        with pytest.raises(CheckFailed):
            load_keys(file, PASSWORD)
        with pytest.raises(CheckFailed):
            public_keys(file)


def test_another_owner_in_the_header_is_seen(file: Path) -> None:
    other = "0x" + "33" * 20
    file.write_text(file.read_text().replace(OWNER, other))
    with pytest.raises(CheckFailed, match="altered"):
        public_keys(file)


def test_exchanged_public_keys_with_a_repaired_checksum_do_not_open(file: Path, tmp_path: Path) -> None:
    """Who repairs the plain checksum still cannot make the file open under the password."""
    create_keys(tmp_path / "eve.json", OWNER, "eve", work=WORK)
    document, foreign = json.loads(file.read_text()), json.loads((tmp_path / "eve.json").read_text())
    document["header"]["generations"] = foreign["header"]["generations"]
    file.write_text(json.dumps(_resummed(document)))
    assert public_keys(file) == public_keys(tmp_path / "eve.json"), "public parts alone cannot tell"
    with pytest.raises(BadInput, match="password"):
        load_keys(file, PASSWORD)


def _resummed(document: dict[str, object]) -> dict[str, object]:
    import hashlib

    from oracle.evidence import canonical

    header = canonical.dumps(document["header"])
    return document | {"sha256": hashlib.sha256(header + bytes.fromhex(str(document["ciphertext"]))).hexdigest()}


def test_a_public_key_off_the_curve_is_not_passed_on(file: Path) -> None:
    document = json.loads(file.read_text())
    document["header"]["generations"][0]["bn254"] = ["1", "3"]
    file.write_text(json.dumps(_resummed(document)))
    with pytest.raises(CheckFailed, match="bn254"):
        public_keys(file)


def test_files_of_other_kinds(file: Path, tmp_path: Path) -> None:
    bid = Bid(
        chain=1,
        market=OWNER,
        round=1,
        provider=OWNER,
        terms_hash=bytes(32),
        dataset_root=bytes(32),
        manifest=bytes(32),
        cost=1,
        salt=bytes(32),
    )
    write_bid(tmp_path / "bid.json", bid, PASSWORD, work=WORK)
    (tmp_path / "wallet.json").write_text('{"version": 3, "address": "00"}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "binary").write_bytes(os.urandom(300))
    for name in ("bid.json", "wallet.json", "list.json", "binary"):
        with pytest.raises(CheckFailed, match="no key file") as refused:
            load_keys(tmp_path / name, PASSWORD)
        assert refused.value.input == str(tmp_path / name)
    with pytest.raises(BadInput):
        load_keys(tmp_path / "none.json", PASSWORD)
    with pytest.raises(BadInput, match="is a folder"):
        load_keys(tmp_path, PASSWORD)


def test_keys_are_never_overwritten_and_never_without_a_password(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(BadInput, match="exists"):
        create_keys(file, OWNER, PASSWORD, work=WORK)
    with pytest.raises(BadInput, match="password"):
        create_keys(tmp_path / "open.json", OWNER, "", work=WORK)
    assert file.read_bytes() == before and not (tmp_path / "open.json").exists()


def test_a_missing_file_leaves_no_lock(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        rotate_keys(tmp_path / "none.json", PASSWORD)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_keeps_the_old_keys(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFailure):
        rotate_keys(file, PASSWORD, work=WORK)
    with pytest.raises(EnvironmentFailure):
        backup_keys(file, tmp_path / "copy.json", PASSWORD)
    with pytest.raises(EnvironmentFailure):
        create_keys(tmp_path / "new.json", OWNER, PASSWORD, work=WORK)
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} <= {file.name, f".{file.name}.lock"}


def test_a_rotation_that_does_not_read_back_keeps_the_old_keys(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, seal = file.read_bytes(), passwordfile.seal

    def damaged(*parts: Any) -> bytes:
        """As a disk that keeps something else than what is written to it."""
        return seal(*parts).replace(b"0", b"1")

    monkeypatch.setattr(passwordfile, "seal", damaged)
    with pytest.raises(EnvironmentFailure, match="would not hold"):
        rotate_keys(file, PASSWORD, work=WORK)
    assert file.read_bytes() == before and load_keys(file, PASSWORD)
    with pytest.raises(EnvironmentFailure, match="would not hold"):
        create_keys(file.with_name("new.json"), OWNER, PASSWORD, work=WORK)
    assert not file.with_name("new.json").exists()


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_a_file_that_an_editor_saved_opens(file: Path, codec: str) -> None:
    keys, text = load_keys(file, PASSWORD), file.read_text()
    file.write_bytes(text.replace("\n", "\r\n").encode(codec))
    assert load_keys(file, PASSWORD) == keys


def test_nothing_that_can_be_printed_tells_a_secret(file: Path, tmp_path: Path) -> None:
    keys = load_keys(file, PASSWORD)
    said = [repr(keys), str(keys), repr(keys.generations), f"{keys.generations[0]}", repr(keys.public)]
    for attempt in (
        lambda: load_keys(file, "wrong"),
        lambda: keys.x25519_for(bytes(32)),
        lambda: keys.bn254_for((1, 2)),
        lambda: create_keys(file, OWNER, PASSWORD),
    ):
        with pytest.raises(MiaError) as refused:
            attempt()
        said += [str(refused.value), refused.value.hint, refused.value.input, repr(refused.value)]
    said.append(file.read_text())
    for text in said:
        for secret in (keys.x25519.hex(), repr(keys.x25519), str(keys.bn254), f"{keys.bn254:x}", PASSWORD):
            assert secret not in text


def test_a_content_key_is_not_printed_either() -> None:
    key = bytes(range(32))
    kept = ContentKey(manifest=bytes(32), key=key)
    with pytest.raises(BadInput) as refused:
        read_key(b'{"kind": "mixed-mia/content-key/1", "manifest": "0x", "key": "0x%s"}' % key.hex().encode(), name="x")
    for text in (repr(kept), str(kept), str(refused.value), str(refused.value.__cause__)):
        assert key.hex() not in text and repr(key) not in text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_damaged_file_never_gives_other_keys(file: Path, position: int, bit: int) -> None:
    whole, keys = file.read_bytes(), load_keys(file, PASSWORD)
    damaged = bytearray(whole)
    damaged[position % len(whole)] ^= 1 << bit
    file.write_bytes(damaged)
    try:
        assert load_keys(file, PASSWORD) == keys  # white space, or a digit's other case
    except MiaError as refused:
        assert refused.input == str(file)
    finally:
        file.write_bytes(whole)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text(min_size=1), wrong=st.text(min_size=1))
def test_every_password_opens_its_own_file_alone(tmp_path: Path, password: str, wrong: str) -> None:
    path = tmp_path / "any.keys.json"
    path.unlink(missing_ok=True)
    keys = create_keys(path, OWNER, password, work=WORK)
    assert load_keys(path, password) == keys
    if wrong != password:
        with pytest.raises(BadInput, match="wrong password"):
            load_keys(path, wrong)
