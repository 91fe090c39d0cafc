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
        ({"no": 600, "nn": 100, "en": 300}, ("nb",), 1),  # found as "no", named "nb"
        ({"bs": 300, "en": 500, "sr": 300}, ("hr",), 1),  # one language by its words: 600 of 1,100 tokens
    ],
)
def test_the_main_language_decides(tokens: dict[str, int], languages: tuple[str, ...], group: int) -> None:
    assert group_of(tokens, languages) == group
