"""What data may be used for: the licence's text as one hash, and the agreement that provider and planner both sign.

The text is hashed in one spelling: Unicode NFC, line feeds, exactly one at the end. That hash is ``agreementHash`` of a
round's terms, hence in every sealed bid: it cannot change after winning.

The agreement is EIP-712 typed data under the market's address, so that a wallet shows what it signs::

    LicenceAgreement(uint256 round,address provider,address planner,bytes32 datasetRoot,bytes32 licenceHash,
                     uint64 revenueShare,uint64 expiry)
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Annotated, Any, Literal, Self

from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from pydantic import AfterValidator, Field

from oracle.errors import BadInput, CheckFailed
from oracle.evidence.fields import Address, Bytes32, Count, Record, Uint256
from oracle.evidence.hidden import first_hidden
from oracle.evidence.score_report import signer_of

NAME = "Mixed-MIA Licence"
VERSION = "1"
WAD = 10**18
TYPES: dict[str, list[dict[str, str]]] = {
    "LicenceAgreement": [
        {"name": "round", "type": "uint256"},
        {"name": "provider", "type": "address"},
        {"name": "planner", "type": "address"},
        {"name": "datasetRoot", "type": "bytes32"},
        {"name": "licenceHash", "type": "bytes32"},
        {"name": "revenueShare", "type": "uint64"},
        {"name": "expiry", "type": "uint64"},
    ]
}


def canonical_text(text: str) -> str:
    """The licence in its one spelling; ``BadInput`` when nothing is written there."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    words = unicodedata.normalize("NFC", lines).rstrip("\n")
    if not words.strip():
        raise BadInput("a licence without text", input="licence", hint="write down what the data may be used for")
    return words + "\n"


def decode_text(data: bytes, *, name: str) -> str:
    """The canonical text of a licence, for showing it; ``BadInput`` naming ``name`` when it is no UTF-8 or empty."""
    try:
        return canonical_text(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8", input=name, hint="save it as UTF-8 text") from error


def read_text(data: bytes, *, name: str) -> str:
    """The same, for whoever signs it or commits to it: ``BadInput`` also for text of which a reader sees something else
    than what is hashed."""
    text = decode_text(data, name=name)
    hidden = first_hidden(text)
    if hidden is not None:
        raise BadInput(
            f"{name} holds a character that a reader does not see, or that changes what is seen: {hidden}",
            input=name,
            hint="write the licence without it; mia licence show marks every one of them",
        )
    return text


def licence_hash(text: str) -> bytes:
    """sha256 of the canonical text, 32 bytes: ``agreementHash`` of the terms."""
    return hashlib.sha256(canonical_text(text).encode()).digest()


def _at_most_one(share: int) -> int:
    if share > WAD:
        raise ValueError("more than the whole revenue (10**18)")
    return share


Share = Annotated[Uint256, AfterValidator(_at_most_one)]
Signature = Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]


class Agreement(Record):
    """One data set, licensed to one planner. Without signatures it is a draft.

    ``revenue_share``: WAD of the model's revenue that the provider is promised; ``expiry``: unix seconds from which the
    data may no longer be used, 0 for never.
    """

    kind: Literal["mixed-mia/licence-agreement/1"] = "mixed-mia/licence-agreement/1"
    chain_id: Count
    market: Address
    round: Count
    provider: Address
    planner: Address
    dataset_root: Bytes32
    licence_hash: Bytes32
    revenue_share: Share
    expiry: Count
    provider_signature: Signature | None = None
    planner_signature: Signature | None = None

    def signable(self) -> SignableMessage:
        """The EIP-712 message as eth-account takes it."""
        domain = {"name": NAME, "version": VERSION, "chainId": self.chain_id, "verifyingContract": self.market}
        message: dict[str, Any] = {
            "round": self.round,
            "provider": self.provider,
            "planner": self.planner,
            "datasetRoot": self.dataset_root,
            "licenceHash": self.licence_hash,
            "revenueShare": self.revenue_share,
            "expiry": self.expiry,
        }
        return encode_typed_data(domain, TYPES, message)

    def digest(self) -> bytes:
        """keccak256(0x1901 | domain separator | struct hash): the 32 bytes that both sign."""
        encoded = self.signable()
        return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)

    def signed(self, account: LocalAccount) -> Self:
        """The agreement with this account's signature; ``BadInput`` for anybody but provider and planner."""
        parts = self.parts_of(account.address)
        signature = "0x" + bytes(account.sign_message(self.signable()).signature).hex()
        return self.model_copy(update={f"{role}_signature": signature for role in parts})

    def parts_of(self, address: str) -> list[str]:
        """What ``address`` signs as; ``BadInput`` for anybody but provider and planner."""
        parts = [role for role in self.roles() if getattr(self, role) == address]
        if not parts:
            raise BadInput(
                f"{address} is neither provider nor planner of this agreement",
                input=address,
                hint=f"the provider is {self.provider}, the planner {self.planner}",
            )
        return parts

    @staticmethod
    def roles() -> tuple[str, str]:
        """Who signs."""
        return "provider", "planner"

    def missing(self) -> list[str]:
        """The roles that have not signed."""
        return [role for role in self.roles() if getattr(self, f"{role}_signature") is None]

    def check_signature(self, role: str) -> None:
        """``CheckFailed`` unless the role's signature is there and its own."""
        signature, signer = getattr(self, f"{role}_signature"), getattr(self, role)
        if signature is None:
            message = f"the {role} {signer} has not signed"
            raise CheckFailed(message, input=role, hint=f"ask the {role}: mia licence sign")
        found = signer_of(self.signable(), bytes.fromhex(signature[2:]))
        if found != signer:
            raise CheckFailed(
                f"the {role}'s signature is by {found}, or for other words, not by {signer}",
                input=role,
                hint=f"ask the {role} to sign again",
            )

    def check_time(self, now: int) -> None:
        """``CheckFailed`` when the agreement has ended at ``now`` (unix seconds)."""
        if self.expiry and now >= self.expiry:
            raise CheckFailed(
                f"the agreement with {self.provider} ended at {self.expiry} (unix seconds)",
                input="expiry",
                hint="sign a new one before the data are used again",
            )
