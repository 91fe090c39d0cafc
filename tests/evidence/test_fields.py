"""The one door for canonical records, where a field may hold any JSON."""

from __future__ import annotations

from typing import Any

import pytest

from oracle.errors import CheckFailed
from oracle.evidence.fields import Record


class Free(Record):
    said: dict[str, Any]


def nested(depth: int) -> bytes:
    return b'{"said":{"a":' + b"[" * depth + b"]" * depth + b"}}"


def test_some_depth_is_read() -> None:
    assert Free.from_bytes(nested(60), name="free").to_bytes() == nested(60)


@pytest.mark.parametrize("depth", [300, 500, 100_000])
def test_depth_without_end_is_refused(depth: int) -> None:
    """A reader that ends in a recursion is one that a stranger can stop."""
    with pytest.raises(CheckFailed, match="free"):
        Free.from_bytes(nested(depth), name="free")
