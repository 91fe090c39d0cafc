"""What nodes mean when they refuse: every provider has its own codes and words for rates, ranges and missing blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_RATE_CODES = {429, -32007, -32016, -32029, -32097}
_REQUEST_LIMIT = -32005  # EIP-1474: of requests, and at some nodes of the results of eth_getLogs
_RATE = re.compile(
    r"rate.?limit|too many requests|\b429\b|rate (is )?exceeded|requests? (count|limit|rate)|requests?( allowed)? per "
    r"|per second|/(sec|second)\b|throughput|quota|compute units",
    re.IGNORECASE,
)
_BEYOND = re.compile(
    r"(beyond|after|above|past|greater than|exceeds?|ahead of) .*\b(head|latest|last|current|tip|height)\b"
    r"|header not found|block (number )?not found|unknown block|no such block|future block|invalid block range"
    r"|block ?out ?of ?range|(block|header).* does not exist",
    re.IGNORECASE,
)
_REVERT_DATA = re.compile(r"0x([0-9a-fA-F]{2})*")
_UNREAD_DATA = ("0x556f1830", "0x4e487b71")  # OffchainLookup, which asks to call any server, and Panic


def limits_rates(method: str, code: Any, said: str) -> bool:
    """Whether a JSON-RPC error is about the number of requests, not about this one."""
    if code == _REQUEST_LIMIT and method != "eth_getLogs":
        return True
    return code in _RATE_CODES or bool(_RATE.search(said) and not _reverts(said))


def is_beyond_head(said: str) -> bool:
    """Whether a node says that it does not have the block that was asked about."""
    return bool(_BEYOND.search(said))


def revert_data(said: str, data: Any) -> dict[str, Any]:
    """The ``data`` of a contract's refusal, where an error has one that can be read."""
    if isinstance(data, str) and _REVERT_DATA.fullmatch(data) and not data.startswith(_UNREAD_DATA):
        return {"data": data}
    # older nodes: web3 takes the kind of the error from it, and the text above
    return {"data": {}} if isinstance(data, dict) and _reverts(said) else {}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a node asks to wait (RFC 9110, 10.2.3: a number or a date); None where it does not say."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _reverts(said: str) -> bool:
    return "revert" in said.lower()
