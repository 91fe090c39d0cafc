import base64
import hashlib

import pytest

from oracle.custody import cid as cids
from oracle.errors import BadInput, CheckFailed

HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"  # "hello world"
EMPTY_DIRECTORY = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"  # a dag-pb block known to everybody


def test_published_ids() -> None:
    assert cids.of(b"hello world") == HELLO
    assert cids.of(b"\n\x02\x08\x01", cids.DAG_PB) == EMPTY_DIRECTORY
    assert cids.decode(HELLO) == (cids.RAW, hashlib.sha256(b"hello world").digest())
    assert cids.decode(EMPTY_DIRECTORY)[0] == cids.DAG_PB


def base58(raw: bytes) -> str:
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = letters[digit] + text
    return text


@pytest.mark.parametrize("cid", [HELLO, EMPTY_DIRECTORY])
def test_other_spellings_mean_the_same_and_are_told_apart_by_bytes(cid: str) -> None:
    raw = cids.to_bytes(cid)
    assert cids.from_bytes(raw) == cid
    for text in (cid, cid.upper(), "z" + base58(raw)):
        assert cids.canonical(text) == cid and cids.same(text, cid)
        if text != cid:  # one content, one spelling: the others are no file names here
            with pytest.raises(BadInput):
                cids.decode(text)
    assert not cids.same(HELLO, EMPTY_DIRECTORY)


def test_a_content_id_that_a_daemon_wrote_in_base58() -> None:
    # what `jsipfs add --cid-version=1 --raw-leaves` answers for "hello world"
    assert cids.same("zb2rhj7crUKTQYRGCRATFaQ6YFLTde2YzdqbbhAASkL9uRDXn", HELLO)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x01\x55\x12\x20" + bytes(31),
        b"\x01\x55\x12\x20" + bytes(33),
        b"\x01\x71\x12\x20" + bytes(32),  # dag-cbor
        b"\x02\x55\x12\x20" + bytes(32),  # version 2
        b"\x01\x55\x13\x20" + bytes(32),  # sha2-512
        b"\x12\x20" + bytes(32),  # version 0
        b"\x01\x55\x00\x20" + bytes(32),  # identity
    ],
)
def test_other_kinds_are_refused_in_every_spelling(raw: bytes) -> None:
    text = "b" + base64.b32encode(raw).decode().lower().rstrip("=")
    for call in (lambda: cids.from_bytes(raw), lambda: cids.decode(text), lambda: cids.canonical(text)):
        with pytest.raises(BadInput):
            call()
    with pytest.raises(BadInput):
        cids.canonical("z" + base58(raw))


@pytest.mark.parametrize(
    "text", ["", "b", "z", "z0", "b1", "bé", "Q" * 46, HELLO[:-1], HELLO + "a", "b" * 10_000, "z" * 10_000]
)
def test_what_is_no_content_id(text: str) -> None:
    for call in (cids.decode, cids.canonical):
        with pytest.raises(BadInput):
            call(text)


def test_every_text_with_spare_bits_set_is_refused() -> None:
    spare = [HELLO[:-1] + letter for letter in "abcdefghijklmnopqrstuvwxyz234567" if letter != HELLO[-1]]
    for text in spare:
        try:
            assert cids.decode(text) != cids.decode(HELLO)
        except BadInput:
            continue


def test_altered_bytes_are_told_by_their_id() -> None:
    assert cids.check(HELLO, b"hello world", "here") == b"hello world"
    with pytest.raises(CheckFailed) as failure:
        cids.check(HELLO, b"hello World", "this place")
    assert failure.value.input == HELLO and "this place" in str(failure.value)
