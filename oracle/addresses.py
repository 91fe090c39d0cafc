"""Addresses of services, and what may be said of them: scheme, host and port.

Providers put keys and passwords into every other part of a URL, and libraries quote URLs in their errors, which end
up in logs and bug reports.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, unquote_plus

HIDDEN = "[hidden]"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*"
_URL = re.compile(rf"{_SCHEME}://[^\s\"'<>]*?(?=[).,;\]]*(?:[\s\"'<>]|$))")
_PARTS = re.compile(rf"(?:({_SCHEME})://)?([^/?#\\]*)(.*)", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:[0-9]{1,5})?")
_ASKED = re.compile(r"(\burl: )/\S*")  # as urllib3 quotes what it asked a host for
_SHORTEST = 6
"""Characters of a part of an address that is taken for a secret wherever it occurs; shorter ones are plain words."""


def shown(address: str) -> str:
    """Scheme, host and port of ``address``; of what is not clearly a host, nothing but ``[hidden]``.

    Without a scheme, a name counts as a host when it has a dot or a port, or is ``localhost``.
    """
    parts = _PARTS.fullmatch(address.strip())
    assert parts is not None  # every text matches
    scheme, authority, rest = parts.groups()
    front = f"{scheme}://" if scheme else ""
    named = _HOST.fullmatch(authority.rpartition("@")[2])
    if not named or "@" in rest:  # a stray @ leaves it open which part is the host and which a password
        return front + HIDDEN
    host, port = named[1], named[2] or ""
    if not scheme and not port and "." not in host and host != "localhost":
        return HIDDEN
    return f"{front}{host}{port}"


def scrubbed(text: str, address: str = "") -> str:
    """``text`` with every URL in it cut down to what ``shown`` leaves, and without any secret of ``address``."""
    for secret in _secrets(address):
        text = text.replace(secret, HIDDEN)
    text = _URL.sub(lambda found: shown(found[0]), text)
    return _ASKED.sub(rf"\1{HIDDEN}", text)


def _secrets(address: str) -> list[str]:
    """Parts of ``address`` that may be secret, as they are written and as they are meant, the longest first."""
    parts = _PARTS.fullmatch(address.strip())
    if not address or not parts:
        return []
    _, authority, rest = parts.groups()
    user = authority.rpartition("@")[0]
    written = {address.strip(), rest, user, *re.split(r"[/?#&=;\\]", rest), *user.split(":")}
    meant = {form for part in written for form in (part, unquote(part), unquote_plus(part))}
    meant |= {quote(part, errors="replace") for part in written}
    return sorted((part for part in meant if len(part) >= _SHORTEST), key=len, reverse=True)
