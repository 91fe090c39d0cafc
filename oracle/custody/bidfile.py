"""The bid file: everything that opens a sealed bid, encrypted under a password. Lost file, lost bid.

Its form is that of :mod:`oracle.custody.passwordfile`; the header says which bid it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from oracle.custody import passwordfile
from oracle.custody.files import write_checked
from oracle.custody.passwordfile import Scrypt
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical, commitment
from oracle.evidence.fields import Address, Bytes32, Count, Record, Uint256

WHAT = "bid file"
SCRYPT_WORK = passwordfile.SCRYPT_WORK


class Bid(Record):
    """What a provider must not lose. ``cost`` in money units; ``manifest``: sha256 of the data set's manifest;
    ``content_key``: what opens the data set, 32 bytes, None where it is kept elsewhere or the data set is plain."""

    model_config = ConfigDict(hide_input_in_errors=True)

    version: Literal[1] = 1
    chain: Count
    market: Address
    round: Count
    provider: Address
    terms_hash: Bytes32
    dataset_root: Bytes32
    manifest: Bytes32
    cost: Uint256
    salt: Bytes32 = Field(repr=False)
    content_key: Bytes32 | None = Field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        """Without the fields that are not there: as before there were content keys."""
        return canonical.dumps(self.model_dump(mode="json", exclude_none=True))

    def sealed(self) -> bytes:
        """The sealed bid that goes on chain, 32 bytes."""
        return commitment.sealed_bid(
            chain_id=self.chain,
            market=self.market,
            round=self.round,
            provider=self.provider,
            terms_hash=self.terms_hash,
            dataset_root=self.dataset_root,
            cost=self.cost,
            salt=self.salt,
        )


class _Header(passwordfile.Header):
    kind: Literal["mixed-mia/bid/1"] = "mixed-mia/bid/1"
    chain: Count
    market: Address
    round: Count
    provider: Address


def write_bid(path: Path, bid: Bid, password: str, *, work: int = SCRYPT_WORK) -> None:
    """Encrypt ``bid`` into a new file that is read back before it appears: only then may the transaction be sent.

    ``work`` is scrypt's n, a power of two: less than the default only for bids that guard nothing.

    Raises ``BadInput`` when the file exists already (another bid could be lost) or the password is empty,
    ``EnvironmentFailure`` when the disk does not keep what was written.
    """
    if not password:
        raise BadInput("a bid file needs a password", input=str(path), hint="choose one and keep it")
    if path.exists():
        raise BadInput(
            f"{path} exists already", input=str(path), hint="a bid file is never overwritten: choose a new name"
        )
    write_checked(path, _encrypt(bid, password, work), lambda copy: read_bid(copy, password), bid)


def read_bid(path: Path, password: str) -> Bid:
    """Decrypt a bid file.

    Raises ``BadInput`` for a missing file, a file of another kind or a wrong password, ``CheckFailed`` for a damaged
    or altered one.
    """
    header, ciphertext = passwordfile.read(path, _Header, WHAT)
    plain = passwordfile.unseal(path, header, ciphertext, password)
    bid = Bid.from_bytes(plain, name=str(path), hint="restore it from your copy")
    if (bid.chain, bid.market, bid.round, bid.provider) != (header.chain, header.market, header.round, header.provider):
        raise CheckFailed(f"the header of {path} names another bid", input=str(path), hint="restore it from your copy")
    return bid


def _encrypt(bid: Bid, password: str, work: int) -> bytes:
    header = _Header(chain=bid.chain, market=bid.market, round=bid.round, provider=bid.provider, scrypt=Scrypt(n=work))
    return passwordfile.seal(header, bid.to_bytes(), password)
