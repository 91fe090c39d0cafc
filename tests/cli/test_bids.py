"""A bid cannot be lost: its file is whole on disk before the transaction leaves, and mistakes cost nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from conftest import PASSWORD, Mia, World

from oracle.custody.bidfile import read_bid


@contextmanager
def refusing(rpc: str, watched: Path) -> Iterator[tuple[str, list[bool]]]:
    """A node that passes everything on but transactions; of those it notes whether ``watched`` existed by then."""
    seen: list[bool] = []

    class Node(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if b"eth_sendRawTransaction" in body:
                seen.append(watched.exists())
                error = {"code": -32000, "message": "the mempool is full"}
                answer = json.dumps({"jsonrpc": "2.0", "id": json.loads(body)["id"], "error": error}).encode()
            else:
                answer = urlopen(Request(rpc, body, {"Content-Type": "application/json"})).read()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()


def test_the_file_is_there_before_the_transaction_and_serves_the_next_try(
    mia: Mia, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "bid.json"
    asked = [
        "bid",
        "commit",
        1,
        world.folder / "corpus.jsonl",
        "--cost",
        70_000,
        "--bid-file",
        file,
        *world.key("alice"),
    ]
    with refusing(world.chain.rpc, file) as (rpc, seen):
        failed = mia(*asked, "--rpc", rpc, *world.here[2:])
    assert failed.code == 3
    assert seen == [True]
    first = read_bid(file, PASSWORD)

    sent = mia(*asked, *world.here)
    assert (sent.code, sent.document["sent"]) == (0, True), sent.said
    assert world.market.commitments(1)[-1].sealed == first.sealed()

    again = mia(*asked, *world.here)
    assert (again.code, again.document["sent"]) == (0, False)
    assert len(world.market.commits(1)) == 1

    other = mia(*asked[:4], "--cost", 80_000, *asked[6:], *world.here)
    assert (other.code, other.document["error"]["input"]) == (2, str(file))
    assert read_bid(file, PASSWORD) == first


def test_a_mistake_before_the_transaction_writes_nothing(mia: Mia, world: World, tmp_path: Path) -> None:
    file = tmp_path / "bid.json"
    corpus = world.folder / "corpus.jsonl"
    (tmp_path / "wrong").write_text("not the password\n")
    (tmp_path / "empty.jsonl").write_text("")
    keystore = world.key("alice")[:2]
    common = ["--bid-file", file, *world.here]
    for answer in (
        mia("bid", "commit", 1, corpus, "--cost", 10**12, *world.key("alice"), *common),  # above the cap
        mia("bid", "commit", 1, tmp_path / "empty.jsonl", "--cost", 5, *world.key("alice"), *common),
        mia("bid", "commit", 1, corpus, "--cost", 5, *keystore, "--password-file", tmp_path / "wrong", *common),
        mia("bid", "commit", 9, corpus, "--cost", 5, *world.key("alice"), *common),  # no such round
    ):
        assert answer.code == 2, answer.said
        assert not file.exists()


def test_what_comes_too_early_says_when(mia: Mia, world: World, tmp_path: Path) -> None:
    world.person("bob")
    file = tmp_path / "bid.json"
    sealed = mia(
        "bid",
        "commit",
        1,
        world.folder / "corpus.jsonl",
        "--cost",
        5,
        "--bid-file",
        file,
        *world.key("bob"),
        *world.here,
    )
    assert sealed.code == 0, sealed.said
    early = mia("bid", "reveal", file, *world.key("bob"), *world.here)
    assert early.code == 2
    assert "commit phase" in early.document["error"]["hint"]
    settled = mia("round", "settle", 1, *world.key("bob"), *world.here)
    assert settled.code == 2
    claimed = mia("claim", 1, *world.key("bob"), *world.here)
    assert claimed.code == 2
    state = mia("bid", "status", 1, world.folder / "bob.json", *world.here).document
    assert (state["phase"], state["committed"], state["revealed"]) == ("commit", True, False)
    assert state["next"] == "wait for the reveal phase"


def test_a_stranger_has_nothing_to_claim_and_no_bid_to_explain(mia: Mia, world: World) -> None:
    stranger = world.person("stranger")
    assert mia("claim", 1, *world.key("stranger"), *world.here).code == 2
    unknown = mia("explain", 1, stranger, *world.here)
    assert (unknown.code, unknown.document["error"]["name"]) == (2, "BadInput")


def test_terms_in_a_wrong_unit_open_nothing(mia: Mia, world: World, tmp_path: Path) -> None:
    terms = (world.folder / "terms.toml").read_text()
    for old, new in (('"12500.00 DEMO"', '"12500.00 EUR"'), ('commit = "1d"', 'commit = "5s"')):
        (tmp_path / "terms.toml").write_text(terms.replace(old, new, 1))
        answer = mia(
            "round", "open", tmp_path / "terms.toml", "--token", world.token, *world.key("planner"), *world.here
        )
        assert answer.code == 2, answer.said
        assert str(tmp_path / "terms.toml") in answer.document["error"]["input"]
    assert world.market.rounds() == 1
