"""Where a data set is offered: the words that its ciphertext, its key and its key wraps are all bound to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.errors import BadInput

KEY_BYTES = 32
NOWHERE = "0x" + "00" * 20
CONTEXT_TYPEHASH = keccak(
    text="SealedDataset(uint256 chainId,address market,uint256 round,address provider,bytes32 dataset)"
)


@dataclass(frozen=True, slots=True)
class Context:
    """``dataset`` is 32 public random bytes, new for every packing. All zero but that: packed outside of a market."""

    chain_id: int
    market: str
    round: int
    provider: str
    dataset: bytes

    @staticmethod
    def new(*, chain_id: int = 0, market: str = NOWHERE, round: int = 0, provider: str = NOWHERE) -> Context:
        """A context for a data set that is about to be packed."""
        return Context(chain_id, market, round, provider, secrets.token_bytes(32))

    def aad(self) -> bytes:
        """The associated data of everything that is encrypted here: six ABI words."""
        return encode(
            ["bytes32", "uint256", "address", "uint256", "address", "bytes32"],
            [CONTEXT_TYPEHASH, self.chain_id, self.market, self.round, self.provider, self.dataset],
        )

    def derive(self, key: bytes, purpose: str, salt: bytes | None = None) -> bytes:
        """A 32-byte key for one purpose: HKDF-SHA256 (RFC 5869) of the content key, info = purpose | data set.

        ``salt``: of the run that seals under it; none where nothing is sealed twice.
        Raises ``BadInput`` for a content key that is not 32 bytes.
        """
        if len(key) != KEY_BYTES:
            raise BadInput(f"a content key of {len(key)} bytes", input="content key", hint="it has 32")
        info = f"mixed-mia/{purpose}/1".encode() + self.dataset
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)
