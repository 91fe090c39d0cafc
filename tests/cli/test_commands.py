"""The command contract: one JSON document, exit codes that mean something, errors that name input and way out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Mia
from typer.testing import CliRunner

from oracle.cli.main import app

COMMANDS = [
    *("demo", "score", "data scan", "influence", "allocate", "claim", "chain", "deploy", "terms", "explain"),
    *("bid commit", "bid wrap", "bid reveal", "bid status", "key new", "key show", "key create", "key public"),
    *("delivery send", "delivery bounty", "delivery accept", "delivery dispute", "licence show", "licence sign"),
    *("round open", "round draw", "round status", "round settle", "round refund", "round void", "round simulate"),
    *("revenue deposit", "revenue claim", "revenue status"),
    *("oracle stake", "oracle score", "oracle report", "audit round"),
    *("data pack", "data verify", "data unpack", "data prove"),
]
NOBODY = "0x" + "11" * 20


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_how_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"mia {command}" in shown.output
    assert "Example:" in shown.output


def test_start_up_imports_no_numerics() -> None:
    loaded = (
        "import sys, oracle.cli.main; print([m for m in ('torch', 'web3', 'numpy', 'sklearn') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "name", "input"),
    [
        (["bid", "commit"], 2, "UsageError", "mia bid commit"),
        (["no-such-command"], 2, "UsageError", "mia"),
        (["round", "status", "one"], 2, "UsageError", "mia round status"),
        (["round", "status", 1, "--rpc", "http://127.0.0.1:9"], 3, "EnvironmentFailure", "http://127.0.0.1:9"),
        (["round", "status", 1, "--rpc", "ftp://example.org"], 2, "BadInput", "ftp://example.org"),
        (["round", "status", 1, "--store", "cloud:here"], 2, "BadInput", "cloud"),
        (["explain", 1, "nobody", "--contract", NOBODY, "--rpc", "http://127.0.0.1:9"], 3, "EnvironmentFailure", None),
        (["score", "no/such/file.jsonl"], 2, "BadInput", "no/such/file.jsonl"),
        (["key", "show", "no-such-file.json"], 2, "BadInput", "no-such-file.json"),
        (["demo", "--market", "no/such/market"], 2, "BadInput", "no/such/market"),
    ],
)
def test_an_error_is_one_document(mia: Mia, arguments: list[object], code: int, name: str, input: str | None) -> None:
    answer = mia(*arguments)
    assert answer.code == code, answer.said
    assert set(answer.document) == {"error"}
    assert set(answer.document["error"]) == {"name", "input", "hint"}
    assert answer.document["error"]["name"] == name
    assert input is None or answer.document["error"]["input"] == input
    assert answer.document["error"]["hint"]


def test_a_tranche_is_for_languages_that_texts_are_found_to_be_in(mia: Mia, tmp_path: Path) -> None:
    terms = tmp_path / "terms.toml"
    assert mia("terms", "--out", terms).code == 0
    opening = ["round", "open", terms, "--keystore", "nobody.json", "--tranche-language"]
    unknown, latin = mia(*opening, "xx"), mia(*opening, "cy")
    assert (unknown.code, unknown.document["error"]["input"]) == (2, "xx")
    assert "--tranche-language cy: texts in it are taken for English" in latin.said


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["round", "status", "1", "--rpc", "http://me:s3cr3ts3cr3t@127.0.0.1:9/v2/s3cr3ts3cr3t?key=s3cr3ts3cr3t"], {}),
        (["round", "status", "1", "--rpc", "wss://rpc.example.org/s3cr3ts3cr3t"], {}),
        (["round", "status", "1", "--rpc", "rpc.example.org/s3cr3ts3cr3t"], {}),
        (["round", "status", "1", "https://rpc.example.org/s3cr3ts3cr3t"], {}),
        (["bid", "status", "1", NOBODY], {"MIA_RPC": "http://127.0.0.1:9/s3cr3ts3cr3t"}),
        (["audit", "round", "1"], {"MIA_RPC": "https://s3cr3ts3cr3t@127.0.0.1:9"}),
    ],
)
def test_the_key_in_an_rpc_url_is_told_nowhere(arguments: list[str], environment: dict[str, str]) -> None:
    asked = [sys.executable, "-m", "oracle.cli.main", *arguments, "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=os.environ | environment)
    assert done.returncode in (2, 3) and set(json.loads(done.stdout)) == {"error"}
    assert "s3cr3t" not in done.stdout + done.stderr
    assert "127.0.0.1:9" in done.stdout or "rpc.example.org" in done.stdout + done.stderr


def test_an_error_of_a_library_is_told_without_the_key(mia: Mia, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a library says of the URL that it asked, in its message and in the traceback."""

    def broken(rpc: str) -> None:
        raise RuntimeError(f"403 Client Error: Forbidden for url: {rpc}")

    monkeypatch.setattr("oracle.chain.client.connect", broken)
    answer = mia("round", "status", 1, "--rpc", "https://rpc.example.org/v2/s3cr3ts3cr3t")
    assert (answer.code, answer.document["error"]["name"]) == (3, "RuntimeError")
    assert "https://rpc.example.org" in answer.said and "s3cr3t" not in answer.said + json.dumps(answer.document)


def test_a_process_writes_one_document_and_exits_with_the_code() -> None:
    asked = [sys.executable, "-m", "oracle.cli.main", "round", "status", "1", "--rpc", "http://127.0.0.1:9", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["input"] == "http://127.0.0.1:9"
    assert "127.0.0.1:9" in done.stderr


def test_terms_are_written_once(mia: Mia, tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    assert "liquidity" in mia("terms", "--out", file).document["terms"]
    again = mia("terms", "--out", file)
    assert (again.code, again.document["error"]["input"]) == (2, str(file))


def test_a_key_is_never_overwritten(mia: Mia, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    file = tmp_path / "key.json"
    made = mia("key", "new", file, "--password-file", tmp_path / "password")
    assert made.code == 0
    assert mia("key", "show", file).document["address"] == made.document["address"]
    before = file.read_bytes()
    assert mia("key", "new", file, "--password-file", tmp_path / "password").code == 2
    assert file.read_bytes() == before


def test_the_demo_removes_nothing_that_is_not_a_demo(mia: Mia, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    assert mia("demo", "--out", tmp_path).code == 2
    assert (tmp_path / "thesis.txt").exists()
