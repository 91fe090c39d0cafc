"""A JSON-RPC server over HTTP that answers as a test tells it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

CHAIN = 4242


@dataclass
class Said:
    """One HTTP answer. ``body``: bytes as they are, or a JSON value."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def error(message: str, code: int = -32000, *, status: int = 200, **more: Any) -> Said:
    return Said({"error": {"code": code, "message": message, **more}}, status)


Script = Callable[[str, list[Any], int], Any]
"""Method, parameters, how often the method was asked before; the result, or what is said instead of one."""


@dataclass
class OddNode:
    port: int
    asked: list[tuple[str, list[Any]]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def times(self, method: str) -> int:
        return Counter(name for name, _ in self.asked)[method]


@contextmanager
def odd_node(script: Script) -> Iterator[OddNode]:
    """The node at work. It knows its chain's id where the script says None about it."""
    asked: list[tuple[str, list[Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            method, params = request["method"], request["params"]
            before = Counter(name for name, _ in asked)[method]
            asked.append((method, params))
            said = script(method, params, before)
            if said is None and method == "eth_chainId":
                said = hex(CHAIN)
            if not isinstance(said, Said):
                said = Said({"result": said})
            body = said.body
            if not isinstance(body, bytes):
                whole = {"jsonrpc": "2.0", "id": request["id"]} | body if isinstance(body, dict) else body
                body = json.dumps(whole).encode()
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield OddNode(server.server_address[1], asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
