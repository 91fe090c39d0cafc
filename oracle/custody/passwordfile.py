"""Files under a password: one JSON document of a readable header, a ciphertext, and a sha256 over both.

Key = scrypt(password, salt, n, r=8, p=1) (RFC 7914); AES-256-GCM with the canonical header as associated data.
The plain checksum tells a damaged file from a wrong password; whoever alters a file on purpose and repairs the
checksum gets the message about the password.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as _Scrypt
from pydantic import Field, ValidationError

from oracle.corpus.encoding import unmarked
from oracle.custody.files import read_small
from oracle.errors import BadInput, CheckFailed
from oracle.evidence.fields import Record

MAX_FILE = 1 << 16
SCRYPT_WORK = 2**17
LEAST_WORK, MOST_WORK = 2**12, 2**20  # what a reader takes: more would fill its memory for a stranger
Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]


class Scrypt(Record):
    """How the key comes from the password."""

    n: int = Field(ge=LEAST_WORK, le=MOST_WORK)
    r: Literal[8] = 8
    p: Literal[1] = 1
    salt: Hex = Field(default_factory=lambda: secrets.token_hex(32))


class Header(Record):
    """What everybody may read; the kinds of file add their own. Salt and nonce are drawn anew with every header."""

    cipher: Literal["aes-256-gcm"] = "aes-256-gcm"
    nonce: Hex = Field(default_factory=lambda: secrets.token_hex(12))
    scrypt: Scrypt


HeaderOf = TypeVar("HeaderOf", bound=Header)


class _Document(Record):
    header: dict[str, object]
    ciphertext: Hex
    sha256: Hex


def seal(header: Header, plain: bytes, password: str) -> bytes:
    """The bytes of a file. A header serves once: a second one with its nonce and salt would tell both contents."""
    bound = header.to_bytes()
    ciphertext = AESGCM(_key(password, header.scrypt)).encrypt(bytes.fromhex(header.nonce), plain, bound)
    checksum = hashlib.sha256(bound + ciphertext).hexdigest()
    document = _Document(header=header.model_dump(mode="json"), ciphertext=ciphertext.hex(), sha256=checksum)
    return document.model_dump_json(indent=1).encode() + b"\n"


def read(path: Path, kind: type[HeaderOf], what: str) -> tuple[HeaderOf, bytes]:
    """Header and ciphertext of a file. ``what`` it is called in messages: "bid file".

    Raises ``BadInput`` for a missing or far too long file, ``CheckFailed`` for one that is damaged, altered or of
    another kind, ``EnvironmentFailure`` for one that cannot be read.
    """
    data = read_small(path, what, most=MAX_FILE)
    try:
        document = _Document.model_validate_json(unmarked(data, str(path)))
        header = kind.model_validate(document.header)
    except (ValidationError, BadInput) as error:
        loc = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        where = ".".join(map(str, loc)) or "document"
        raise CheckFailed(
            f"{path} is no {what}, or a damaged one (at: {where})", input=str(path), hint="restore it from your copy"
        ) from error
    ciphertext = bytes.fromhex(document.ciphertext)
    if hashlib.sha256(header.to_bytes() + ciphertext).hexdigest() != document.sha256:
        raise CheckFailed(f"the {what} {path} was altered", input=str(path), hint="restore it from your copy")
    return header, ciphertext


def unseal(path: Path, header: Header, ciphertext: bytes, password: str) -> bytes:
    """The content of what :func:`read` returned; ``BadInput`` for a wrong password."""
    try:
        return AESGCM(_key(password, header.scrypt)).decrypt(bytes.fromhex(header.nonce), ciphertext, header.to_bytes())
    except (InvalidTag, ValueError) as error:
        raise BadInput(
            f"wrong password for {path}", input=str(path), hint="try again; the file itself is whole"
        ) from error


def _key(password: str, scrypt: Scrypt) -> bytes:
    kdf = _Scrypt(salt=bytes.fromhex(scrypt.salt), length=32, n=scrypt.n, r=scrypt.r, p=scrypt.p)
    return kdf.derive(password.encode("utf-8", "surrogatepass"))  # whatever a terminal lets somebody type
