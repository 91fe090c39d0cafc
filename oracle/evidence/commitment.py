"""What providers commit to and what the market chains together. Twin of ``contracts/libraries/Commitment.sol``.

Every hash is keccak256 over ``abi.encode`` (never ``encodePacked``: its boundaries are ambiguous). Addresses are hex
strings, hashes are 32 bytes, money is in money units.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from eth_abi.abi import encode
from eth_utils.crypto import keccak

DATASET_TYPEHASH = keccak(text="Dataset(address provider,bytes32 documentRoot)")
BID_TYPEHASH = keccak(
    text="Bid(uint256 chainId,address market,uint256 round,address provider,bytes32 termsHash,"
    "bytes32 datasetRoot,uint256 cost,bytes32 salt)"
)
CONTENT_TYPEHASH = keccak(text="Content(bytes32 ciphertextDigest,uint64 codec,bytes32 documentRoot)")
KEY_TYPEHASH = keccak(
    text="ContentKey(uint256 chainId,address market,uint256 round,address provider,bytes32 contentHash,bytes32 key)"
)
SEALED_DATASET_TYPEHASH = keccak(text="Dataset(address provider,bytes32 contentHash,bytes32 keyCommit)")
MIN_SEALED = 1 << 224
"""A smaller sealed bid is refused on chain: the slot later holds a record below this bound."""
MAX_UINT64 = (1 << 64) - 1
COUNT_BITS = 32
"""Low bits of a running hash in which it counts; the other 224 are the hash's."""


def dataset_root(provider: str, document_root: bytes) -> bytes:
    """Bind a document root to its provider, so that a root copied by somebody else opens to nothing."""
    return keccak(encode(["bytes32", "address", "bytes32"], [DATASET_TYPEHASH, provider, document_root]))


def content_hash(ciphertext_digest: bytes, codec: int, document_root: bytes) -> bytes:
    """What was encrypted (the document root) and what it became (digest and codec of the ciphertext's content id)."""
    return keccak(
        encode(["bytes32", "bytes32", "uint64", "bytes32"], [CONTENT_TYPEHASH, ciphertext_digest, codec, document_root])
    )


def key_commit(*, chain_id: int, market: str, round: int, provider: str, content_hash: bytes, key: bytes) -> bytes:
    """Commit to the 32-byte content key, for one content in one place: a key that opens it elsewhere is another one.

    AES-GCM alone does not bind its key (a ciphertext can be made that opens under two); this hash does.
    """
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "uint256", "address", "bytes32", "bytes32"],
            [KEY_TYPEHASH, chain_id, market, round, provider, content_hash, key],
        )
    )


def sealed_dataset_root(provider: str, content_hash: bytes, key_commit: bytes) -> bytes:
    """Bind encrypted content and its key to their provider: the one word of a commitment that stands for all of it."""
    return keccak(
        encode(
            ["bytes32", "address", "bytes32", "bytes32"],
            [SEALED_DATASET_TYPEHASH, provider, content_hash, key_commit],
        )
    )


def sealed_bid(
    *,
    chain_id: int,
    market: str,
    round: int,
    provider: str,
    terms_hash: bytes,
    dataset_root: bytes,
    cost: int,
    salt: bytes,
) -> bytes:
    """The sealed bid, bound to chain, deployment, round, provider, terms and data set."""
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "uint256", "address", "bytes32", "bytes32", "uint256", "bytes32"],
            [BID_TYPEHASH, chain_id, market, round, provider, terms_hash, dataset_root, cost, salt],
        )
    )


def new_salt() -> bytes:
    """32 random bytes. Never derived from a signature or a password: those can be asked for or guessed."""
    return secrets.token_bytes(32)


def start(terms_hash: bytes) -> bytes:
    """Where the running hash of commitments starts."""
    return _counted(terms_hash, 0)


def count(chained: bytes) -> int:
    """How many a running hash has counted."""
    return int.from_bytes(chained[-COUNT_BITS // 8 :], "big")


def extend_commitments(chained: bytes, provider: str, dataset_root: bytes, manifest: bytes, *, first: bool) -> bytes:
    """The running hash of commitments after one more ``commit``, which counts if it is its provider's ``first``."""
    full = keccak(encode(["bytes32", "address", "bytes32", "bytes32"], [chained, provider, dataset_root, manifest]))
    return _counted(full, count(chained) + first)


def commitments_hash(terms_hash: bytes, commits: Iterable[tuple[str, bytes, bytes]]) -> bytes:
    """Fold every ``commit`` of a round in order: (provider, data set root, manifest digest)."""
    chained, seen = start(terms_hash), set[str]()
    for provider, root, manifest in commits:
        chained = extend_commitments(chained, provider, root, manifest, first=provider not in seen)
        seen.add(provider)
    return chained


def extend_observations(chained: bytes, operator: str, digest: bytes) -> bytes:
    """The running hash of observations after one more ``observe``; it starts at zero."""
    return keccak(encode(["bytes32", "address", "bytes32"], [chained, operator, digest]))


def observations_hash(observations: Iterable[tuple[str, bytes]]) -> bytes:
    """Fold every ``observe`` of a round in order: (operator, digest)."""
    chained = bytes(32)
    for operator, digest in observations:
        chained = extend_observations(chained, operator, digest)
    return chained


def extend_records(chained: bytes, cost: int, weight: int) -> bytes:
    """The running hash of one auction's revealed bids after one more ``reveal``; it starts at zero."""
    return _counted(keccak(encode(["bytes32", "uint256"], [chained, cost << 64 | weight])), count(chained) + 1)


def records_hash(records: Iterable[tuple[int, int]]) -> bytes:
    """Fold every revealed (cost, weight) in the order of reveals, both below 2**64."""
    chained = bytes(32)
    for cost, weight in records:
        chained = extend_records(chained, cost, weight)
    return chained


def pack_records(records: Iterable[tuple[int, int]]) -> bytes:
    """Calldata of ``settle``: 16 bytes a revealed bid, cost then weight as big-endian uint64, in order of reveals."""
    return b"".join(cost.to_bytes(8, "big") + weight.to_bytes(8, "big") for cost, weight in records)


def unpack_record(record: bytes) -> tuple[int, int, int, int, int]:
    """Shares (DST units), group, position, cost and weight of an opened bid as the contract keeps it.

    shares (64) | group (8) | position + 1 (24) | cost (64) | weight (64), from the 224th bit down.
    """
    word = int.from_bytes(record, "big")
    position = (word >> 128) % (1 << 24) - 1
    return word >> 160, (word >> 152) % (1 << 8), position, (word >> 64) & MAX_UINT64, word & MAX_UINT64


def _counted(full: bytes, counted: int) -> bytes:
    """224 bits of the hash and the count beside it: on chain one slot changes where two would."""
    return full[COUNT_BITS // 8 :] + counted.to_bytes(COUNT_BITS // 8, "big")
