"""``mia licence``: provider and planner sign the same words, and anybody can check them against the chain."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Mia, World

from oracle.cli.agreement import published
from oracle.cli.main import run
from oracle.cli.session import open_session
from oracle.evidence import canonical
from oracle.evidence.licence import canonical_text, licence_hash


@pytest.fixture(scope="module")
def bid(world: World, mia: Mia) -> World:
    corpus, file = world.folder / "corpus.jsonl", world.folder / "bid.json"
    done = mia("bid", "commit", 1, corpus, "--cost", 1, "--bid-file", file, *world.key("alice"), *world.here)
    assert done.code == 0, done.said
    return world


def test_a_text_is_shown_with_its_hash(mia: Mia, tmp_path: Path) -> None:
    file = tmp_path / "licence.txt"
    file.write_bytes("Träining only.\r\n\r\n".encode())
    shown = mia("licence", "show", file)
    assert shown.code == 0
    assert shown.document["text"] == "Träining only.\n"
    assert shown.document["licence_hash"] == "0x" + hashlib.sha256("Träining only.\n".encode()).hexdigest()


def test_an_agreement_is_signed_by_both_and_verified(bid: World, mia: Mia, tmp_path: Path) -> None:
    file = tmp_path / "agreement.json"
    asked = ["--round", 1, "--revenue-share", "0.05", "--expires", "2030-01-01"]
    first = mia("licence", "sign", "--yes", file, *asked, *bid.key("alice"), *bid.here)
    assert first.code == 0, first.said
    assert first.document["missing"] == ["planner"]
    assert first.document["revenue_share"] == str(5 * 10**16)
    assert first.document["expiry"] == 1_893_456_000
    half = mia("licence", "verify", file, "--round", 1, *bid.here)
    assert (half.code, half.document["first_bad"]) == (1, "planner's signature")

    second = mia("licence", "sign", "--yes", file, "--round", 1, *bid.key("planner"), *bid.here)
    assert second.code == 0, second.said
    assert second.document["missing"] == []
    whole = mia("licence", "verify", file, "--round", 1, *bid.here)
    assert (whole.code, whole.document["ok"]) == (0, True)
    assert [check["stage"] for check in whole.document["checks"]] == [
        "provider's signature",
        "planner's signature",
        "time",
        "round",
    ]
    session = open_session(bid.chain.rpc, bid.market.address, f"local:{bid.folder / 'store'}")
    agreement = published(session, 1, second.document["provider"])
    assert agreement and agreement.to_bytes() == file.read_bytes()


def test_what_differs_is_named(bid: World, mia: Mia, tmp_path: Path) -> None:
    file, text = tmp_path / "agreement.json", tmp_path / "licence.txt"
    text.write_text("Another licence.\n")
    assert (
        mia("licence", "sign", "--yes", file, "--round", 1, "--revenue-share", "0", *bid.key("alice"), *bid.here).code
        == 0
    )
    assert mia("licence", "sign", "--yes", file, *bid.key("planner")).code == 0
    wrong = mia("licence", "verify", file, "--licence", text)
    assert (wrong.code, wrong.document["first_bad"]) == (1, "licence text")
    assert mia("licence", "verify", file).code == 0
    words = json.loads(file.read_bytes())
    for name, word, bad in (
        ("dataset_root", "0x" + "00" * 32, "provider's signature"),
        ("expiry", 1, "provider's signature"),
        ("planner_signature", words["provider_signature"], "planner's signature"),
    ):
        file.write_bytes(canonical.dumps(words | {name: word}))
        altered = mia("licence", "verify", file, "--round", 1, *bid.here)
        assert (altered.code, altered.document["first_bad"]) == (1, bad)
    file.write_bytes(canonical.dumps(words | {"revenue_share": "2" + "0" * 18}))
    assert mia("licence", "verify", file).code == 1


def test_an_agreement_of_another_round_is_not_signed(bid: World, mia: Mia, tmp_path: Path) -> None:
    file = tmp_path / "agreement.json"
    assert (
        mia("licence", "sign", "--yes", file, "--round", 1, "--revenue-share", "0", *bid.key("alice"), *bid.here).code
        == 0
    )
    words = json.loads(file.read_bytes()) | {"dataset_root": "0x" + "00" * 32}
    file.write_bytes(canonical.dumps(words))
    before = file.read_bytes()
    refused = mia("licence", "sign", "--yes", file, "--round", 1, *bid.key("planner"), *bid.here)
    assert (refused.code, refused.document["error"]["input"]) == (1, "dataset_root")
    assert file.read_bytes() == before


def test_a_licence_in_the_store_is_shown_by_its_round(bid: World, mia: Mia) -> None:
    absent = mia("licence", "show", "--round", 1, *bid.here)
    assert absent.code == 1  # the terms of this round name a hash of nothing
    session = open_session(bid.chain.rpc, bid.market.address, f"local:{bid.folder / 'store'}")
    text = canonical_text("For training.")
    session.store.put(text.encode())
    from oracle.cli.agreement import text_of

    assert text_of(session.store, hashlib.sha256(text.encode()).digest()) == text


def at_a_terminal(answer: str, *arguments: object) -> tuple[int, str, str]:
    """``mia ARGUMENTS`` where a person types ``answer``; the exit code, stdout, and what the person saw."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "oracle.cli.main", *map(str, arguments)]
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True) as child:
        os.close(theirs)
        os.write(ours, answer.encode())
        seen = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            seen += piece
        assert child.stdout is not None
        said = child.stdout.read()
    os.close(ours)
    return child.returncode, said, seen.decode()


