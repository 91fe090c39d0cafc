import json
import os
from pathlib import Path

import pytest

from oracle.custody.bidfile import Bid, read_bid, write_bid
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import commitment

PASSWORD = "correct horse"
BID = Bid(
    chain=31337,
    market="0x" + "33" * 20,
    round=4,
    provider="0x1563915e194D8CfBA1943570603F7606A3115508",
    terms_hash=b"\x01" * 32,
    dataset_root=b"\x02" * 32,
    manifest=b"\x03" * 32,
    cost=(1 << 64) + 7,
    salt=b"\x04" * 32,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("bids") / "bid.json"
    write_bid(path, BID, PASSWORD)
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path, written: bytes) -> Path:
    path = tmp_path / "bid.json"
    path.write_bytes(written)
    return path


def test_a_bid_comes_back_whole(file: Path) -> None:
    assert read_bid(file, PASSWORD) == BID


def test_cost_and_salt_are_not_in_the_clear(file: Path) -> None:
    text = file.read_text()
    assert str(BID.cost) not in text and BID.salt.hex() not in text
    header = json.loads(text)["header"]
    assert header["round"] == 4 and header["provider"] == BID.provider and header["scrypt"]["n"] == 1 << 17


def test_the_seal_of_a_bid() -> None:
    assert BID.sealed() == commitment.sealed_bid(
        chain_id=31337,
        market=BID.market,
        round=4,
        provider=BID.provider,
        terms_hash=BID.terms_hash,
        dataset_root=BID.dataset_root,
        cost=BID.cost,
        salt=BID.salt,
    )


def test_wrong_password_is_not_called_damage(file: Path) -> None:
    with pytest.raises(BadInput, match="wrong password"):
        read_bid(file, "correct hors")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"round": 4', b'"round": 5'),
        (b'"n": 131072', b'"n": 1024'),
        (b'"ciphertext": "', b'"ciphertext": "00'),
        (b'"kind": "mixed-mia/bid/1"', b'"kind": "mixed-mia/bid/2"'),
        (b'"sha256": "', b'"sha256": "0'),
        (b"}", b""),
    ],
)
def test_an_altered_file_fails_by_name(file: Path, old: bytes, new: bytes) -> None:
    data = file.read_bytes()
    spaced = old if old in data else old.replace(b": ", b":")
    assert spaced in data
    file.write_bytes(data.replace(spaced, new))
    with pytest.raises(CheckFailed) as failure:
        read_bid(file, PASSWORD)
    assert failure.value.input == str(file)


def test_every_flipped_nibble_of_the_ciphertext_is_seen(file: Path) -> None:
    whole = json.loads(file.read_bytes())
    for i in range(0, len(whole["ciphertext"]), 97):
        text = whole["ciphertext"]
        altered = whole | {"ciphertext": text[:i] + f"{int(text[i], 16) ^ 1:x}" + text[i + 1 :]}
        file.write_text(json.dumps(altered))
        with pytest.raises(CheckFailed):
            read_bid(file, PASSWORD)


def test_a_bid_is_never_overwritten(file: Path, written: bytes) -> None:
    with pytest.raises(BadInput, match="exists"):
        write_bid(file, BID.model_copy(update={"cost": 1}), PASSWORD)
    assert file.read_bytes() == written


def test_missing_file_and_empty_password(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        read_bid(tmp_path / "none.json", PASSWORD)
    with pytest.raises(BadInput):
        write_bid(tmp_path / "bid.json", BID, "")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFailure):
        write_bid(tmp_path / "bid.json", BID, PASSWORD)
    assert not list(tmp_path.iterdir())
