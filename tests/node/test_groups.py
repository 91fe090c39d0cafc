"""Who belongs to the diversity tranche: by the language of most tokens, as the specification says."""

from __future__ import annotations

import pytest

from oracle.node.compute import group_of


@pytest.mark.parametrize(
    ("tokens", "languages", "group"),
    [
        ({"sw": 900, "en": 100}, ("fi", "sw"), 1),
        ({"sw": 100, "en": 900}, ("fi", "sw"), 0),
        ({"en": 500, "sw": 500}, ("sw",), 0),  # among equals the first by its code
        ({"sw": 1}, (), 0),
    ],
)
def test_the_main_language_decides(tokens: dict[str, int], languages: tuple[str, ...], group: int) -> None:
    assert group_of(tokens, languages) == group
