"""The bid file: everything that opens a sealed bid, encrypted under a password. Lost file, lost bid.

One JSON document: a readable header (which bid this is, how to derive the key), the ciphertext, and a sha256 over both.
Key = scrypt(password, salt, n, r=8, p=1) (RFC 7914); AES-256-GCM with the canonical header as associated data.
The plain checksum tells a damaged file from a wrong password; whoever alters a file on purpose and repairs the
checksum gets the message about the password.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field, ValidationError

from oracle.custody.files import write_atomic
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import canonical, commitment
from oracle.evidence.fields import Address, Bytes32, Count, Record, Uint256

MAX_FILE = 1 << 16
SCRYPT_WORK = 2**17
LEAST_WORK, MOST_WORK = 2**12, 2**20  # what a reader takes: more would fill its memory for a stranger
Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]


class Bid(Record):
    """What a provider must not lose. ``cost`` in money units; ``manifest``: sha256 of the data set's manifest."""

    version: Literal[1] = 1
    chain: Count
    market: Address
    round: Count
    provider: Address
    terms_hash: Bytes32
    dataset_root: Bytes32
    manifest: Bytes32
    cost: Uint256
    salt: Bytes32

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


class _Scrypt(Record):
    n: int = Field(ge=LEAST_WORK, le=MOST_WORK)
    r: Literal[8] = 8
    p: Literal[1] = 1
    salt: Hex


class _Header(Record):
    kind: Literal["mixed-mia/bid/1"] = "mixed-mia/bid/1"
    chain: Count
    market: Address
    round: Count
    provider: Address
    cipher: Literal["aes-256-gcm"] = "aes-256-gcm"
    nonce: Hex
    scrypt: _Scrypt


class _Sealed(Record):
    header: _Header
    ciphertext: Hex
    sha256: Hex


def write_bid(path: Path, bid: Bid, password: str, *, work: int = SCRYPT_WORK) -> None:
    """Encrypt ``bid`` into a new file, read it back and compare: only then may the transaction be sent.

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
    write_atomic(path, _encrypt(bid, password, work), private=True)
    if read_bid(path, password) != bid:
        raise EnvironmentFailure(f"{path} does not hold what was written", input=str(path), hint="use another disk")


def read_bid(path: Path, password: str) -> Bid:
    """Decrypt a bid file.

    Raises ``BadInput`` for a missing file, a file of another kind or a wrong password, ``CheckFailed`` for a damaged
    or altered one.
    """
    sealed = _parse(path)
    header = canonical.dumps(sealed.header.model_dump(mode="json"))
    ciphertext = bytes.fromhex(sealed.ciphertext)
    if hashlib.sha256(header + ciphertext).hexdigest() != sealed.sha256:
        raise CheckFailed(f"the bid file {path} was altered", input=str(path), hint="restore it from your copy")
    try:
        plain = AESGCM(_key(password, sealed.header.scrypt)).decrypt(
            bytes.fromhex(sealed.header.nonce), ciphertext, header
        )
    except (InvalidTag, ValueError) as error:
        raise BadInput(
            f"wrong password for {path}", input=str(path), hint="try again; the file itself is whole"
        ) from error
    bid = Bid.model_validate(canonical.loads(plain, name=str(path)))
    if (bid.chain, bid.market, bid.round, bid.provider) != _subject(sealed.header):
        raise CheckFailed(f"the header of {path} names another bid", input=str(path), hint="restore it from your copy")
    return bid


def _encrypt(bid: Bid, password: str, work: int) -> bytes:
    header = _Header(
        chain=bid.chain,
        market=bid.market,
        round=bid.round,
        provider=bid.provider,
        nonce=secrets.token_hex(12),
        scrypt=_Scrypt(n=work, salt=secrets.token_hex(32)),
    )
    bound = canonical.dumps(header.model_dump(mode="json"))
    plain = canonical.dumps(bid.model_dump(mode="json"))
    ciphertext = AESGCM(_key(password, header.scrypt)).encrypt(bytes.fromhex(header.nonce), plain, bound)
    checksum = hashlib.sha256(bound + ciphertext).hexdigest()
    sealed = _Sealed(header=header, ciphertext=ciphertext.hex(), sha256=checksum)
    return sealed.model_dump_json(indent=1).encode() + b"\n"


def _key(password: str, scrypt: _Scrypt) -> bytes:
    kdf = Scrypt(salt=bytes.fromhex(scrypt.salt), length=32, n=scrypt.n, r=scrypt.r, p=scrypt.p)
    return kdf.derive(password.encode())


def _parse(path: Path) -> _Sealed:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE)
    except FileNotFoundError as error:
        raise BadInput(
            f"there is no bid file {path}", input=str(path), hint="check the path, or restore your copy"
        ) from error
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot read {path}: {error.strerror or error}", input=str(path), hint="check its permissions"
        ) from error
    try:
        return _Sealed.model_validate_json(data)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "document"
        raise CheckFailed(
            f"{path} is no bid file, or a damaged one (at: {where})", input=str(path), hint="restore it from your copy"
        ) from error


def _subject(header: _Header) -> tuple[int, str, int, str]:
    return header.chain, header.market, header.round, header.provider
