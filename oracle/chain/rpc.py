"""One node behind an http(s) URL: what it answers is typed, what it refuses is one kind of error, waiting is bounded.

Questions are repeated when the connection breaks, when the node limits rates, and when it answers with less of the
chain than it told of before (public nodes are many machines, some behind the others). A transaction is not: its sender
must learn of it. Errors name scheme, host and port of the node only: the rest of its URL is a key.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakSet

import orjson
import requests
import urllib3
from web3.exceptions import Web3RPCError
from web3.providers import JSONBaseProvider
from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST
from web3.types import RPCEndpoint, RPCResponse

from oracle.addresses import scrubbed, shown
from oracle.chain.answers import checked
from oracle.chain.complaints import is_beyond_head, limits_rates, retry_after, revert_data
from oracle.errors import BadInput, EnvironmentFailure

TIMEOUT = 30.0
"""Seconds that a node may be silent."""
ANSWER_SECONDS = 120.0
"""Seconds that one answer may take from its first byte to its last."""
MAX_ANSWER = 1 << 26
"""Bytes of one answer, unpacked."""
SHORT = 1.0
"""Seconds of asking again after a connection broke or a gateway found no node."""
LIMITED = 60.0
"""Seconds of asking again where a node limits rates."""
LAGGING = 20.0
"""Seconds of asking again where a node is behind what it told before."""
NEAR = 256
"""Blocks below the highest one seen in which a node that knows nothing lags, rather than having forgotten."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.125, 8.0  # seconds, doubling
_REPEATED = frozenset(REQUEST_RETRY_ALLOWLIST) - {"eth_sendRawTransaction"}
_TOO_SLOW = {408, 504, 524}
_GATEWAYS = {500, 502, 503, 520, 521, 522, 523} | _TOO_SLOW  # 52x: Cloudflare's, about the node behind it


class Refused(EnvironmentFailure, Web3RPCError):
    """The node answered, and its answer is no. ``said``: in the node's words.

    Callers of web3 meet it as the ``Web3RPCError`` that they expect.
    """

    def __init__(self, message: str, said: str, *, input: str, hint: str) -> None:
        super().__init__(message, input=input, hint=hint)
        self.message = self.said = said


class Limited(Refused):
    """The node limits rates, and did so for as long as was waited."""


class TooSlow(Refused):
    """The node gave no answer in time to a question that can be made smaller."""


@dataclass(eq=False)
class _Again(Exception):
    """To be asked again until ``patience`` seconds have passed, then ``failure``.

    ``wait``: seconds that the node wants first; ``unheard``: whether it certainly did nothing yet.
    """

    failure: EnvironmentFailure
    patience: float
    wait: float | None = None
    unheard: bool = False


