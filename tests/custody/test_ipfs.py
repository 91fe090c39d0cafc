"""The IPFS store against daemons that lie, hang, drip, overflow and run full; and what is its own with a real one."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import ipfshttpclient
import pytest

from oracle.custody import cid as cids
from oracle.custody import dagpb, unixfs
from oracle.custody.dagpb import Link
from oracle.custody.ipfs import STREAM, IpfsStore
from oracle.custody.store import block_cid, open_store
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure, MiaError

MIB = 1 << 20
TIMEOUT = 0.5
Answer = Callable[["Handler", str], None]


class Handler(BaseHTTPRequestHandler):
    """One request: ``answers`` by path. Where none is given the daemon is well and knows its version only."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, Answer]

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        path = url.path.removeprefix("/api/v0/")
        self.answers.get(path, error(404, "404 page not found"))(self, parse_qs(url.query).get("arg", [""])[0])

    def start(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def take_body(self, most: int = 1 << 40) -> int:
        taken = 0
        while taken < most and (size := int(self.rfile.readline(), 16)):
            taken += len(self.rfile.read(size))
            self.rfile.readline()
        if taken < most:
            self.rfile.readline()  # the empty line that ends a body
        return taken

    def log_message(self, *_: object) -> None:
        pass


def whole(data: bytes) -> Answer:
    def answer(handler: Handler, _: str) -> None:
        handler.start(Content_Length=str(len(data)))
        handler.wfile.write(data)

    return answer


def error(status: int, message: str) -> Answer:
    def answer(handler: Handler, _: str) -> None:
        body = f'{{"Message": "{message}", "Code": 0, "Type": "error"}}'.encode()
        handler.start(status, Content_Length=str(len(body)), Content_Type="application/json")
        handler.wfile.write(body)

    return answer


def silent(_: Handler, __: str) -> None:
    time.sleep(60)


def stalls(handler: Handler, _: str) -> None:
    handler.start(Content_Length="1000")
    handler.wfile.write(b"x")
    handler.wfile.flush()
    time.sleep(60)


def drips(handler: Handler, _: str) -> None:
    handler.start(Content_Length=str(MIB))
    for _ in range(MIB):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def drips_chunks(handler: Handler, _: str) -> None:
    handler.start(Transfer_Encoding="chunked")
    for _ in range(MIB):
        handler.chunk(b"x")
        time.sleep(0.05)


def floods(handler: Handler, _: str) -> None:
    handler.start(Transfer_Encoding="chunked")
    for _ in range(1 << 20):
        handler.chunk(bytes(MIB))


def floods_in_one_chunk(handler: Handler, _: str) -> None:
    handler.start(Transfer_Encoding="chunked")
    handler.wfile.write(b"ffffffffff\r\n")  # a terabyte
    for _ in range(1 << 20):
        handler.wfile.write(bytes(MIB))


def hangs_up(handler: Handler, _: str) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def no_http(handler: Handler, _: str) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.close_connection = True


WELL = {"version": whole(b'{"Version": "0.30.0"}')}


@contextmanager
def daemon(**answers: Answer) -> Iterator[IpfsStore]:
    """A store at a daemon that answers so; paths with ``__`` for the slash."""
    given = {path.replace("__", "/"): answer for path, answer in answers.items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hostile", (Handler,), {"answers": WELL | given}))
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield IpfsStore(f"127.0.0.1:{server.server_port}", timeout=TIMEOUT)
    finally:
        server.shutdown()
        server.server_close()


CID = block_cid(b"what was stored")
HOSTILE = [silent, stalls, drips, drips_chunks, floods, floods_in_one_chunk, hangs_up, no_http, error(500, "broken")]


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: answer.__qualname__.split(".")[0])
def test_every_call_ends_with_an_error_in_time(answer: Answer) -> None:
    with daemon(**dict.fromkeys(("block__get", "block__stat", "cat", "files__ls", "version"), answer)) as store:
        for call in (
            lambda: store.get(CID),
            store.pins,
        ):
            start = time.monotonic()
            with pytest.raises((EnvironmentFailure, CheckFailed)) as failure:
                call()
            assert time.monotonic() - start < 4 * TIMEOUT + 4
            assert failure.value.input and failure.value.hint


@pytest.mark.parametrize(
    "answer", [silent, error(500, "block was not found locally (offline): ipld: could not find x")]
)
def test_a_block_that_does_not_come_from_a_daemon_that_is_well_is_missing(answer: Answer) -> None:
    with daemon(block__get=answer, block__stat=answer) as store:
        assert not store.has(CID)
        with pytest.raises(CheckFailed) as failure:
            store.get(CID)
        assert failure.value.input == CID


@pytest.mark.parametrize("data", [b"", b"what was storeD", b"what was stored!", bytes(MIB)])
def test_a_lie_is_told_by_its_id(data: bytes) -> None:
    with daemon(block__get=whole(data)) as store:
        for call in (lambda: store.get(CID), lambda: list(store.read(CID, max_size=MIB))):
            with pytest.raises(CheckFailed) as failure:
                call()
            assert failure.value.input == CID


def blocks_of(data: list[bytes]) -> tuple[dict[str, bytes], str]:
    blocks = list(unixfs.build(data))
    return {block.cid: block.data for block in blocks}, blocks[-1].cid


LEAVES = [bytes([i]) * MIB for i in range(4)]
BLOCKS, ROOT = blocks_of(LEAVES)


def honest(handler: Handler, cid: str) -> None:
    whole(BLOCKS[cid])(handler, cid)


CATS = {
    "short": whole(b"".join(LEAVES)[:-1]),
    "long": whole(b"".join(LEAVES) + b"more"),
    "swapped": whole(LEAVES[1] + LEAVES[0] + LEAVES[2] + LEAVES[3]),
    "nothing": whole(b""),
    "flood": floods,
    "silent": silent,
    "hangs up": hangs_up,
    "error": error(500, "no"),
}


@pytest.mark.parametrize("cat", CATS.values(), ids=CATS)
def test_a_lying_stream_changes_nothing_while_the_blocks_are_right(cat: Answer) -> None:
    with daemon(block__get=honest, cat=cat) as store:
        assert list(store.read(ROOT, max_size=4 * MIB)) == LEAVES


@pytest.mark.parametrize("bad", range(4))
def test_a_lying_leaf_is_told_by_its_id_after_the_good_ones(bad: int) -> None:
    wrong = [leaf if i != bad else bytes(MIB - 1) + b"!" for i, leaf in enumerate(LEAVES)]
    lost = block_cid(LEAVES[bad])

    def mostly(handler: Handler, cid: str) -> None:
        whole(wrong[bad] if cid == lost else BLOCKS[cid])(handler, cid)

    with daemon(block__get=mostly, cat=whole(b"".join(wrong))) as store:
        given: list[bytes] = []
        with pytest.raises(CheckFailed) as failure:
            for piece in store.read(ROOT, max_size=4 * MIB):
                given.append(piece)
        assert given == LEAVES[:bad] and failure.value.input == lost


# --- storing ---


def full_at_once(handler: Handler, _: str) -> None:
    handler.take_body()
    error(500, "no space left on device")(handler, "")


def full_in_the_middle(handler: Handler, _: str) -> None:
    handler.take_body(3 * MIB)
    error(500, "no space left on device")(handler, "")
    handler.close_connection = True


def full_and_silent(handler: Handler, _: str) -> None:
    handler.take_body(3 * MIB)
    time.sleep(60)


def full_later(handler: Handler, _: str) -> None:
    """Kubo answers 200 first and puts the error at the end."""
    handler.take_body()
    handler.start(Transfer_Encoding="chunked", Trailer="X-Stream-Error")
    handler.wfile.write(b"0\r\nX-Stream-Error: no space left on device\r\n\r\n")


def forgets(handler: Handler, _: str) -> None:
    handler.take_body()
    whole(b"")(handler, "")


@pytest.mark.parametrize("answer", [full_at_once, full_in_the_middle, full_and_silent, full_later, forgets, hangs_up])
def test_a_daemon_that_runs_full_fails_the_file(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.custody.ipfs.LONG_WORK", 2)
    absent = error(500, "blockservice: key not found")
    with daemon(dag__import=answer, block__stat=absent) as store:
        start = time.monotonic()
        for call in (lambda: store.add(itertools.repeat(bytes(MIB), 40)), lambda: store.put(b"x")):
            with pytest.raises(EnvironmentFailure) as failure:
                call()
            assert failure.value.hint
        assert time.monotonic() - start < 12


def test_what_goes_wrong_in_the_source_is_told_as_it_is() -> None:
    def source(error: Exception) -> Iterator[bytes]:
        yield bytes(MIB)
        raise error

    with daemon(dag__import=forgets, block__stat=whole(b"{}")) as store:
        for error_ in (OSError(5, "Input/output error"), ValueError("no"), BadInput("no", input="x"), KeyError("x")):
            with pytest.raises(type(error_)) as failure:
                store.add(source(error_))
            assert failure.value is error_


# --- addresses ---


def test_a_daemon_that_is_not_there() -> None:
    store = IpfsStore("127.0.0.1:1", timeout=TIMEOUT)
    for call in (
        lambda: store.get(CID),
        lambda: store.put(b"x"),
        lambda: store.has(CID),
        store.pins,
        store.collect_garbage,
    ):
        with pytest.raises(EnvironmentFailure) as failure:
            call()
        assert "127.0.0.1:1" in str(failure.value)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("/ip4/127.0.0.1/tcp/5001", "http://127.0.0.1:5001/api/v0/"),
        ("/dns/ipfs.example/tcp/443/https", "https://ipfs.example:443/api/v0/"),
        ("127.0.0.1:5001", "http://127.0.0.1:5001/api/v0/"),
        ("localhost", "http://localhost:5001/api/v0/"),
        ("[::1]:5002", "http://[::1]:5002/api/v0/"),
        ("http://10.0.0.1:5003", "http://10.0.0.1:5003/api/v0/"),
        ("https://ipfs.example:8443/api/v0", "https://ipfs.example:8443/api/v0/"),
    ],
)
def test_addresses(address: str, url: str) -> None:
    store = open_store(f"ipfs:{address}")
    assert isinstance(store, IpfsStore)
    assert store._daemon._transport._base_url == url


