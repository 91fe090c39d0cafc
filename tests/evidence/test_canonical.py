import hashlib

import pytest

from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical


def test_example_of_rfc_8785() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "a": None,
    }
    assert (
        canonical.dumps(value)
        == (
            '{"a":null,"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        canonical.digest({"b": 1, "a": 2})
        == canonical.digest({"a": 2, "b": 1})
        == hashlib.sha256(b'{"a":2,"b":1}').digest()
    )


@pytest.mark.parametrize("value", [1 << 53, float("nan"), float("inf"), {1: 2}, b"raw"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(BadInput):
        canonical.dumps(value)


@pytest.mark.parametrize(
    "data", [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"1.0", b"{", b"\xff", b"[" * 100_000]
)
def test_a_second_spelling_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(CheckFailed) as failure:
        canonical.loads(data, name="evidence of 0xab")
    assert failure.value.input == "evidence of 0xab"


def test_what_is_written_is_read() -> None:
    assert canonical.loads(canonical.dumps({"x": [1, "é"]}), name="x") == {"x": [1, "é"]}
