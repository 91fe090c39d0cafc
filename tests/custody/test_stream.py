"""Whatever is done to a ciphertext, it does not open: 10,000 random tamperings, each of them found."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_utils.crypto import keccak

from oracle.custody.context import Context
from oracle.custody.segments import Segment
from oracle.custody.stream import CHUNK, TAG, seal, sealed_size, unseal
from oracle.errors import BadInput, CheckFailed

PROVIDER, OTHER, MARKET = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
CONTEXT = Context(31337, MARKET, 5, PROVIDER, b"\x07" * 32)
KEY = b"\x2a" * 32
SALT = b"\x0c" * 32
ONE = (Segment(first=0, salt=SALT),)
SMALL = 64
CASES = 10_000


def sealed(plain: bytes, key: bytes = KEY, context: Context = CONTEXT) -> list[bytes]:
    return list(seal(key, context, [plain], ONE, chunk=SMALL))


def opened(chunks: list[bytes], key: bytes = KEY, context: Context = CONTEXT) -> bytes:
    return b"".join(unseal(key, context, chunks, ONE, chunk=SMALL))


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 95, 96, 97, 480, 1000])
@pytest.mark.parametrize("piece", [1, 7, 48, 10_000])
def test_what_is_sealed_opens(size: int, piece: int) -> None:
    plain = random.Random(size).randbytes(size)
    parts = [plain[at : at + piece] for at in range(0, size, piece)]
    chunks = list(seal(KEY, CONTEXT, iter(parts), ONE, chunk=SMALL))
    assert [len(chunk) for chunk in chunks[:-1]] == [SMALL] * (len(chunks) - 1)
    assert len(chunks) == max(1, -(-size // (SMALL - TAG)))
    ciphertext = b"".join(chunks)
    for length in (1, 50, SMALL, 10_000):
        foreign = [ciphertext[at : at + length] for at in range(0, len(ciphertext), length)]
        assert b"".join(unseal(KEY, CONTEXT, foreign, ONE, chunk=SMALL)) == plain


@pytest.mark.parametrize("size", [0, 1, CHUNK - TAG, CHUNK - TAG + 1, 2 * (CHUNK - TAG)])
def test_chunks_are_leaves_of_the_stored_file(size: int) -> None:
    chunks = list(seal(KEY, CONTEXT, [bytes(size)], ONE))
    assert all(len(chunk) == CHUNK for chunk in chunks[:-1]) and len(chunks[-1]) <= CHUNK
    assert sum(map(len, chunks)) == sealed_size(size)


def test_the_format_word_by_word() -> None:
    """HKDF, nonces and associated data written out: what another implementation has to do."""
    words = (CONTEXT.chain_id, int(MARKET, 16), CONTEXT.round, int(PROVIDER, 16))
    typehash = keccak(
        text="SealedDataset(uint256 chainId,address market,uint256 round,address provider,bytes32 dataset)"
    )
    aad = typehash + b"".join(word.to_bytes(32, "big") for word in words) + CONTEXT.dataset
    extracted = hmac.digest(SALT, KEY, "sha256")
    cipher = AESGCM(hmac.digest(extracted, b"mixed-mia/stream/1" + CONTEXT.dataset + b"\x01", "sha256"))
    plain = b"The tide rose slowly over the harbour wall." * 2
    assert sealed(plain) == [
        cipher.encrypt(bytes(7) + bytes(4) + b"\x00", plain[:48], aad),
        cipher.encrypt(bytes(7) + b"\x00\x00\x00\x01" + b"\x01", plain[48:], aad),
    ]


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(BadInput):
        list(seal(b"short", CONTEXT, [b"text"], ONE))


# --- tampering ---

Tampering = Callable[[random.Random, list[bytes]], list[bytes]]


def flip(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    at = rng.randrange(len(chunks))
    chunk = bytearray(chunks[at])
    chunk[rng.randrange(len(chunk))] ^= 1 << rng.randrange(8)
    return [*chunks[:at], bytes(chunk), *chunks[at + 1 :]]


def cut_at_a_border(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    return chunks[: rng.randrange(len(chunks))]


def cut_anywhere(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    whole = b"".join(chunks)
    return [whole[: rng.randrange(len(whole))]]


def drop(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    at = rng.randrange(len(chunks))
    return chunks[:at] + chunks[at + 1 :]


def swap(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    a, b = rng.sample(range(len(chunks)), 2)
    chunks = list(chunks)
    chunks[a], chunks[b] = chunks[b], chunks[a]
    return chunks


def repeat(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    at = rng.randrange(len(chunks))
    return [*chunks[: at + 1], chunks[at], *chunks[at + 1 :]]


def append(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    return [*chunks, rng.randbytes(rng.randint(1, 2 * SMALL))]


def append_an_earlier_one(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    return [*chunks, rng.choice(chunks)]


def exchange_for_another_data_set(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    """A chunk of the same place, from a stream under the same key in another context."""
    at = rng.randrange(len(chunks))
    plain = rng.randbytes(48 * len(chunks) - 8)
    other = sealed(plain, context=replace(CONTEXT, dataset=rng.randbytes(32)))
    return [*chunks[:at], other[at], *chunks[at + 1 :]]


def exchange_for_another_key(rng: random.Random, chunks: list[bytes]) -> list[bytes]:
    at = rng.randrange(len(chunks))
    other = sealed(rng.randbytes(48 * len(chunks) - 8), key=rng.randbytes(32))
    return [*chunks[:at], other[at], *chunks[at + 1 :]]


TAMPERINGS: list[Tampering] = [
    flip,
    cut_at_a_border,
    cut_anywhere,
    drop,
    swap,
    repeat,
    append,
    append_an_earlier_one,
    exchange_for_another_data_set,
    exchange_for_another_key,
]
CONTEXTS = [
    replace(CONTEXT, chain_id=1),
    replace(CONTEXT, market=OTHER),
    replace(CONTEXT, round=6),
    replace(CONTEXT, provider=OTHER),
    replace(CONTEXT, dataset=b"\x08" * 32),
]


def test_every_tampering_is_found() -> None:
    rng = random.Random(6)
    streams = [sealed(rng.randbytes(rng.randrange(49, 400))) for _ in range(40)]
    for case in range(CASES):
        chunks = rng.choice(streams)
        which = case % (len(TAMPERINGS) + 2)
        if which < len(TAMPERINGS):
            altered = TAMPERINGS[which](rng, chunks)
            assert b"".join(altered) != b"".join(chunks), "nothing was altered"
            key, context = KEY, CONTEXT
        else:
            altered = chunks
            key, context = (rng.randbytes(32), CONTEXT) if which % 2 else (KEY, rng.choice(CONTEXTS))
        with pytest.raises(CheckFailed) as failure:
            opened(altered, key, context)
        assert failure.value.input.startswith("chunk ")


@pytest.mark.parametrize("context", CONTEXTS)
def test_another_place_does_not_open(context: Context) -> None:
    chunks = sealed(b"text" * 100)
    with pytest.raises(CheckFailed) as failure:
        opened(chunks, context=context)
    assert failure.value.input == "chunk 0"


def test_the_associated_data_alone_already_bind() -> None:
    """Not only the derived key: with the same data set, thus the same derived key, the place still counts."""
    for context in CONTEXTS[:4]:
        assert context.derive(KEY, "stream") == CONTEXT.derive(KEY, "stream")
        assert context.aad() != CONTEXT.aad()


def test_messages_tell_a_cut_from_an_addition() -> None:
    chunks = sealed(b"text" * 100)
    for altered, words in ((chunks[:3], "cut off"), ([*chunks[:-1], chunks[-1] + b"x"], "altered")):
        with pytest.raises(CheckFailed, match=words):
            opened(altered)
    full = sealed(bytes(96))
    with pytest.raises(CheckFailed, match="something was added after it"):
        opened([*full, b"more"])