def test_what_is_signed_is_shown_and_asked_about_first(bid: World, mia: Mia, tmp_path: Path) -> None:
    file, text = tmp_path / "agreement.json", tmp_path / "licence.txt"
    new = [
        "licence",
        "sign",
        file,
        "--round",
        1,
        "--revenue-share",
        "0.012300000000000001",
        *bid.key("alice"),
        *bid.here,
    ]
    refused = mia(*new)
    assert refused.code == 2 and "--yes" in refused.document["error"]["hint"] and not file.exists()
    code, said, seen = at_a_terminal("n\n", *new)
    assert (code, said, file.exists()) == (130, "", False)
    for word in ("1.2300000000000001 % of the model's revenue", "never", "provider", "Sign this?"):
        assert word in seen
    code, said, seen = at_a_terminal("y\n", *new, "--expires", "2031-02-03", "--json")
    assert code == 0 and json.loads(said)["missing"] == ["planner"]
    assert "2031-02-03 00:00:00" in seen

    # the planner is shown the text too, and it has to be the one that is agreed
    text.write_text("1. Train.\n2. Delete after 2031.\n")
    wrong = mia("licence", "sign", "--yes", file, "--licence", text, *bid.key("planner"))
    assert (wrong.code, wrong.document["error"]["input"]) == (1, str(text))
    words = json.loads(file.read_bytes()) | {"licence_hash": "0x" + licence_hash(text.read_text()).hex()}
    del words["provider_signature"]
    file.write_bytes(canonical.dumps(words | {"provider_signature": None}))
    signed = mia("licence", "sign", "--yes", file, "--licence", text, *bid.key("planner"))
    assert signed.code == 0 and "2. Delete after 2031." in signed.said


def test_an_agreement_whose_signature_is_false_is_not_signed(bid: World, mia: Mia, tmp_path: Path) -> None:
    file = tmp_path / "agreement.json"
    new = ["licence", "sign", "--yes", file, "--round", 1, "--revenue-share", "0"]
    assert mia(*new, *bid.key("alice"), *bid.here).code == 0
    file.write_bytes(canonical.dumps(json.loads(file.read_bytes()) | {"expiry": 1}))
    before = file.read_bytes()
    refused = mia("licence", "sign", "--yes", file, *bid.key("planner"))
    assert (refused.code, refused.document["error"]["input"]) == (1, "provider") and file.read_bytes() == before


