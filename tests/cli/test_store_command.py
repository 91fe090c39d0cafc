"""``mia store`` as an operator uses it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oracle.custody.cid import to_bytes
from oracle.custody.store import LocalStore, block_cid

Mia = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path) -> tuple[str, LocalStore]:
    return f"local:{tmp_path / 'store'}", LocalStore(tmp_path / "store")


def test_pin_collect_and_let_go(mia: Mia, place: tuple[str, LocalStore]) -> None:
    address, store = place
    kept, waste = store.add([random.Random(1).randbytes(3_000_000)]).cid, store.put(b"waste")
    assert mia("store", "pins", "--store", address).document == {"pins": []}
    refused = mia("store", "gc", "--store", address)
    assert refused.code == 2 and "nothing is pinned" in refused.said and store.has(waste)
    assert mia("store", "pin", kept.upper(), "round-1.text", "--store", address).document == {
        "name": "round-1.text",
        "cid": kept,
    }
    assert mia("store", "pins", "--store", address).document == {"pins": [{"name": "round-1.text", "cid": kept}]}
    for path in (store.folder / "blocks").glob("*/*"):
        os.utime(path, (0, 0))
    assert mia("store", "gc", "--store", address).document == {"removed": 1}
    assert not store.has(waste) and store.has(kept)
    unknown = mia("store", "unpin", "round-1.text", "other", "--store", address)
    assert unknown.code == 2 and unknown.document["error"]["input"] == "other" and store.pins()
    assert mia("store", "unpin", "round-1.text", "--store", address).document == {
        "unpinned": [{"name": "round-1.text", "cid": kept}]
    }
    assert not store.pins()


def test_a_file_travels_as_a_car(mia: Mia, place: tuple[str, LocalStore], tmp_path: Path) -> None:
    address, store = place
    data = random.Random(2).randbytes(2_500_000)
    cid, file = store.add([data]).cid, tmp_path / "out" / "file.car"
    done = mia("store", "export", cid, file, "--store", address)
    assert done.code == 0 and done.document == {"cid": cid, "file": str(file), "bytes": file.stat().st_size}
    other = tmp_path / "other"
    assert mia("store", "import", file, "--store", f"local:{other}").document == {"cid": cid}
    assert b"".join(LocalStore(other).read(cid, max_size=len(data))) == data


def test_what_goes_wrong_writes_nothing(mia: Mia, place: tuple[str, LocalStore], tmp_path: Path) -> None:
    address, store = place
    file, missing = tmp_path / "file.car", block_cid(b"missing")
    root = store.add([bytes(1 << 20), b"end"]).cid
    (path,) = store.folder.rglob(block_cid(b"end"))
    path.unlink()
    for cid in (missing, root):
        answer = mia("store", "export", cid, file, "--store", address)
        assert answer.code == 1 and answer.document["error"]["hint"]
        assert not list(tmp_path.glob("*.car")) and not list(tmp_path.glob(".*"))
    file.write_bytes(b"no car")
    answer = mia("store", "import", file, "--store", address)
    assert answer.code == 1 and str(file) in answer.document["error"]["name"] + answer.said + str(answer.document)
    assert mia("store", "import", tmp_path / "nowhere.car", "--store", address).code == 2
    for wrong in ("nothing", "bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4tucqmqqme5yje"):  # dag-cbor
        assert mia("store", "pin", wrong, "name", "--store", address).code == 2
    assert mia("store", "pin", missing, "name", "--store", address).code == 1
    assert mia("store", "pins", "--store", "ftp:there").code == 2
    dead = mia("store", "pins", "--store", "ipfs:127.0.0.1:1")
    assert dead.code == 3 and "127.0.0.1:1" in dead.said


def test_content_ids_are_taken_as_people_write_them(mia: Mia, place: tuple[str, LocalStore]) -> None:
    address, store = place
    cid = store.add([b"what the pilot wrote"]).cid
    for number, text in enumerate((f"ipfs://{cid}", f"/ipfs/{cid}/", f" {cid}\n", "f" + to_bytes(cid).hex())):
        answer = mia("store", "pin", text, f"pin-{number}", "--store", address)
        assert answer.document == {"name": f"pin-{number}", "cid": cid}
    assert set(store.pins().values()) == {cid}
    wrong = mia("store", "pin", cid[:-1] + "1", "name", "--store", address)
    assert wrong.code == 2 and "is no letter of base32" in " ".join(wrong.said.split())


def test_the_password_in_an_address_is_not_printed(mia: Mia) -> None:
    for store in ("ipfs:http://mia:hunter22@127.0.0.1:1", "ipfs:http://mia:hunter22@[::1]:1/k", "mia:hunter22@x"):
        answer = mia("store", "pins", "--store", store)
        assert answer.code in (2, 3) and "hunter22" not in answer.said + str(answer.document)
