"""An IPFS daemon behind ``ipfshttpclient``, with what that client lacks: every call ends and holds little memory.

The client waits a time-out for *each* piece of an answer and takes pieces of any size, so that a slow or lying daemon
could keep it for ever or fill its memory. Here a daemon gets one time-out for every MiB it sends, and for the whole of
a smaller answer; answers are read in small pieces and only up to a bound, and no redirection is followed. A user and
password in the address are sent to the daemon and appear in no message.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import ipfshttpclient
import requests
import urllib3
from ipfshttpclient import exceptions
from ipfshttpclient.http import ClientSync

from oracle.addresses import HIDDEN, scrubbed, shown
from oracle.errors import BadInput, EnvironmentFailure

DEFAULT_PORT: Final = 5001
PIECE: Final = 1 << 20
"""Bytes sent in one go, and received within one time-out."""
MAX_ANSWER: Final = 1 << 24
"""Bytes of an answer that is no content."""

_RECEIVE = 1 << 18  # larger buffers cost more to make than they save

# ipfshttpclient tells urllib3 2 what only urllib3 1 wanted to hear
warnings.filterwarnings("ignore", message="The 'strict' parameter", category=FutureWarning)


class Refused(EnvironmentFailure):
    """The daemon answered with an error."""


class Silent(EnvironmentFailure):
    """The daemon did not answer in time."""


class Daemon:
    """``client``: the sections of ipfshttpclient, to be called inside ``asking``."""

    def __init__(self, address: str, timeout: float) -> None:
        """Nothing is asked yet. ``timeout`` in seconds. Raises ``BadInput`` for what is no address."""
        self.timeout = timeout
        multiaddr, auth = _multiaddr(address)
        self.address = _host_of(multiaddr)
        self._secret = address
        try:
            self.client = ipfshttpclient.Client(multiaddr, chunk_size=PIECE + 64)
            # the constructor is not the client's network: its transport is made here, bounded
            self.client._client = self._transport = _Transport(multiaddr, ipfshttpclient.DEFAULT_BASE, auth=auth)
        except (exceptions.AddressError, ValueError) as error:
            raise _no_address(address) from error
        self._transport.open_session()

    @contextmanager
    def asking(self, what: str, *, most: int = MAX_ANSWER, patience: float = 1) -> Iterator[dict[str, Any]]:
        """Map failures to ours. Yields the keywords to call the client with: a time-out times ``patience`` here, the
        same for the daemon's own work, and ``most`` bytes of answer."""
        seconds = self.timeout * patience
        self._transport.bound.most = most
        try:
            # to connect and to send a piece, to wait for an answer; a second more, so that the daemon's own word comes
            yield {"timeout": (self.timeout + 1, seconds + 1), "opts": {"timeout": f"{seconds:g}s"}}
        except (exceptions.TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError, _Slow) as error:
            raise Silent(
                f"the IPFS daemon at {self.address} did not answer within {seconds:g} s: {what}",
                input=self.address,
                hint="see whether it is at work, and whether the content is anywhere",
            ) from error
        except exceptions.ErrorResponse as error:
            raise Refused(
                f"the IPFS daemon at {self.address} refused to {what}: {self._said(error)[:300]}",
                input=self.address,
                hint="see its log, and whether its disk is full",
            ) from error
        except (exceptions.Error, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise EnvironmentFailure(
                f"the IPFS daemon at {self.address} broke off, asked to {what}: {self._said(_innermost(error))[:200]}",
                input=self.address,
                hint="start it: ipfs daemon",
            ) from error
        except (ValueError, KeyError, TypeError, AssertionError, RecursionError) as error:
            raise EnvironmentFailure(
                f"what answers at {self.address} is no IPFS daemon, asked to {what}",
                input=self.address,
                hint="give the address of its RPC interface, by default 127.0.0.1:5001",
            ) from error

    def _said(self, error: BaseException) -> str:
        """One line of a library's or the daemon's own words."""
        return scrubbed((str(error) or type(error).__name__).splitlines()[0], self._secret)


class _Slow(Exception):
    """A MiB took longer than the time-out."""


class _Transport(ClientSync):  # type: ignore[misc]
    """The client's HTTP, reading what comes as it comes."""

    __slots__ = ("bound",)

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.bound = threading.local()  # a file may be streamed while another thread asks for a block

    def _make_session(self) -> requests.Session:
        session: requests.Session = super()._make_session()
        session.max_redirects = 0
        return session

    def _request(
        self, *args: Any, timeout: tuple[float, float], **rest: Any
    ) -> tuple[list[Any], Generator[bytes, None, None]]:
        closables, _ = super()._request(*args, timeout=timeout, **rest)
        return closables, _pieces(closables[0], timeout[1], self.bound.most)

    def _do_raise_for_status(self, response: requests.Response) -> None:
        if response.ok:
            return
        text = b"".join(_pieces(response, 5, 1 << 16)).decode("utf-8", "replace")
        try:
            text = str(json.loads(text)["Message"])
        except (ValueError, KeyError, TypeError):
            text = f"HTTP {response.status_code}: {text[:200]}"
        raise exceptions.ErrorResponse(text, requests.HTTPError(text, response=response))


def _pieces(response: requests.Response, timeout: float, most: int) -> Generator[bytes, None, None]:
    """The body as it arrives. Only the time spent waiting for it counts, not what the reader does in between."""
    received, waited = 0, 0.0
    while True:
        start = time.monotonic()
        piece = response.raw.read1(_RECEIVE, decode_content=True)  # one receive, however little it gives
        waited += time.monotonic() - start
        if not piece:
            return
        if waited > timeout:
            raise _Slow
        if (received + len(piece)) // PIECE > received // PIECE:
            waited = 0.0
        received += len(piece)
        if received > most:
            raise ValueError("an endless answer")
        yield piece


def _multiaddr(address: str) -> tuple[str, tuple[str, str] | None]:
    """A multiaddr out of one, of host:port or of a URL, and the user and password in it."""
    if address.startswith("/"):
        return address, None
    try:
        url = urlsplit(address if "://" in address else f"http://{address}")
        host, port = url.hostname, url.port or DEFAULT_PORT
    except ValueError as error:
        raise _no_address(address) from error
    if not host or url.scheme not in ("http", "https") or url.path.strip("/") not in ("", "api/v0"):
        raise _no_address(address)
    try:
        kind = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        kind = "dns"
    auth = (unquote(url.username or ""), unquote(url.password or "")) if "@" in url.netloc else None
    return f"/{kind}/{host}/tcp/{port}/{url.scheme}", auth


def _host_of(multiaddr: str) -> str:
    """Host and port of a multiaddr, or ``[hidden]``."""
    _, _, host, _, port, *_ = [*multiaddr.split("/"), *[""] * 5]
    return shown(f"[{host}]:{port}" if ":" in host else f"{host}:{port}") if host and port else HIDDEN


def _no_address(address: str) -> BadInput:
    return BadInput(
        f"not the address of an IPFS daemon: {_host_of(address) if address.startswith('/') else shown(address)}",
        input="the store's address",
        hint="write /ip4/127.0.0.1/tcp/5001, 127.0.0.1:5001 or http://127.0.0.1:5001",
    )


def _innermost(error: BaseException) -> BaseException:
    """The cause: the libraries wrap it several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
