"""A content key, encrypted to each who may open the data set: HPKE, bound to data set, place and recipient.

RFC 9180 in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. ``info`` says chain, market, round,
provider, data set and recipient, so that a wrap copied under another provider, round or operator opens to nothing.
Whoever made a wrap is not proved by it: the key is compared with the manifest's commitment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from pydantic import Field

from oracle.custody.context import KEY_BYTES, Context
from oracle.errors import BadInput, CheckFailed
from oracle.evidence.fields import Address, Bytes32, Record

MAX_WRAPS = 1 << 12
WRAP_TYPEHASH = keccak(
    text="KeyWrap(uint256 chainId,address market,uint256 round,address provider,bytes32 dataset,address recipient)"
)
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ENCAPSULATED, _TAG = 32, 16
_TEXT = 2 * (_ENCAPSULATED + KEY_BYTES + _TAG)


class Wrap(Record):
    """A key for one recipient: the X25519 key it was wrapped to, and encapsulated key | ciphertext in hexadecimal."""

    recipient: Address
    public_key: Bytes32
    ciphertext: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{_TEXT}}}$")]


class Wraps(Record):
    """All wraps of one data set; ``manifest`` is the sha256 of its manifest."""

    kind: Literal["mixed-mia/wraps/1"] = "mixed-mia/wraps/1"
    manifest: Bytes32
    wraps: Annotated[tuple[Wrap, ...], Field(max_length=MAX_WRAPS)]


def read_wraps(data: bytes, *, manifest: bytes, name: str) -> Wraps:
    """Parse what ``Wraps.to_bytes`` wrote; ``CheckFailed`` when it is none, or belongs to another manifest."""
    wraps = Wraps.from_bytes(data, name=name, hint="ask the provider")
    if wraps.manifest != manifest:
        raise CheckFailed(
            f"{name} holds wraps for manifest 0x{wraps.manifest.hex()}, not 0x{manifest.hex()}",
            input=name,
            hint="ask the provider for the wraps of this data set",
        )
    return wraps


def require_recipient(owner: str, public_key: bytes) -> X25519PublicKey:
    """``owner``'s X25519 public key; ``BadInput`` for one that is none, or of small order: then anybody could open what
    is wrapped to it (RFC 7748, section 6.1)."""
    try:
        public = X25519PublicKey.from_public_bytes(public_key)
        X25519PrivateKey.generate().exchange(public)
    except ValueError as error:
        raise BadInput(
            f"the encryption key of {owner} is no X25519 public key, or one of small order",
            input=owner,
            hint="ask for a new one: mia key rotate, mia key register",
        ) from error
    return public


def wrap_key(context: Context, key: bytes, recipient: str, public_key: bytes) -> Wrap:
    """Wrap ``key`` to a recipient's X25519 public key; ``BadInput`` for a key that is none, or of small order."""
    if len(key) != KEY_BYTES:
        raise BadInput(f"a content key of {len(key)} bytes", input="content key", hint="it has 32")
    public = require_recipient(recipient, public_key)
    sealed = _SUITE.encrypt(key, public, info=_info(context, recipient))
    return Wrap(recipient=recipient, public_key=public_key, ciphertext=sealed.hex())


def unwrap_key(context: Context, wraps: Wraps | Iterable[Wrap], recipient: str, *private_keys: bytes) -> bytes:
    """The content key that was wrapped to ``recipient`` under one of its X25519 keys (32 bytes each).

    Raises ``CheckFailed``: nothing is wrapped to this recipient, or to another of its keys only, or the wrap was made
    for another data set, provider or round.
    """
    everyone = wraps.wraps if isinstance(wraps, Wraps) else tuple(wraps)
    own = [wrap for wrap in everyone if wrap.recipient.lower() == recipient.lower()]
    if not own:
        raise _closed(recipient, "no key is wrapped to it", "ask the provider to wrap the key to this address")
    keys = [X25519PrivateKey.from_private_bytes(private_key) for private_key in private_keys]
    private = {key.public_key().public_bytes_raw(): key for key in keys}
    fitting = [wrap for wrap in own if wrap.public_key in private]
    if not fitting:
        known = "0x" + own[0].public_key.hex()
        raise _closed(recipient, f"the key is wrapped to another of its keys, {known}", "use the key file of that key")
    for wrap in fitting:
        try:
            sealed = bytes.fromhex(wrap.ciphertext)
            return _SUITE.decrypt(sealed, private[wrap.public_key], info=_info(context, recipient))
        except (InvalidTag, ValueError):
            continue
    raise _closed(
        recipient,
        "its wrap does not open: it was altered, or made for another data set, provider or round",
        "ask the provider to wrap the key again",
    )


def _info(context: Context, recipient: str) -> bytes:
    return encode(
        ["bytes32", "uint256", "address", "uint256", "address", "bytes32", "address"],
        [
            WRAP_TYPEHASH,
            context.chain_id,
            context.market,
            context.round,
            context.provider,
            context.dataset,
            recipient,
        ],
    )


def _closed(recipient: str, why: str, hint: str) -> CheckFailed:
    return CheckFailed(f"{recipient} cannot open this data set: {why}", input=recipient, hint=hint)
