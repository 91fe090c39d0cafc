import base64
import hashlib
import re

import pytest

from oracle.custody import cid as cids
from oracle.custody import multibase
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


# --- as people write them ---

HARBOUR = hashlib.sha256(b"the harbour").digest()
OURS = cids.encode(HARBOUR)
FOLDED = cids.encode(HARBOUR, cids.DAG_PB)
V0 = base58(b"\x12\x20" + HARBOUR)


def base36(raw: bytes) -> str:
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
    return text


def spellings(cid: str) -> dict[str, str]:
    raw = cids.to_bytes(cid)
    b32, hex32 = base64.b32encode(raw).decode(), base64.b32hexencode(raw).decode()
    b64, url = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    bare32, bare_hex32 = b32.rstrip("="), hex32.rstrip("=")
    return {
        "base16": "f" + raw.hex(),
        "BASE16": "F" + raw.hex().upper(),
        "base32": "b" + bare32.lower(),
        "BASE32": "B" + bare32,
        "base32 padded": "c" + b32.lower(),
        "BASE32 padded": "C" + b32,
        "base32 padded against its letter": "b" + b32.lower(),
        "base32 bare against its letter": "C" + bare32,
        "base32hex": "v" + bare_hex32.lower(),
        "BASE32HEX": "V" + bare_hex32,
        "base32hex padded": "t" + hex32.lower(),
        "BASE32HEX padded": "T" + hex32,
        "base36": "k" + base36(raw),
        "BASE36": "K" + base36(raw).upper(),
        "base58btc": "z" + base58(raw),
        "base64": "m" + b64,
        "base64pad": "M" + b64,
        "base64url": "u" + url,
        "base64urlpad": "U" + url,
    }


@pytest.mark.parametrize(
    "around", ["{}", " {}\n", "ipfs://{}", "ipfs://{}/", "/ipfs/{}", "/ipfs/{}/", "IPFS://{}", "ipfs/{}"]
)
@pytest.mark.parametrize("cid", [OURS, FOLDED])
def test_every_base_means_the_same(cid: str, around: str) -> None:
    for name, text in spellings(cid).items():
        assert cids.canonical(around.format(text)) == cid, name
        if text != cid or around != "{}":
            with pytest.raises(BadInput):
                cids.decode(around.format(text))


def test_published_examples_of_bases() -> None:
    # https://github.com/multiformats/multibase/tree/master/tests: "Decentralize everything!!"
    words = b"Decentralize everything!!"
    for text in (
        "f446563656e7472616c697a652065766572797468696e672121",
        "birswgzloorzgc3djpjssazlwmvzhs5dinfxgoijb",
        "cirswgzloorzgc3djpjssazlwmvzhs5dinfxgoijb",
        "v8him6pbeehp62r39f9ii0pbmclp7it38d5n6e891",
        "het1sg3mqqt3gn5djxj11y3msci3817depfzgqejb",
        "k343ixo7d49hqj1ium15pgy1wzww5fxrid21td7l",
        "zUXE7GvtEk8XTXs1GF8HSGbVA9FCX9SEBPe",
        "Ztwe7gVTeK8wswS1gf8hrgAua9fcw9reboD",
        "mRGVjZW50cmFsaXplIGV2ZXJ5dGhpbmchIQ",
        "MRGVjZW50cmFsaXplIGV2ZXJ5dGhpbmchIQ==",
        "uRGVjZW50cmFsaXplIGV2ZXJ5dGhpbmchIQ",
        "URGVjZW50cmFsaXplIGV2ZXJ5dGhpbmchIQ==",
    ):
        assert multibase.decode(text) == words, text


@pytest.mark.parametrize("around", ["{}", "ipfs://{}", "/ipfs/{}", "\t{} "])
def test_version_0_is_a_node_of_version_1(around: str) -> None:
    assert V0.startswith("Qm") and cids.canonical(around.format(V0)) == FOLDED
    assert cids.from_bytes(b"\x12\x20" + HARBOUR) == FOLDED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing is written"),
        ("b" + OURS[1:].upper(), "case is wrong"),
        ("B" + OURS[1:], "case is wrong"),
        ("f" + cids.to_bytes(OURS).hex().upper(), "case is wrong"),
        (OURS[:-1], "cut off"),
        ("f" + cids.to_bytes(OURS).hex()[:-2], "hash of 31 bytes"),
        ("f" + cids.to_bytes(OURS).hex() + "00", "hash of 33 bytes"),
        ("f" + cids.to_bytes(OURS).hex() + "0", "base16"),
        (OURS + "=", "padding"),
        (OURS + "1", "'1' is no letter of base32"),
        (OURS[:20] + " " + OURS[20:], "' ' is no letter"),
        ("x" + OURS[1:], "'x' in front names no base"),
        (V0[:-1], "version 0"),
        (V0 + "a", "version 0"),
        (V0[:-1] + "0", "'0' is no letter of base58btc"),
        ("b" * 500, "too many"),
        ("f0171" + "1220" + HARBOUR.hex(), "dag-cbor"),
        ("f01a902" + "1220" + HARBOUR.hex(), "dag-json"),
        ("f0155" + "1340" + HARBOUR.hex() * 2, "sha2-512"),
        ("f0155" + "a0e40220" + HARBOUR.hex(), "blake2b-256"),
        ("f0155" + "1e20" + HARBOUR.hex(), "blake3"),
        ("f0155" + "0005" + b"hello".hex(), "identity"),
        ("f0172" + "0024" + "08011220" + HARBOUR.hex(), "libp2p-key"),
        ("/ipns/docs.ipfs.tech", "tomorrow"),
        ("ipns://k51qzi5uqu5dl", "tomorrow"),
        (f"ipfs://{OURS}/a.txt", "path inside"),
        (f"/ipfs/{OURS}/a/b", "path inside"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=re.escape(why)) as failure:
        cids.canonical(text)
    assert failure.value.hint and len(str(failure.value)) < 400
