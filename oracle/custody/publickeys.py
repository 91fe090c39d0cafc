"""The public part of a key file, to be handed out: who wraps a data set's key to somebody needs nothing else.

The owner's wallet signs its encryption key (:mod:`oracle.evidence.encryption_key`), so that neither a messenger nor an
altered key file can put another one in. The delivery key goes along for reading only: whoever delivers takes it from
the chain, where its owner has proved to know its scalar.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from eth_account.signers.local import LocalAccount
from pydantic import Field

from oracle.corpus.encoding import unmarked
from oracle.custody import bn254
from oracle.custody.files import read_small
from oracle.custody.keystore import SUFFIX, Keys
from oracle.custody.wraps import require_recipient
from oracle.errors import BadInput
from oracle.evidence.encryption_key import require_owner, sign_key
from oracle.evidence.fields import Address, Bytes32, Record, Uint256

WHAT = "public part of a key file"
PUBLIC_SUFFIX = ".public.json"
MAX_FILE = 1 << 16
_SECRET = (b"mixed-mia/keys/", b"mixed-mia/content-key/", b'"crypto"')
"""What key files, content keys and wallets have in them."""


class PublicPart(Record):
    """``x25519``: what others encrypt to; ``bn254``: the point that deliveries go to; ``signature``: of the owner's
    wallet, r | s | v, that ``x25519`` is its key."""

    kind: Literal["mixed-mia/public-keys/1"] = "mixed-mia/public-keys/1"
    owner: Address
    x25519: Bytes32
    bn254: tuple[Uint256, Uint256]
    signature: Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]


def public_beside(keys: Path) -> Path:
    """Where the public part lies when nobody says otherwise: alice.keys.json, alice.public.json."""
    return keys.with_name(keys.name.removesuffix(SUFFIX).removesuffix(".json") + PUBLIC_SUFFIX)


def public_part(account: LocalAccount, keys: Keys) -> PublicPart:
    """The newest keys of an opened key file, signed by its owner; ``BadInput`` for anybody else's wallet."""
    if keys.owner != account.address:
        raise BadInput(
            f"the keys belong to {keys.owner}, the wallet is {account.address}",
            input=keys.owner,
            hint="give the wallet that the keys were made for",
        )
    public = keys.public
    signature = "0x" + sign_key(account, public.x25519).hex()
    return PublicPart(owner=public.owner, x25519=public.x25519, bn254=public.bn254, signature=signature)


def read_public_part(path: Path) -> PublicPart:
    """The public part in a file, its signature and both of its keys checked.

    Raises ``BadInput`` for a missing file, for one with a private key and for keys of small order, ``CheckFailed`` for
    every other kind of file and for keys that the owner did not sign.
    """
    data = unmarked(read_small(path, WHAT, most=MAX_FILE), str(path))
    if any(mark in data.lower() for mark in _SECRET):
        raise BadInput(
            f"{path} holds a private key: nobody but its owner should have it",
            input=str(path),
            hint="its owner hands out the public part alone: mia key public KEYS --keystore WALLET",
        )
    part = PublicPart.from_bytes(data, name=str(path), hint="ask its owner for it: mia key public")
    require_recipient(part.owner, part.x25519)
    bn254.require_point(part.bn254, str(path))
    require_owner(part.owner, part.x25519, bytes.fromhex(part.signature[2:]))
    return part
