import json
import os
from pathlib import Path

import pytest

from oracle.custody import bidfile, passwordfile
from oracle.custody.bidfile import Bid, read_bid, write_bid
from oracle.custody.passwordfile import Scrypt
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import canonical, commitment

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
OLD_HEADER = {
    "kind": "mixed-mia/bid/1",
    "chain": 31337,
    "market": "0x" + "33" * 20,
    "round": 4,
    "provider": "0x1563915e194D8CfBA1943570603F7606A3115508",
    "cipher": "aes-256-gcm",
    "nonce": "f92ac473b9fed5cca29f9cdc",
    "scrypt": {
        "n": 4096,
        "r": 8,
        "p": 1,
        "salt": "a6aecbed78119bffbab44d190676f0e2719b8f4629a000fbdcb10c84f9624c8b",
    },
}
OLD_CIPHERTEXT = (
    "93556c80b1483cf601b865c7a8acf84bd149dc59efd2b0b32774cdeec59dbabfe8708b878cc86fb659da88ed94f2b3d7"
    "c5d61a0617010aa85fecaebf0e54794ae84b22f77364b166a8adda861179a15ce9c4de618995149dbd192ba7891b79c9"
    "0ab3cf275b295c3ae48dd910b3a4d0bbb2d8a6c6123a9735e415bd7f28e8c493c75338c14b7f4a9e0c4909b8b42744a0"
    "dbba9fda93ab4b4d1fa274d0fb020e4ebd278fc4dc3b32140808cc07550afff7a84ff4af46065676e8172358370dabdb"
    "019100f9bbf063df19f114bfda35dc6882bcaf70212f609d9dfa2aca592b46aeeb86fb6310ed48a85bb5091209ef7dd1"
    "a5d0c9f21d8b2dee2248b008de1d5371bbb9ad372b468fc049a9f629bb2f425e5c46f0d9ab371842d0323731ff615cb4"
    "72bedb4f98167af18cc38ed816e765ffde743a1cfc76e40062d9d0440da7b5092253be95f9f1aa3914a31bdf4c9c15c4"
    "362d210ee4fcbcf2263e31581cb2cbe6e13011bf2e3ca2f1851fd8e8874a1a93619ac54d3a93ca02933556b08ce34e78"
    "1dc7a2d35b83380645bd4cbbb4bc12f2cb4b56417db7059d1bd865cf2a7bc93b0130564353f6a6c05b1a286ef023b124"
    "b53d0e39506da0216a326cd0914f9f28255231797f000c2ec9a262c95f613aa8f350081620d8c46619de9ed64aaa8d9f"
    "c7c64e020724780bc95b14f4153b9ecfb131b7971c03f9af823877c8f8c9fddd0cc446"
)
OLD = json.dumps(
    {
        "header": OLD_HEADER,
        "ciphertext": OLD_CIPHERTEXT,
        "sha256": "b5d14c9c7f171d77728d36665908ff74c898231726befb0b4513304184af9f1f",
    }
)
"""As the first version wrote ``BID``."""


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


def test_a_bid_may_hold_the_key_of_its_data(tmp_path: Path) -> None:
    bid = BID.model_copy(update={"content_key": b"\x05" * 32})
    write_bid(tmp_path / "bid.json", bid, PASSWORD, work=1 << 12)
    assert read_bid(tmp_path / "bid.json", PASSWORD) == bid
    assert "0505" not in (tmp_path / "bid.json").read_text()
    for secret in (bid.salt, bid.content_key):
        assert repr(secret) not in repr(bid) and secret.hex() not in repr(bid)


def test_a_file_from_before_there_were_such_keys_opens(tmp_path: Path) -> None:
    (tmp_path / "bid.json").write_text(OLD)
    assert read_bid(tmp_path / "bid.json", PASSWORD) == BID


@pytest.mark.parametrize(
    ("field", "value"),
    [("cost", 5), ("cost", " 5"), ("round", "4"), ("salt", "0x" + "AB" * 32), ("more", 1), ("version", 2)],
)
def test_content_of_other_types_is_refused(tmp_path: Path, field: str, value: object) -> None:
    """The password is right and nothing is damaged: somebody's other program wrote it."""
    fields = json.loads(BID.to_bytes()) | {field: value}
    header = bidfile._Header(
        chain=BID.chain, market=BID.market, round=BID.round, provider=BID.provider, scrypt=Scrypt(n=1 << 12)
    )
    (tmp_path / "bid.json").write_bytes(passwordfile.seal(header, canonical.dumps(fields), PASSWORD))
    with pytest.raises(CheckFailed, match=f"{field}|second way") as refused:
        read_bid(tmp_path / "bid.json", PASSWORD)
    assert BID.salt.hex() not in str(refused.value)


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


def test_a_bid_file_that_an_editor_saved_opens(file: Path, written: bytes) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + written.replace(b"\n", b"\r\n"))
    assert read_bid(file, PASSWORD) == BID


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
