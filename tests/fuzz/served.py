"""A server of our own on this machine that answers what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

Answer = Callable[[str, bytes], tuple[int, bytes]]
"""Status and body for the path and the body of a request."""


class Server(HTTPServer):
    """At ``url`` until the process ends; ``answer`` may be replaced."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_port}"
        Thread(target=self.serve_forever, daemon=True).start()


class _Requests(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        status, body = self.server.answer(self.path, self._body())
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def log_message(self, *_: object) -> None:
        """Nothing is told."""