class Node(JSONBaseProvider):
    """The provider of web3 for the node at ``rpc``. Remembers the height of its chain, as far as it was told."""

    global_ccip_read_enabled = False  # no contract of ours looks anything up, and none sends this client to servers

    def __init__(self, rpc: str) -> None:
        super().__init__()
        self.name = shown(rpc)
        self._rpc = rpc
        self._sessions = threading.local()
        self._chain_id: RPCResponse | None = None
        self._height = 0
        _nodes.add(self)

    def __str__(self) -> str:
        return f"the node at {self.name}"

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Ask until there is an answer or patience is at its end. Raises ``EnvironmentFailure``, for a refusal that
        comes as no JSON-RPC error :class:`Refused`; a JSON-RPC error is returned."""
        if method == "eth_chainId" and self._chain_id is not None:
            return self._chain_id  # every other request of web3 asks for it again: once is enough
        started, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            try:
                response = self._ask(method, params)
                break
            except _Again as again:
                wait = pause if again.wait is None else again.wait
                late = time.monotonic() - started + wait > again.patience
                if late or (method not in _REPEATED and not again.unheard):
                    raise again.failure from again.__cause__
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)
        if method == "eth_chainId" and "result" in response:
            self._chain_id = response
        return response

    def refusal(self, method: str, said: str, hint: str = "check its RPC URL and plan, or use another") -> Refused:
        """The error for a refusal that nobody expects."""
        return Refused(f"{self} refuses {method}: {said}", said, input=self.name, hint=hint)

    def forget_height(self) -> None:
        """After the chain was taken back on purpose."""
        self._height = 0

    # --- one question ---

    def _ask(self, method: str, params: Any) -> RPCResponse:
        last = _block_of(method, params) if method == "eth_getLogs" else None
        near = last is not None and self._height and last > self._height - NEAR
        if near:
            # a machine that does not have the last blocks yet often finds no logs there, instead of saying so
            self._require_head(cast(int, last))
        response = self._exchange(method, params)
        if near:
            self._require_head(
                cast(int, last)
            )  # the answer may have come from another machine than the one asked first
        if "result" in response:
            self._compare(method, params, response["result"])
        return response

    def _exchange(self, method: str, params: Any) -> RPCResponse:
        data = self.encode_rpc_request(RPCEndpoint(method), params)
        number = orjson.loads(data)["id"]
        status, headers, body = self._post(method, data)
        try:
            answer = orjson.loads(body)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            error = self._error(method, params, status, headers, answer["error"])
            return cast(RPCResponse, {"jsonrpc": "2.0", "id": number, "error": error})
        self._require_success(method, status, headers)
        if not isinstance(answer, dict):
            what = {list: "a batch of answers", type(None): "no JSON"}.get(type(answer), "no JSON-RPC answer")
            raise self._odd(method, "nothing" if not body.strip() else what)
        if answer.get("error") is not None or "result" not in answer:
            raise self._odd(method, "neither a result nor an error as JSON-RPC has them")
        if answer.get("id") != number:
            raise self._odd(method, "the answer to another question")
        try:
            result = checked(method, answer["result"])
        except ValueError as error:
            raise self._odd(method, f"a result of another form ({error})") from error
        return cast(RPCResponse, {"jsonrpc": "2.0", "id": number, "result": result})

    def _post(self, method: str, data: bytes) -> tuple[int, Any, bytes]:
        """Status, headers and body, unpacked."""
        session = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
        headers = {"Content-Type": "application/json"}
        started, body = time.monotonic(), bytearray()
        try:
            with session.post(
                self._rpc, data=data, headers=headers, timeout=TIMEOUT, stream=True, allow_redirects=False
            ) as response:
                for piece in response.iter_content(1 << 16):
                    body += piece
                    if len(body) > MAX_ANSWER:
                        raise self._too_much(method, f"its answer is larger than {MAX_ANSWER >> 20} MiB")
                    if time.monotonic() - started > ANSWER_SECONDS:
                        raise requests.Timeout(f"not whole after {ANSWER_SECONDS:.0f} s")
                return response.status_code, response.headers, bytes(body)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError) as error:
            raise BadInput(
                f"not an RPC URL: {self.name}", input=self.name, hint="write http://HOST:PORT or https://..."
            ) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._broken(method, error) from error

    # --- what it means ---

    def _broken(self, method: str, error: Exception) -> Exception:
        reason = scrubbed(_innermost(error), self._rpc)
        if "timed out" in reason or isinstance(error, requests.Timeout):
            if method == "eth_getLogs" and not isinstance(error, requests.ConnectTimeout):
                said = f"no answer in time ({reason})"
                return TooSlow(f"{self} gave {said} to {method}", said, input=self.name, hint=_AWAY)
            return _Again(self._away(method, reason), TIMEOUT + SHORT)  # once more
        return _Again(self._away(method, reason), SHORT)

    def _away(self, method: str, reason: str) -> EnvironmentFailure:
        return EnvironmentFailure(f"{self} does not answer {method}: {reason}", input=self.name, hint=_AWAY)

    def _error(self, method: str, params: Any, status: int, headers: Any, error: dict[str, Any]) -> dict[str, Any]:
        """The JSON-RPC error, its text without secrets; unless it is one that passes."""
        code, message = error.get("code"), error.get("message")
        if type(code) is not int or not isinstance(message, str):
            if status == 200:
                raise self._odd(method, "an error without code and message")
            self._require_success(method, status, headers)
        said = " ".join(scrubbed(str(message), self._rpc).split())[:500]
        if status == 429 or limits_rates(method, code, said):
            raise self._limited(method, said, headers)
        asked = _block_of(method, params)
        if asked is not None and self._height - NEAR < asked <= self._height and is_beyond_head(said):
            raise self._lags(method, said)
        return {"code": code, "message": said} | revert_data(said, error.get("data"))

    def _require_success(self, method: str, status: int, headers: Any) -> None:
        """Raise for any HTTP status that is not 200."""
        if status == 200:
            return
        said = f"HTTP {status}"
        if status == 429:
            raise self._limited(method, said, headers)
        if status == 413:
            raise self._too_much(method, said)
        if status in _GATEWAYS:
            if method == "eth_getLogs" and status in _TOO_SLOW:
                raise TooSlow(f"{self} gave no answer in time to {method}: {said}", said, input=self.name, hint=_AWAY)
            wait = retry_after(headers)
            raise _Again(self._away(method, said), LIMITED if wait else SHORT, wait)
        if 300 <= status < 400:
            place = shown(headers.get("Location", ""))
            hint = "use the URL that it sends you to"
            raise EnvironmentFailure(f"{self} sends {method} on to {place} ({said})", input=self.name, hint=hint)
        hints = {401: _KEY, 402: "see the plan of your account there", 403: _KEY, 404: _KEY}
        raise (
            self.refusal(method, said)
            if status not in hints
            else Refused(f"{self} refuses {method}: {said}", said, input=self.name, hint=hints[status])
        )

    def _too_much(self, method: str, said: str) -> Refused:
        return Refused(
            f"{self} cannot answer {method}: {said}", said, input=self.name, hint="use an RPC URL with wider limits"
        )

    def _limited(self, method: str, said: str, headers: Any) -> _Again:
        wait = retry_after(headers)
        asks = f", and asks to wait {wait:.0f} s" if wait else ""
        hint = "wait and run the command again, use an RPC URL with a plan of your own, or a node of your own"
        failure = Limited(f"{self} limits rates: {method} is refused ({said}{asks})", said, input=self.name, hint=hint)
        return _Again(failure, LIMITED, wait, unheard=True)

    def _lags(self, method: str, said: str) -> _Again:
        failure = EnvironmentFailure(
            f"{self} lags: it told of block {self._height} before, but answers {method} with less ({said})",
            input=self.name,
            hint="wait until it has caught up, or use another RPC URL",
        )
        return _Again(failure, LAGGING)

    def _odd(self, method: str, what: str) -> EnvironmentFailure:
        return EnvironmentFailure(
            f"no usable answer from {self.name} to {method}: {what}",
            input=self.name,
            hint="is this the RPC URL of a node? use another one",
        )

    def _compare(self, method: str, params: Any, result: Any) -> None:
        """Raise when the result is of an older chain than was seen; otherwise learn its height."""
        asked = _block_of(method, params)
        if method == "eth_blockNumber":
            self._climb(method, int(result, 16))
        elif method == "eth_getBlockByNumber":
            if result is None and (asked is None or asked > self._height):
                raise self._odd(method, f"no block {params[0]}")
            if result is None:
                raise self._lags(method, f"no block {asked}")
            if params[0] == "latest":
                self._climb(method, int(result["number"], 16))
        elif method == "eth_getTransactionReceipt" and result:
            self._height = max(self._height, int(result["blockNumber"], 16))

    def _require_head(self, block: int) -> None:
        """Raise when the node has not come to ``block``, though it told of it."""
        response = self._exchange("eth_blockNumber", [])
        head = int(response["result"], 16) if "result" in response else 0
        if head < min(block, self._height):
            raise self._lags("eth_getLogs", f"its head is block {head}")

    def _climb(self, method: str, height: int) -> None:
        if height < self._height:
            raise self._lags(method, f"block {height}")
        self._height = height


_nodes: WeakSet[Node] = WeakSet()
_AWAY = "is the node running, and is this its RPC URL?"
_KEY = "check the key and the path of its RPC URL"


def rewound(rpc: str) -> None:
    """Say that the chain at ``rpc`` was taken back on purpose: what this process saw of it is no longer its past."""
    for node in list(_nodes):
        if node.name == shown(rpc):
            node.forget_height()


def _block_of(method: str, params: Any) -> int | None:
    """The (last) block that a question is about; None where it names none."""
    block = None
    if method == "eth_getLogs":
        block = params[0].get("toBlock")
    elif method == "eth_getBlockByNumber":
        block = params[0]
    elif method in ("eth_call", "eth_getCode", "eth_getBalance", "eth_getTransactionCount"):
        block = params[1]
    return int(block, 16) if isinstance(block, str) and block.startswith("0x") else None


def _innermost(error: BaseException) -> str:
    """The first cause, in one line: the libraries wrap it several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return " ".join((str(error) or type(error).__name__).split())[:200]
