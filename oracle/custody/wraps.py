"""A content key, encrypted to each who may open the data set: HPKE, bound to data set, place and recipient.

RFC 9180 in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. ``info`` says chain, market, round,
provider, data set and recipient, so that a wrap copied under another provider, round or operator opens to nothing.
Base mode proves of no wrap who made it: every key that comes out is compared with the manifest's commitment. All wraps
together are signed (EIP-712), by the provider's wallet or by the board key that its manifest names, so that nobody else
fills their place; ECDSA alone says by whom, since no two readers may see that differently.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from eth_abi.abi import encode
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from pydantic import Field

from oracle.custody.context import KEY_BYTES, Context
from oracle.custody.manifest import SealedManifest
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical
from oracle.evidence.fields import Address, Bytes32, Record
from oracle.evidence.score_report import signer_of

MAX_WRAPS = 1 << 12
MAX_TRIES = 16
"""Wraps that one reader tries: a recipient has one for each of its keys, and nobody needs more."""
WRAP_TYPEHASH = keccak(
    text="KeyWrap(uint256 chainId,address market,uint256 round,address provider,bytes32 dataset,address recipient)"
)
NAME = "Mixed-MIA key wraps"
VERSION = "1"
TYPES = {
    "KeyWraps": [
        {"name": "round", "type": "uint256"},
        {"name": "provider", "type": "address"},
        {"name": "manifest", "type": "bytes32"},
        {"name": "wraps", "type": "bytes32"},
    ]
}
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ENCAPSULATED, _TAG = 32, 16
_TEXT = 2 * (_ENCAPSULATED + KEY_BYTES + _TAG)


class Wrap(Record):
    """A key for one recipient: the X25519 key it was wrapped to, and encapsulated key | ciphertext in hexadecimal."""

    recipient: Address
    public_key: Bytes32
    ciphertext: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{_TEXT}}}$")]


class Wraps(Record):
    """All wraps of one data set; ``manifest`` is the sha256 of its manifest.

    ``signature`` (65 bytes in hexadecimal) is what a board wants; beside the manifest in its owner's folder there need
    be none.
    """

    kind: Literal["mixed-mia/wraps/2"] = "mixed-mia/wraps/2"
    manifest: Bytes32
    wraps: Annotated[tuple[Wrap, ...], Field(max_length=MAX_WRAPS)]
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{130}$")] | None = None

    @property
    def digest(self) -> bytes:
        """sha256 of the wraps in canonical JSON: what is signed of them."""
        return canonical.digest([wrap.model_dump(mode="json") for wrap in self.wraps])


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


def sign_wraps(account: LocalAccount, manifest: SealedManifest, wraps: Iterable[Wrap]) -> Wraps:
    """The wraps of a data set as they go to a board.

    Raises ``BadInput`` for an account that readers would refuse: neither the provider's nor the manifest's board key.
    """
    if account.address not in _signers(manifest):
        raise BadInput(
            f"{account.address} cannot sign wraps of the data set of {manifest.provider}",
            input=account.address,
            hint=f"sign with {' or '.join(_signers(manifest))}",
        )
    unsigned = Wraps(manifest=manifest.digest, wraps=tuple(wraps))
    signature = bytes(account.sign_message(_signable(manifest, unsigned)).signature)
    return unsigned.model_copy(update={"signature": signature.hex()})


def require_signed(manifest: SealedManifest, wraps: Wraps, *, name: str) -> None:
    """``CheckFailed`` unless the provider or its board key signed these very wraps for this data set."""
    hint = "its owner shows them again: mia bid wrap"
    if wraps.signature is None:
        raise CheckFailed(f"{name} are not signed", input=name, hint=hint)
    try:
        signer = signer_of(_signable(manifest, wraps), bytes.fromhex(wraps.signature))
    except CheckFailed as error:
        raise CheckFailed(f"{name}: {error}", input=name, hint=hint) from error
    if signer not in _signers(manifest):
        raise CheckFailed(
            f"{name} are signed by {signer}, or were altered or are of another data set: not signed by "
            f"{' or '.join(_signers(manifest))}",
            input=name,
            hint=hint,
        )


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


def unwrap_key(manifest: SealedManifest, wraps: Wraps | Iterable[Wrap], recipient: str, *private_keys: bytes) -> bytes:
    """The content key that was wrapped to ``recipient`` under one of its X25519 keys (32 bytes each): the first that
    the manifest is committed to, so that a false wrap in front of a good one hides nothing.

    Raises ``CheckFailed``: nothing is wrapped to this recipient, or to another of its keys only, or too much, or what
    is wrapped was made for another data set, provider or round, or is not the key.
    """
    everyone = wraps.wraps if isinstance(wraps, Wraps) else tuple(wraps)
    own = [wrap for wrap in everyone if wrap.recipient.lower() == recipient.lower()]
    again = "ask the provider to wrap the key again"
    if not own:
        raise _closed(recipient, "no key is wrapped to it", "ask the provider to wrap the key to this address")
    keys = [X25519PrivateKey.from_private_bytes(private_key) for private_key in private_keys]
    private = {key.public_key().public_bytes_raw(): key for key in keys}
    fitting = [wrap for wrap in own if wrap.public_key in private]
    if not fitting:
        known = "0x" + own[0].public_key.hex()
        raise _closed(recipient, f"the key is wrapped to another of its keys, {known}", "use the key file of that key")
    if len(fitting) > MAX_TRIES:
        raise _closed(recipient, f"{len(fitting)} wraps are for it, {MAX_TRIES} are tried at most", again)
    false: CheckFailed | None = None
    for wrap in fitting:
        try:
            sealed = bytes.fromhex(wrap.ciphertext)
            key = _SUITE.decrypt(sealed, private[wrap.public_key], info=_info(manifest.context, recipient))
            manifest.check_key(key)
        except (InvalidTag, ValueError):
            continue
        except CheckFailed as error:
            false = error
            continue
        return key
    if false is not None:
        raise false
    raise _closed(
        recipient, "its wrap does not open: it was altered, or made for another data set, provider or round", again
    )


def _signers(manifest: SealedManifest) -> tuple[str, ...]:
    return (manifest.provider,) if manifest.board_key is None else (manifest.provider, manifest.board_key)


def _signable(manifest: SealedManifest, wraps: Wraps) -> SignableMessage:
    domain = {
        "name": NAME,
        "version": VERSION,
        "chainId": manifest.chain_id,
        "verifyingContract": manifest.market,
    }
    message = {
        "round": manifest.round,
        "provider": manifest.provider,
        "manifest": manifest.digest,
        "wraps": wraps.digest,
    }
    return encode_typed_data(domain, TYPES, message)


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
