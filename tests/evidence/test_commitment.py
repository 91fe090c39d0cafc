import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.evidence import commitment

PROVIDER, OTHER, MARKET = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "33" * 20
BID = {
    "chain_id": 31337,
    "market": MARKET,
    "round": 7,
    "provider": PROVIDER,
    "terms_hash": b"\x01" * 32,
    "dataset_root": b"\x02" * 32,
    "cost": 1 << 200,
    "salt": b"\x03" * 32,
}


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("chain_id", 1),
        ("market", OTHER),
        ("round", 8),
        ("provider", OTHER),
        ("terms_hash", b"\x09" * 32),
        ("dataset_root", b"\x09" * 32),
        ("cost", 0),
        ("salt", b"\x09" * 32),
    ],
)
def test_a_sealed_bid_is_bound_to_everything(key: str, other: object) -> None:
    assert commitment.sealed_bid(**BID) != commitment.sealed_bid(**{**BID, key: other})  # type: ignore[arg-type]


def test_a_copied_document_root_opens_to_nothing() -> None:
    assert commitment.dataset_root(PROVIDER, b"\x05" * 32) != commitment.dataset_root(OTHER, b"\x05" * 32)


def test_running_hashes_depend_on_order_and_start() -> None:
    commits = [(PROVIDER, b"\x01" * 32, b"\x02" * 32), (OTHER, b"\x03" * 32, b"\x04" * 32)]
    start = b"\x07" * 32
    assert commitment.commitments_hash(start, []) == start[4:] + bytes(4)
    assert commitment.commitments_hash(start, commits) != commitment.commitments_hash(start, commits[::-1])
    assert commitment.commitments_hash(start, commits) == commitment.extend_commitments(
        commitment.commitments_hash(start, commits[:1]), *commits[1], first=True
    )
    assert commitment.observations_hash([]) == commitment.records_hash([]) == bytes(32)


def test_running_hashes_count_providers_and_bids() -> None:
    commits = [(PROVIDER, b"\x01" * 32, b"\x02" * 32), (OTHER, b"\x03" * 32, b"\x04" * 32)]
    again = (PROVIDER, b"\x05" * 32, b"\x06" * 32)
    chained = [commitment.commitments_hash(b"\xff" * 32, [*commits, again][:n]) for n in range(4)]
    assert [commitment.count(value) for value in chained] == [0, 1, 2, 2]
    assert commitment.count(commitment.records_hash([(1, 2)] * 3)) == 3


def test_a_record_is_two_words() -> None:
    cost, weight = 5, (1 << 64) - 1
    expected = keccak(bytes(32) + bytes(16) + cost.to_bytes(8, "big") + weight.to_bytes(8, "big"))
    assert commitment.records_hash([(cost, weight)]) == expected[4:] + (1).to_bytes(4, "big")


def test_packed_records_are_sixteen_bytes_each() -> None:
    assert (
        commitment.pack_records([(1, 2), (3, 4)])
        == bytes(7) + b"\x01" + bytes(7) + b"\x02" + bytes(7) + b"\x03" + bytes(7) + b"\x04"
    )
    with pytest.raises(OverflowError):
        commitment.pack_records([(1 << 64, 0)])


def test_hash_is_abi_encode_of_the_typed_words() -> None:
    words = encode(["bytes32", "address", "bytes32"], [commitment.DATASET_TYPEHASH, PROVIDER, b"\x05" * 32])
    assert len(words) == 96 and commitment.dataset_root(PROVIDER, b"\x05" * 32) == keccak(words)


def test_salts_never_repeat() -> None:
    assert len({commitment.new_salt() for _ in range(100)}) == 100


# --- sealed data sets ---

CONTENT = commitment.content_hash(b"\x01" * 32, 0x70, b"\x02" * 32)
KEY = {
    "chain_id": 31337,
    "market": MARKET,
    "round": 7,
    "provider": PROVIDER,
    "content_hash": CONTENT,
    "key": b"\x03" * 32,
}


def test_sealed_content_word_by_word() -> None:
    """What the contracts hash: type hash, then one word a value."""
    content = keccak(text="Content(bytes32 ciphertextDigest,uint64 codec,bytes32 documentRoot)")
    assert keccak(content + b"\x01" * 32 + (0x70).to_bytes(32, "big") + b"\x02" * 32) == CONTENT
    key = keccak(
        text="ContentKey(uint256 chainId,address market,uint256 round,address provider,bytes32 contentHash,bytes32 key)"
    )
    words = [(31337).to_bytes(32, "big"), bytes(12) + b"\x33" * 20, (7).to_bytes(32, "big"), bytes(12) + b"\x11" * 20]
    assert commitment.key_commit(**KEY) == keccak(key + b"".join(words) + CONTENT + b"\x03" * 32)  # type: ignore[arg-type]
    root = keccak(text="Dataset(address provider,bytes32 contentHash,bytes32 keyCommit)")
    expected = keccak(root + bytes(12) + b"\x11" * 20 + CONTENT + b"\x04" * 32)
    assert commitment.sealed_dataset_root(PROVIDER, CONTENT, b"\x04" * 32) == expected


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("chain_id", 1),
        ("market", OTHER),
        ("round", 8),
        ("provider", OTHER),
        ("content_hash", b"\x09" * 32),
        ("key", b"\x09" * 32),
    ],
)
def test_a_key_commitment_is_bound_to_everything(word: str, other: object) -> None:
    assert commitment.key_commit(**KEY) != commitment.key_commit(**{**KEY, word: other})  # type: ignore[arg-type]
