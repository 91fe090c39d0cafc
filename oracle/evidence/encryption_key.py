"""Whose encryption key is it? Its owner's wallet says so, under EIP-712, wherever the key is shown.

A content key is wrapped to an X25519 key that a contract, a file or a node names; each of them could name somebody
else's. The signature names no chain and no market: it says that the key is its owner's, which is so everywhere. It
does not say that the key is the newest: whoever loses an old private key still has to fear for what is wrapped to it.
Twin of ``contracts/libraries/EncryptionKey.sol``; the contract keeps signatures in the short form of EIP-2098.
"""

from __future__ import annotations

from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount

from oracle.errors import CheckFailed
from oracle.evidence.score_report import signer_of

NAME = "Mixed-MIA keys"
VERSION = "1"
TYPES = {
    "EncryptionKey": [
        {"name": "owner", "type": "address"},
        {"name": "x25519", "type": "bytes32"},
    ]
}


def sign_key(account: LocalAccount, x25519: bytes) -> bytes:
    """``account`` states that ``x25519`` (32 bytes) is its key: 65 bytes r | s | v."""
    return bytes(account.sign_message(_signable(account.address, x25519)).signature)


def require_owner(owner: str, x25519: bytes, signature: bytes) -> None:
    """``CheckFailed`` unless ``owner``'s wallet signed that ``x25519`` is its key."""
    hint = f"{owner} shows its key again: mia key register, or mia key public"
    try:
        signer = signer_of(_signable(owner, x25519), signature)
    except CheckFailed as error:
        raise CheckFailed(f"the encryption key of {owner}: {error}", input=owner, hint=hint) from error
    if signer != owner:
        raise CheckFailed(
            f"the encryption key 0x{x25519.hex()} is signed by {signer}, or for another key, not by {owner}",
            input=owner,
            hint=hint,
        )


def shortened(signature: bytes) -> tuple[bytes, bytes]:
    """A signature of 65 bytes as ``r`` and ``vs``, 32 bytes each: its parity is the highest bit (EIP-2098)."""
    s, parity = int.from_bytes(signature[32:64], "big"), signature[64] - 27
    return signature[:32], (parity << 255 | s).to_bytes(32, "big")


def lengthened(r: bytes, vs: bytes) -> bytes:
    """The 65 bytes r | s | v again."""
    parity, s = divmod(int.from_bytes(vs, "big"), 1 << 255)
    return r + s.to_bytes(32, "big") + bytes([27 + parity])


def _signable(owner: str, x25519: bytes) -> SignableMessage:
    return encode_typed_data({"name": NAME, "version": VERSION}, TYPES, {"owner": owner, "x25519": x25519})
