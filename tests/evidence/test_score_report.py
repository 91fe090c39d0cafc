from contextlib import suppress

import pytest
from eth_account import Account
from eth_keys.constants import SECPK1_N
from eth_utils.crypto import keccak

from oracle.errors import CheckFailed
from oracle.evidence.score_report import Domain, ObservationSeal, ScoreReport, recover, sign, typed_digest

SIGNER = Account.from_key(b"\x01" * 32)
DOMAIN = Domain(31337, "0x" + "33" * 20)
REPORT = ScoreReport(3, b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, b"\x04" * 32, 5)
SEAL = ObservationSeal(3, b"\x02" * 32, b"\x05" * 32)


def word(value: int | bytes) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")


def test_digest_is_eip_712_spelled_out() -> None:
    domain_type = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    separator = keccak(
        keccak(text=domain_type)
        + keccak(text="Mixed-MIA DataMarket")
        + keccak(text="1")
        + word(31337)
        + word(b"\x33" * 20)
    )
    fields = "uint256 round,bytes32 termsHash,bytes32 commitments,bytes32 observations,bytes32 root,uint32 count"
    report_type = f"ScoreReport({fields})"
    hashed = keccak(keccak(text=report_type) + word(3) + b"".join(bytes([i]) * 32 for i in (1, 2, 3, 4)) + word(5))
    assert DOMAIN.separator() == separator
    assert typed_digest(DOMAIN, REPORT) == keccak(b"\x19\x01" + separator + hashed)
    seal_type = "Observation(uint256 round,bytes32 commitments,bytes32 digest)"
    sealed = keccak(keccak(text=seal_type) + word(3) + b"\x02" * 32 + b"\x05" * 32)
    assert typed_digest(DOMAIN, SEAL) == keccak(b"\x19\x01" + separator + sealed)


@pytest.mark.parametrize("message", [REPORT, SEAL])
def test_the_signer_is_recovered(message: ScoreReport | ObservationSeal) -> None:
    signature = sign(SIGNER, DOMAIN, message)
    assert recover(DOMAIN, message, signature) == SIGNER.address
    assert recover(Domain(1, DOMAIN.market), message, signature) != SIGNER.address
    assert recover(Domain(31337, "0x" + "34" * 20), message, signature) != SIGNER.address


def test_altered_and_malleable_signatures() -> None:
    signature = sign(SIGNER, DOMAIN, REPORT)
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    twin = r + (SECPK1_N - s).to_bytes(32, "big") + bytes([55 - v])
    for bad in (twin, signature[:64], signature[:64] + b"\x00", bytes(64) + b"\x1b"):
        with pytest.raises(CheckFailed):
            recover(DOMAIN, REPORT, bad)
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    with suppress(CheckFailed):  # no point on the curve: as good
        assert recover(DOMAIN, REPORT, flipped) != SIGNER.address
