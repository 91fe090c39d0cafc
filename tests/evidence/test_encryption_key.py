"""An encryption key counts with its owner's signature alone."""

from __future__ import annotations

import pytest
from eth_account import Account

from oracle.errors import CheckFailed
from oracle.evidence.encryption_key import require_owner, sign_key

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