@pytest.mark.parametrize(
    ("hidden", "place"),
    [
        ("\x1b[8m", "line 2, column 9: U+001B"),
        ("\u2066", "line 2, column 9: U+2066 (LEFT-TO-RIGHT ISOLATE)"),
        ("\u200d", "line 2, column 9: U+200D (ZERO WIDTH JOINER)"),
        ("\U000e0062", "U+E0062 (TAG LATIN SMALL LETTER B)"),
        ("\x9b2K", "U+009B"),
    ],
)
def test_nobody_agrees_to_what_a_reader_does_not_see(
    bid: World, mia: Mia, tmp_path: Path, capsys: pytest.CaptureFixture[str], hidden: str, place: str
) -> None:
    file, agreement = tmp_path / "licence.txt", tmp_path / "agreement.json"
    file.write_text(f"1. Train.\n2. Keep {hidden}nothing.\n")
    new = ["licence", "sign", "--yes", agreement, "--round", 1, "--revenue-share", "0", "--licence", file]
    for arguments in (
        [*new, *bid.key("alice"), *bid.here],
        ["data", "pack", bid.folder / "corpus.jsonl", "--out", tmp_path / "sealed", "--licence", file],
    ):
        refused = mia(*arguments)
        assert (refused.code, refused.document["error"]["input"]) == (2, str(file))
        assert place in refused.document["error"]["hint"]
    assert list(tmp_path.iterdir()) == [file]
    shown = mia("licence", "show", file)
    assert (shown.code, shown.document["text"]) == (0, file.read_text()) and place in shown.said
    capsys.readouterr()
    assert run(["licence", "show", str(file)]) == 0
    out = capsys.readouterr().out
    assert hidden[0] not in out and hidden[0].encode("unicode_escape").decode() in out


def test_a_licence_and_an_agreement_that_an_editor_saved(bid: World, mia: Mia, tmp_path: Path) -> None:
    text, agreement = tmp_path / "licence.txt", tmp_path / "agreement.json"
    plain = "1. Zum Trainieren.\n2. Für ein Jahr.\n"
    for codec in ("utf-8-sig", "utf-16"):
        text.write_bytes(plain.replace("\n", "\r\n").encode(codec))
        assert mia("licence", "show", text).document == {
            "text": plain,
            "licence_hash": "0x" + hashlib.sha256(plain.encode()).hexdigest(),
        }
    new = ["licence", "sign", "--yes", agreement, "--round", 1, "--revenue-share", "0"]
    assert mia(*new, *bid.key("alice"), *bid.here).code == 0
    agreement.write_bytes(b"\xef\xbb\xbf" + agreement.read_bytes())
    assert mia("licence", "sign", "--yes", agreement, *bid.key("planner")).document["missing"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show"], "nothing to show"),
        (["show", "missing.txt"], "cannot read"),
        (["verify", "missing.json"], "cannot read"),
        (["sign", "missing.json"], "there is no agreement"),
        (["sign", "missing.json", "--round", "1", "--revenue-share", "1.5"], "not a share"),
        (["sign", "missing.json", "--round", "1", "--revenue-share", "nan"], "not a share"),
        (["sign", "missing.json", "--round", "1", "--revenue-share", "0.1", "--expires", "soon"], "not a day"),
    ],
)
def test_bad_input(bid: World, mia: Mia, tmp_path: Path, arguments: list[str], told: str) -> None:
    given = [str(tmp_path / part) if part.startswith("missing") else part for part in arguments]
    key = bid.key("alice") if arguments[0] == "sign" else []
    refused = mia("licence", *given, *key)
    assert refused.code == 2
    assert told in refused.document["error"]["hint"]
    assert list(tmp_path.iterdir()) == []


def test_strangers_do_not_sign(bid: World, mia: Mia, tmp_path: Path) -> None:
    bid.person("mallory")
    file = tmp_path / "agreement.json"
    refused = mia(
        "licence", "sign", "--yes", file, "--round", 1, "--revenue-share", "0", *bid.key("mallory"), *bid.here
    )
    assert refused.code == 2 and "has no bid" in refused.document["error"]["hint"]
    assert (
        mia("licence", "sign", "--yes", file, "--round", 1, "--revenue-share", "0", *bid.key("alice"), *bid.here).code
        == 0
    )
    before = file.read_bytes()
    refused = mia("licence", "sign", "--yes", file, *bid.key("mallory"))
    assert refused.code == 2 and "neither provider nor planner" in refused.document["error"]["hint"]
    again = mia("licence", "sign", "--yes", file, "--expires", "2030-01-01", *bid.key("alice"))
    assert again.code == 2 and "its words stand" in again.document["error"]["hint"]
    assert file.read_bytes() == before
