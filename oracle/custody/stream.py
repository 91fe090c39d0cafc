"""Encryption of any length in bounded memory: the STREAM construction over AES-256-GCM.

The plaintext is cut every 1 MiB - 16 bytes, so that each chunk with its tag is one leaf of the stored file. The nonce
is seven zero bytes, the number of the chunk (uint32) and 1 for the last chunk, 0 before it; the key is the data set's
own, with the salt of the run that sealed the chunk (segments.py), so no nonce comes twice. Altered, lost, swapped,
repeated or added chunks, another end and another context all fail to open (Hoang, Reyhanitabar, Rogaway, Vizar: Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015). An empty plaintext is one empty last
chunk.

A key and a salt seal one plaintext in their life: two different ones would publish the difference between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from oracle.custody.context import Context
from oracle.custody.segments import Segment
from oracle.custody.store import MAX_BLOCK
from oracle.errors import BadInput, CheckFailed

TAG = 16
CHUNK = MAX_BLOCK
"""Bytes of a ciphertext chunk; the last one may be shorter."""
MAX_CHUNKS = 1 << 32


def chunks_of(sealed: int) -> int:
    """Chunks of a ciphertext of ``sealed`` bytes."""
    return max(1, -(-sealed // CHUNK))


def sealed_size(size: int) -> int:
    """Ciphertext bytes of ``size`` plaintext bytes."""
    return size + TAG * max(1, -(-size // (CHUNK - TAG)))


def seal(
    key: bytes,
    context: Context,
    plain: Iterable[bytes],
    segments: Sequence[Segment],
    *,
    purpose: str = "stream",
    chunk: int = CHUNK,
) -> Iterator[bytes]:
    """Ciphertext chunks of exactly ``chunk`` bytes, the last one shorter or equal; ``plain`` in pieces of any size.

    ``segments`` say which salt holds from which chunk on; ``purpose`` names the key that is derived: one stream each.
    """
    aad, ciphers = context.aad(), _ciphers(key, context, segments, purpose)
    for number, ((piece, last), cipher) in enumerate(zip(_pieces(plain, chunk - TAG), ciphers, strict=False)):
        if number >= MAX_CHUNKS:
            raise BadInput("too long to be sealed as one", input="stream", hint="offer it as several data sets")
        yield cipher.encrypt(_nonce(number, last), piece, aad)


def unseal(
    key: bytes,
    context: Context,
    sealed: Iterable[bytes],
    segments: Sequence[Segment],
    *,
    purpose: str = "stream",
    chunk: int = CHUNK,
) -> Iterator[bytes]:
    """The plaintext, piece by piece, each verified before it is given out.

    Whoever stops reading early has no word that the data end there. Raises ``CheckFailed`` naming the chunk.
    """
    aad, ciphers = context.aad(), _ciphers(key, context, segments, purpose)
    for number, ((piece, last), cipher) in enumerate(zip(_pieces(sealed, chunk), ciphers, strict=False)):
        try:
            yield cipher.decrypt(_nonce(number, last), piece, aad)
        except (InvalidTag, ValueError, OverflowError) as error:
            why = _why(cipher, aad, number, piece, last)
            raise CheckFailed(
                f"chunk {number} does not open: {why}", input=f"chunk {number}", hint="fetch the data set again"
            ) from error


def _ciphers(key: bytes, context: Context, segments: Sequence[Segment], purpose: str) -> Iterator[AESGCM]:
    """The cipher of each chunk, without an end."""
    ends = [segment.first for segment in segments[1:]]
    for place, segment in enumerate(segments):
        cipher = AESGCM(context.derive(key, purpose, segment.salt))
        for _ in range(segment.first, ends[place]) if place < len(ends) else count():
            yield cipher


def _why(cipher: AESGCM, aad: bytes, number: int, piece: memoryview, last: bool) -> str:
    try:
        cipher.decrypt(_nonce(number, not last), piece, aad)
    except (InvalidTag, ValueError, OverflowError):
        return "its bytes were altered, or it belongs to another key, data set, provider or round"
    return "the data were cut off after it" if last else "it is the last one, and something was added after it"


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _pieces(stream: Iterable[bytes], size: int) -> Iterator[tuple[memoryview, bool]]:
    """The stream in pieces of ``size`` bytes and whether each is the last; at least one, perhaps empty.

    Each stays what it is until the next is asked for: it lies where it came from, or, when it came in parts, in one
    buffer. Copies cost a sixth of the encryption, fresh memory for every piece more than that.
    """
    buffer = memoryview(bytearray(size))
    held = buffer[:0]  # whether it is the last, only the next byte tells
    for part in stream:
        rest = memoryview(part)
        while rest:
            if len(held) == size:
                yield held, False
                held = buffer[:0]
            taken = rest[: size - len(held)]
            if len(taken) == size:
                held = taken
            else:
                end = len(held) + len(taken)
                buffer[len(held) : end] = taken
                held = buffer[:end]
            rest = rest[len(taken) :]
    yield held, True
