"""An encryption key counts with its owner's signature alone."""

from __future__ import annotations

import pytest
from eth_account import Account

from oracle.errors import CheckFailed
from oracle.evidence.encryption_key import lengthened, require_owner, shortened, sign_key

OWNER = Account.from_key("0x" + "21" * 32)
OTHER = Account.from_key("0x" + "22" * 32)
KEY = bytes(range(32))


def test_the_owners_signature_holds() -> None:
    require_owner(OWNER.address, KEY, sign_key(OWNER, KEY))


@pytest.mark.parametrize(
    ("owner", "key", "signature"),
    [
        (OTHER.address, KEY, sign_key(OWNER, KEY)),
        (OWNER.address, KEY[::-1], sign_key(OWNER, KEY)),
        (OWNER.address, KEY, sign_key(OTHER, KEY)),
        (OWNER.address, KEY, bytes(65)),
        (OWNER.address, KEY, b""),
    ],
    ids=["other owner", "other key", "other signer", "zeros", "nothing"],
)
def test_any_other_does_not(owner: str, key: bytes, signature: bytes) -> None:
    with pytest.raises(CheckFailed, match="encryption key") as refused:
        require_owner(owner, key, signature)
    assert refused.value.input == owner


def test_the_short_form_is_the_same_signature() -> None:
    """EIP-2098; both parities come up among a few keys."""
    signatures = [sign_key(OWNER, bytes([number]) * 32) for number in range(1, 17)]
    assert {signature[64] for signature in signatures} == {27, 28}
    for signature in signatures:
        r, vs = shortened(signature)
        assert (len(r), len(vs)) == (32, 32) and lengthened(r, vs) == signature