@pytest.mark.parametrize(
    "address", ["", "/", "/ip4/1", "a b", "ftp://x", "http://x/y", "x:port", "x:99999", "/ip4/127.0.0.1/udp/5"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadInput) as failure:
        open_store(f"ipfs:{address}")
    assert "ipfs" in str(failure.value).lower() or "store" in str(failure.value)


# --- the real one ---


def test_the_daemons_own_importer_agrees(ipfs_daemon: str) -> None:
    store, client = IpfsStore(ipfs_daemon, timeout=10), ipfshttpclient.Client(ipfs_daemon, timeout=30)
    if "ipfs-core" in client.version():
        pytest.skip("js-ipfs wraps every leaf that comes over HTTP, for its mode: another profile")
    options = {"cid-version": "1", "raw-leaves": "true", "chunker": "size-1048576", "pin": "false"}
    for size in (0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1):
        data = bytes(i * i % 251 for i in range(1000)) * (size // 1000 + 1)
        answer = client.add(io.BytesIO(data[:size]), opts=dict(options))
        assert cids.same(answer["Hash"], store.add([data[:size]]).cid), size


def test_pins_of_other_people_stay(ipfs_daemon: str) -> None:
    store, client = IpfsStore(ipfs_daemon, timeout=5), ipfshttpclient.Client(ipfs_daemon, timeout=30)
    theirs = store.put(b"pinned by hand")
    client.pin.add(theirs)
    store.collect_garbage()
    assert store.has(theirs) and theirs not in store.pins().values()
    client.pin.rm(theirs)


def test_garbage_is_not_collected_when_a_pin_was_taken_away_by_hand(ipfs_daemon: str) -> None:
    store, client = IpfsStore(ipfs_daemon, timeout=5), ipfshttpclient.Client(ipfs_daemon, timeout=30)
    ours = store.put(b"pinned by us")
    store.pin(ours, "taken-away")
    client.pin.rm(ours)
    with pytest.raises(CheckFailed) as failure:
        store.collect_garbage()
    assert failure.value.input == ours and store.has(ours)
    store.pin(ours, "taken-away")
    store.collect_garbage()
    assert store.has(ours)
    store.unpin("taken-away")


def test_errors_are_ours(ipfs_daemon: str) -> None:
    store = IpfsStore(ipfs_daemon, timeout=2)
    with pytest.raises(MiaError):
        store.get(block_cid(b"never stored anywhere"))


def test_a_read_that_is_given_up_leaves_nothing_running() -> None:
    def endless(handler: Handler, _: str) -> None:
        handler.start(Transfer_Encoding="chunked")
        for leaf in itertools.cycle(LEAVES):
            handler.chunk(leaf)

    for cat in (endless, silent):
        with daemon(block__get=honest, cat=cat) as store:
            start = time.monotonic()
            pieces = store.read(ROOT, max_size=4 * MIB)
            assert next(pieces) == LEAVES[0]
            pieces.close()  # type: ignore[attr-defined]
            assert time.monotonic() - start < 3 * TIMEOUT + 2
            while receiving() and time.monotonic() - start < 20:
                time.sleep(0.05)
            assert not receiving()


def receiving() -> bool:
    return any(thread.name == STREAM for thread in threading.enumerate())


def test_the_daemon_of_the_tests_is_pinned() -> None:
    package = json.loads((Path(__file__).parents[2] / "scripts" / "ipfs" / "package.json").read_text())
    assert package["dependencies"] and all(
        re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["dependencies"].values()
    )


# --- what peers have ---


class Peers:
    """A daemon that holds nothing and gets from others what it is asked for; it keeps what it is told to pin."""

    def __init__(self, blocks: dict[str, bytes]) -> None:
        self.blocks, self.asked, self.pinned, self.notes = blocks, [], set[str](), dict[str, bytes]()

    def answers(self) -> dict[str, Answer]:
        return {
            "block__get": self._noted(lambda handler, cid: whole(self.blocks[cid])(handler, cid)),
            "block__stat": self._noted(error(500, "block was not found locally (offline): ipld: could not find it")),
            "cat": whole(b""),
            "pin__add": self._noted(self._pin),
            "files__ls": error(500, "file does not exist"),
            "files__write": self._write,
        }

    def _noted(self, answer: Answer) -> Answer:
        def noted(handler: Handler, cid: str) -> None:
            if cid not in self.blocks:
                error(500, "block was not found: could not find it")(handler, cid)
                return
            self.asked.append(cid)
            answer(handler, cid)

        return noted

    def _pin(self, handler: Handler, cid: str) -> None:
        self.pinned.add(cid)
        whole(json.dumps({"Pins": [cid]}).encode())(handler, cid)

    def _write(self, handler: Handler, path: str) -> None:
        handler.take_body()
        self.notes[path] = b"written"
        whole(b"")(handler, path)


def test_what_only_peers_have_is_read_and_pinned() -> None:
    peers = Peers(BLOCKS)
    with daemon(**peers.answers()) as store:
        assert list(store.read(ROOT, max_size=4 * MIB, exact=True)) == LEAVES
        store.pin(ROOT, "round-1.content", max_size=4 * MIB, exact=True)
    assert peers.pinned == {ROOT} and peers.notes == {"/mixed-mia/pins/round-1.content": b"written"}


def test_what_nobody_has_is_not_pinned() -> None:
    lost = block_cid(LEAVES[2])
    peers = Peers({cid: data for cid, data in BLOCKS.items() if cid != lost})
    with daemon(**peers.answers()) as store, pytest.raises(CheckFailed) as failure:
        store.pin(ROOT, "round-1.content", max_size=4 * MIB, exact=True)
    assert failure.value.input == lost and not peers.pinned and not peers.notes


def bomb() -> tuple[dict[str, bytes], str, int]:
    """A bid of a megabyte that would cost 300,301 questions, and its size."""
    blocks: dict[str, bytes] = {}

    def keep(data: bytes, codec: int, size: int) -> Link:
        cid = cids.of(data, codec)
        blocks[cid] = data
        return Link(cid, size, size)

    nodes = []
    for high in range(300):
        crumbs = [keep(bytes([high % 256, high // 256, n % 256, n // 256]), cids.RAW, 4) for n in range(1000)]
        nodes.append(keep(dagpb.encode(crumbs), cids.DAG_PB, 4000))
    return blocks, keep(dagpb.encode(nodes), cids.DAG_PB, 1_200_000).cid, 1_200_000


def test_a_bomb_costs_a_few_questions() -> None:
    blocks, root, size = bomb()
    peers = Peers(blocks)
    with daemon(**peers.answers()) as store:
        for exact, most in ((True, 1), (False, 3000)):
            for call in (
                lambda exact=exact: list(store.read(root, max_size=size, exact=exact)),
                lambda exact=exact: store.pin(root, "bomb", max_size=size, exact=exact),
            ):
                peers.asked.clear()
                with pytest.raises(CheckFailed) as failure:
                    call()
                assert failure.value.input == root and len(peers.asked) <= most
    assert not peers.pinned and not peers.notes


# --- what the daemon is told, and who hears of it ---

SECRETS = ("hunter22", "0123456789abcdef")


@pytest.mark.parametrize(
    "address",
    [
        "http://mia:hunter22@127.0.0.1:1",
        "https://mia:hunter22@127.0.0.1:1/api/v0",
        "mia:hunter22@127.0.0.1:1",
        "http://mia:hunter22@127.0.0.1:1/v3/0123456789abcdef",
        "http://127.0.0.1:1/0123456789abcdef?key=hunter22",
        "http://127.0.0.1:99999/0123456789abcdef",
        "ftp://mia:hunter22@ipfs.example",
        "/dns/mia:hunter22@ipfs.example/tcp/5001",
        "/dns/ipfs.example/tcp/5001/https/0123456789abcdef",
        "http://mia:hunter22@[::1",
    ],
)
def test_the_password_of_a_daemon_is_said_to_nobody(address: str) -> None:
    said = []
    try:
        store = open_store(f"ipfs:{address}")
        said += [repr(store), str(getattr(store, "place", ""))]
        for call in (lambda: store.get(CID), store.pins, lambda: store.put(b"x"), lambda: store.has(CID)):
            with pytest.raises(MiaError) as failure:
                call()
            said += [str(failure.value), failure.value.input, failure.value.hint, repr(failure.value)]
    except BadInput as error_:
        said += [str(error_), error_.input, error_.hint, repr(error_)]
    for kind in ("ipfz", "http", ""):
        with pytest.raises(BadInput) as refused:
            open_store(f"{kind}:{address}" if kind != "http" else address.removeprefix("/"))
        said += [str(refused.value), refused.value.input]
    assert said and not [text for text in said if any(secret in text for secret in SECRETS)]


def test_the_password_is_sent_to_the_daemon_alone() -> None:
    heard: list[tuple[str, str | None]] = []

    def listening(handler: Handler, cid: str) -> None:
        heard.append(("daemon", handler.headers["Authorization"]))
        handler.start(307, Location=elsewhere, Content_Length="0")

    def stranger(handler: Handler, cid: str) -> None:
        heard.append(("stranger", handler.headers["Authorization"]))
        whole(b"what was stored")(handler, cid)

    with daemon(block__get=stranger) as other:
        elsewhere = f"http://{other._daemon.address}/api/v0/block/get?arg={CID}"
        with daemon(block__get=listening) as store:
            asked = IpfsStore(f"http://mia:hunter22@{store._daemon.address}", timeout=TIMEOUT)
            with pytest.raises(EnvironmentFailure) as failure:
                asked.get(CID)
    assert heard == [("daemon", "Basic " + base64.b64encode(b"mia:hunter22").decode())]
    assert store._daemon.address in str(failure.value) and "hunter22" not in str(failure.value)


def test_a_daemon_that_repeats_the_address_is_not_believed_that_far() -> None:
    said = error(500, "no such thing at http://mia:hunter22@127.0.0.1/0123456789abcdef, hunter22")
    with daemon(block__get=said) as store:
        asked = IpfsStore(f"http://mia:hunter22@{store._daemon.address}", timeout=TIMEOUT)
        with pytest.raises(MiaError) as failure:
            asked.get(CID)
    assert not any(secret in str(failure.value) for secret in SECRETS)


@pytest.mark.parametrize("answer", [b"[]", b'"x"', b"{}", b'{"Size": "many"}', b'{"Size": null}', b"\xff", b"[" * 5000])
def test_an_answer_of_the_wrong_type_is_no_daemons(answer: bytes) -> None:
    with daemon(block__stat=whole(answer), files__ls=whole(answer)) as store:
        for call in (lambda: store.has(CID), store.pins):
            with pytest.raises(EnvironmentFailure):
                call()
