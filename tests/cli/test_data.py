"""``mia data pack``, ``verify``, ``unpack``, ``prove``: what a provider does before it bids."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PASSWORD, Answer, Mia
from eth_account import Account

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.readers import read_documents
from oracle.custody.keystore import create_keys, load_keys, rotate_keys
from oracle.custody.publickeys import public_beside, public_part
from oracle.evidence import canonical

WALLET, OTHER = Account.from_key(b"\x01" * 32), "0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB"
OWNER = WALLET.address
MARKET = "0x4838B106FCe9647Bdf1E7877BF73cE8B0BAD5f97"
TEXTS = [f"The tide of day {n} rose slowly over the harbour wall, and häufig so." for n in range(9)]
WORK = 1 << 12


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"id": str(n), "text": text}) for n, text in enumerate(TEXTS)))
    return path


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password.txt"
    path.write_text(PASSWORD + "\n")
    return path


@pytest.fixture
def packed(mia: Mia, corpus: Path, tmp_path: Path) -> Path:
    """The folder of a packed data set."""
    answer = mia("data", "pack", corpus, "--out", tmp_path / "sealed")
    assert answer.code == 0, answer.said
    return tmp_path / "sealed"


def verified(mia: Mia, folder: Path, *options: object) -> Answer:
    return mia("data", "verify", folder / "manifest.json", *options)


def unpacked(mia: Mia, folder: Path, out: Path, *options: object) -> Answer:
    return mia("data", "unpack", folder / "manifest.json", "--out", out, *options)


def test_what_is_packed_is_verified_and_unpacked(mia: Mia, corpus: Path, tmp_path: Path) -> None:
    answer = mia("data", "pack", corpus, "--out", tmp_path / "sealed")
    assert answer.code == 0, answer.said
    keys = {"manifest", "cid", "ciphertext_digest", "document_root", "documents", "bytes", "key_commit"}
    assert set(answer.document) == keys
    manifest = Path(answer.document["manifest"])
    assert manifest == tmp_path / "sealed" / "manifest.json" and answer.document["documents"] == 9
    assert (manifest.parent / "key.json").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in manifest.parent.iterdir()} == {"manifest.json", "key.json", "store"}
    assert json.loads(manifest.read_bytes())["cid"] == answer.document["cid"]
    for options in ((), ("--key", manifest.parent / "key.json")):
        assert verified(mia, manifest.parent, *options).document == {"ok": True, "first_bad": None}
    out = tmp_path / "documents.jsonl"
    answer = unpacked(mia, manifest.parent, out, "--key", manifest.parent / "key.json")
    assert answer.document == {"path": str(out), "documents": 9, "bytes": out.stat().st_size}
    assert list(read_documents(out)) == [Document(str(n), text) for n, text in enumerate(TEXTS)]


def test_a_store_elsewhere(mia: Mia, corpus: Path, tmp_path: Path) -> None:
    store = ("--store", f"local:{tmp_path / 'shared'}")
    folder = tmp_path / "sealed"
    assert mia("data", "pack", corpus, "--out", folder, *store).code == 0
    assert not (folder / "store").exists()
    assert verified(mia, folder, *store).code == 0
    answer = verified(mia, folder)
    assert (answer.code, answer.document["error"]["input"]) == (2, str(folder / "store"))
    assert verified(mia, folder, "--store", f"local:{tmp_path / 'other'}").code == 1


def test_one_document_and_none(mia: Mia, tmp_path: Path) -> None:
    one, none = tmp_path / "one.txt", tmp_path / "none.jsonl"
    one.write_text("a single text")
    none.write_text("")
    assert mia("data", "pack", one, "--out", tmp_path / "one").document["documents"] == 1
    assert verified(mia, tmp_path / "one", "--key", tmp_path / "one" / "key.json").code == 0
    answer = mia("data", "pack", none, "--out", tmp_path / "none")
    assert (answer.code, answer.document["error"]["input"]) == (2, str(none))
    assert not (tmp_path / "none").exists()


# --- for a round, and to people ---


def handed_out(keys: Path) -> Path:
    """The public part of a key file of ``WALLET``."""
    public_beside(keys).write_bytes(public_part(WALLET, load_keys(keys, PASSWORD)).to_bytes())
    return public_beside(keys)


def test_a_private_key_file_is_nobody_to_wrap_to(mia: Mia, corpus: Path, tmp_path: Path) -> None:
    alice, folder = tmp_path / "alice.keys.json", tmp_path / "sealed"
    create_keys(alice, OWNER, PASSWORD, work=WORK)
    answer = mia("data", "pack", corpus, "--out", folder, "--to", alice)
    assert (answer.code, answer.document["error"]["input"]) == (2, str(alice))
    assert "mia key public" in answer.document["error"]["hint"] and not folder.exists()
    words = json.loads(handed_out(alice).read_bytes()) | {"owner": OTHER}
    public_beside(alice).write_bytes(canonical.dumps(words))
    answer = mia("data", "pack", corpus, "--out", folder, "--to", public_beside(alice))
    assert (answer.code, answer.document["error"]["input"]) == (1, OTHER) and not folder.exists()


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_files_that_an_editor_saved_are_read(mia: Mia, packed: Path, codec: str) -> None:
    for file in (packed / "manifest.json", packed / "key.json"):
        file.write_bytes(file.read_text("utf-8").encode(codec))
    assert verified(mia, packed, "--key", packed / "key.json").document == {"ok": True, "first_bad": None}


def test_what_holds_a_key_or_a_text_is_its_owners(mia: Mia, packed: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proofs" / "proof.json"
    made = mia("data", "prove", packed / "manifest.json", "--document", 3, "--key", packed / "key.json", "--out", proof)
    assert made.code == 0, made.said
    for folder in (packed, proof.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    for file in (packed / "key.json", proof):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_file_opens_what_was_wrapped_to_it(mia: Mia, corpus: Path, password: Path, tmp_path: Path) -> None:
    alice, bob, folder = tmp_path / "alice.keys.json", tmp_path / "bob.keys.json", tmp_path / "sealed"
    create_keys(alice, OWNER, PASSWORD, work=WORK)
    create_keys(bob, OTHER, PASSWORD, work=WORK)
    assert mia("data", "pack", corpus, "--out", folder, "--to", handed_out(alice)).code == 0
    rotate_keys(alice, PASSWORD, work=WORK)  # what was wrapped to the old key opens still
    secret = ("--password-file", password)
    assert verified(mia, folder, "--key", alice, *secret).document == {"ok": True, "first_bad": None}
    assert unpacked(mia, folder, tmp_path / "out.jsonl", "--key", alice, *secret).code == 0
    answer = verified(mia, folder, "--key", bob, *secret)
    assert (answer.code, answer.document) == (1, {"ok": False, "first_bad": OTHER})
    assert "no key is wrapped to it" in answer.said
    answer = unpacked(mia, folder, tmp_path / "bob.jsonl", "--key", bob, *secret)
    assert answer.code == 1 and not (tmp_path / "bob.jsonl").exists()


def test_wraps_of_another_data_set_are_refused(mia: Mia, corpus: Path, password: Path, tmp_path: Path) -> None:
    alice = tmp_path / "alice.keys.json"
    create_keys(alice, OWNER, PASSWORD, work=WORK)
    for name in ("one", "two"):
        assert mia("data", "pack", corpus, "--out", tmp_path / name, "--to", handed_out(alice)).code == 0
    answer = verified(
        *(mia, tmp_path / "one", "--key", alice, "--password-file", password),
        *("--wraps", tmp_path / "two" / "wraps.json"),
    )
    assert answer.code == 1 and "holds wraps for manifest" in answer.said


def test_a_data_set_for_a_round(mia: Mia, corpus: Path, tmp_path: Path) -> None:
    place = ("--round", 5, "--contract", MARKET, "--chain-id", 31337, "--provider", OWNER)
    licence = tmp_path / "licence.txt"
    licence.write_text("Use it well.\r\n")
    folder = tmp_path / "sealed"
    assert mia("data", "pack", corpus, "--out", folder, *place, "--licence", licence).code == 0
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["round"], manifest["market"], manifest["chain_id"]) == (5, MARKET, 31337)
    assert manifest["provider"] == OWNER and int(manifest["licence"], 16)
    assert verified(mia, folder, "--key", folder / "key.json").code == 0
    answer = mia("data", "pack", corpus, "--out", tmp_path / "other", *place[:4])
    assert answer.code == 2 and "--chain-id, --provider" in answer.document["error"]["hint"]


# --- what is wrong is named ---


def test_an_altered_block_is_the_first_bad(mia: Mia, packed: Path) -> None:
    cid = json.loads((packed / "manifest.json").read_bytes())["cid"]
    (block,) = packed.rglob(cid)
    data = bytearray(block.read_bytes())
    data[len(data) // 2] ^= 1
    block.write_bytes(data)
    for options in ((), ("--key", packed / "key.json")):
        answer = verified(mia, packed, *options)
        assert (answer.code, answer.document) == (1, {"ok": False, "first_bad": cid})
    block.unlink()
    assert verified(mia, packed).document == {"ok": False, "first_bad": cid}


def test_another_key_is_the_first_bad(mia: Mia, packed: Path, corpus: Path, tmp_path: Path) -> None:
    mia("data", "pack", corpus, "--out", tmp_path / "other")
    answer = verified(mia, packed, "--key", tmp_path / "other" / "key.json")
    assert (answer.code, answer.document) == (1, {"ok": False, "first_bad": "key"})
    out = tmp_path / "out.jsonl"
    out.write_text("what was there")
    answer = unpacked(mia, packed, out, "--key", tmp_path / "other" / "key.json")
    assert answer.code == 1 and out.read_text() == "what was there"
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("word", ["round", "documents", "provider", "licence", "document_root"])
def test_an_altered_manifest_is_the_first_bad(mia: Mia, packed: Path, word: str) -> None:
    path = packed / "manifest.json"
    manifest = json.loads(path.read_bytes())
    other = {"round": 7, "documents": 8, "provider": OTHER}.get(word, "0x" + "ab" * 32)
    path.write_bytes(json.dumps(manifest | {word: other}, sort_keys=True, separators=(",", ":")).encode())
    answer = verified(mia, packed)
    assert answer.code == 1 and answer.document["ok"] is False and answer.document["first_bad"]
    path.write_bytes(b"{")
    assert verified(mia, packed).document == {"ok": False, "first_bad": str(path)}


def test_files_that_are_none_of_these(mia: Mia, packed: Path, corpus: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    for arguments, named in (
        (("verify", missing), missing),
        (("verify", packed / "manifest.json", "--key", missing), missing),
        (("verify", packed / "manifest.json", "--key", corpus), corpus),
        (("unpack", packed / "manifest.json", "--key", corpus, "--out", tmp_path / "o.jsonl"), corpus),
        (("pack", missing, "--out", tmp_path / "new"), missing),
        (("pack", corpus, "--out", packed), packed / "manifest.json"),
        (("pack", corpus, "--out", tmp_path / "new", "--to", missing), missing),
        (("pack", corpus, "--out", tmp_path / "new", "--metadata", missing), missing),
        (("pack", corpus, "--out", corpus), corpus),
    ):
        answer = mia("data", *arguments)
        assert answer.code in (2, 3), arguments
        assert answer.document["error"]["input"].startswith(str(named)), arguments
    assert not (tmp_path / "new").exists()


# --- one document ---


def test_one_document_is_proved(mia: Mia, packed: Path, tmp_path: Path) -> None:
    manifest, proof = packed / "manifest.json", tmp_path / "proof.json"
    made = mia("data", "prove", manifest, "--document", 3, "--key", packed / "key.json", "--out", proof)
    assert made.code == 0 and json.loads(proof.read_bytes()) == made.document
    assert made.document["document"] == canonical_line(Document("3", TEXTS[3])).decode()
    checked = mia("data", "prove", manifest, "--check", proof)
    assert checked.document == {"ok": True, "index": 3, "id": "3", "text": TEXTS[3]}
    proof.write_text(json.dumps(made.document | {"index": 4}, indent=1))
    assert mia("data", "prove", manifest, "--check", proof).code == 1
    assert mia("data", "prove", manifest, "--document", 9, "--key", packed / "key.json").code == 2
    assert mia("data", "prove", manifest, "--document", 3).code == 2


# --- interruption ---


def test_a_killed_run_goes_on(mia: Mia, tmp_path: Path) -> None:
    """Killed while it seals: no manifest and no key file; the same command then ends as if nothing had been."""
    corpus, folder = tmp_path / "long.jsonl", tmp_path / "sealed"
    with corpus.open("w") as file:
        for n in range(12_000):
            file.write(json.dumps({"id": str(n), "text": f"{n} " * 1000}) + "\n")
    command = [sys.executable, "-m", "oracle.cli.main", "data", "pack", str(corpus), "--out", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    journal = folder / ".packing"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.stat().st_size > 500) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert {path.name for path in folder.iterdir()} <= {".packing", "store"}
    answer = mia("data", "pack", corpus, "--out", folder)
    assert answer.code == 0 and "going on where the last run stopped" in answer.said
    assert not journal.exists()
    assert verified(mia, folder, "--key", folder / "key.json").document == {"ok": True, "first_bad": None}


def test_a_text_that_changed_meanwhile_gets_a_new_key(mia: Mia, corpus: Path, tmp_path: Path) -> None:
    from oracle.custody.context import Context
    from oracle.custody.journal import open_journal

    folder = tmp_path / "sealed"
    with open_journal(folder / ".packing", Context.new()) as journal:
        list(journal.guard([b"what another text became"]))
        old = journal.key
    answer = mia("data", "pack", corpus, "--out", folder)
    assert answer.code == 0 and "under a new key" in answer.said
    assert json.loads((folder / "key.json").read_bytes())["key"] != "0x" + old.hex()
    assert verified(mia, folder, "--key", folder / "key.json").code == 0


def test_what_came_by_a_pipe_cannot_be_read_again(mia: Mia, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    command = [sys.executable, "-m", "oracle.cli.main", "data", "pack", "-", "--out", str(folder), "--json"]
    first = subprocess.run(command, input=b"", capture_output=True)
    assert first.returncode == 2 and not folder.exists()
    done = subprocess.run(command, input=corpus.read_bytes(), capture_output=True)
    assert done.returncode == 0 and json.loads(done.stdout)["documents"] == 9
