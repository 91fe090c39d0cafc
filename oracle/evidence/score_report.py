"""EIP-712 messages of the operators. Twin of ``contracts/libraries/ScoreReport.sol``.

``ObservationSeal`` (type ``Observation``) commits one operator to its observation before anybody shows theirs;
``ScoreReport`` is what the quorum signs. Both name the running hash of commitments, so that a signature dies with a
reorganised list of commitments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak

from oracle.errors import CheckFailed

NAME = "Mixed-MIA DataMarket"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Domain:
    """The deployment a signature is for."""

    chain_id: int
    market: str

    def fields(self) -> dict[str, Any]:
        return {"name": NAME, "version": VERSION, "chainId": self.chain_id, "verifyingContract": self.market}

    def separator(self) -> bytes:
        """EIP-712 domain separator, 32 bytes: ``domainSeparator()`` of the market."""
        return encode_typed_data(
            self.fields(), ObservationSeal.TYPES, ObservationSeal(0, bytes(32), bytes(32)).fields()
        ).header


@dataclass(frozen=True, slots=True)
class ObservationSeal:
    """``digest``: sha256 of the canonical observation (``Observation.digest()``)."""

    TYPES: ClassVar[dict[str, list[dict[str, str]]]] = {
        "Observation": [
            {"name": "round", "type": "uint256"},
            {"name": "commitments", "type": "bytes32"},
            {"name": "digest", "type": "bytes32"},
        ]
    }

    round: int
    commitments: bytes
    digest: bytes

    def fields(self) -> dict[str, Any]:
        return {"round": self.round, "commitments": self.commitments, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """``root`` of the score tree over ``count`` leaves, one for every bonded provider."""

    TYPES: ClassVar[dict[str, list[dict[str, str]]]] = {
        "ScoreReport": [
            {"name": "round", "type": "uint256"},
            {"name": "termsHash", "type": "bytes32"},
            {"name": "commitments", "type": "bytes32"},
            {"name": "observations", "type": "bytes32"},
            {"name": "root", "type": "bytes32"},
            {"name": "count", "type": "uint32"},
        ]
    }

    round: int
    terms_hash: bytes
    commitments: bytes
    observations: bytes
    root: bytes
    count: int

    def fields(self) -> dict[str, Any]:
        return {
            "round": self.round,
            "termsHash": self.terms_hash,
            "commitments": self.commitments,
            "observations": self.observations,
            "root": self.root,
            "count": self.count,
        }


Message = ObservationSeal | ScoreReport


def signable(domain: Domain, message: Message) -> SignableMessage:
    """The EIP-712 message as eth-account takes it."""
    return encode_typed_data(domain.fields(), message.TYPES, message.fields())


def typed_digest(domain: Domain, message: Message) -> bytes:
    """keccak256(0x1901 | domain separator | struct hash): the 32 bytes that are signed."""
    encoded = signable(domain, message)
    return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)


def sign(account: LocalAccount, domain: Domain, message: Message) -> bytes:
    """65 bytes r | s | v, low s (deterministic, RFC 6979)."""
    return bytes(account.sign_message(signable(domain, message)).signature)


def recover(domain: Domain, message: Message, signature: bytes) -> str:
    """The signer's address; ``CheckFailed`` for anything that OpenZeppelin's ``ECDSA`` refuses."""
    return signer_of(signable(domain, message), signature)


def signer_of(message: SignableMessage, signature: bytes) -> str:
    """Who signed any EIP-712 message; ``CheckFailed`` as :func:`recover`."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise CheckFailed("a signature is 65 bytes ending in 27 or 28", input="0x" + signature.hex(), hint="sign again")
    if int.from_bytes(signature[32:64], "big") > SECPK1_N // 2:
        raise CheckFailed("a malleable signature (high s)", input="0x" + signature.hex(), hint="sign again")
    try:
        signer: str = Account.recover_message(message, signature=signature)
    except (BadSignature, ValueError) as error:
        raise CheckFailed("a signature that nobody made", input="0x" + signature.hex(), hint="sign again") from error
    return signer
