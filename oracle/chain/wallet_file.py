"""A wallet's keystore file as types: Web3 Secret Storage, version 3, as geth, Foundry, ethers and others write it.

Capital letters of keys do not matter, the address may be missing, in any case, with 0x or without. A keystore whose
key would take a stranger's gigabytes or minutes to derive is refused before anything is derived.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from oracle.corpus.encoding import unmarked
from oracle.custody.files import read_small
from oracle.errors import BadInput

WHAT = "keystore"
MAX_FILE = 1 << 16
MAX_MEMORY = 1 << 30
"""Bytes: four times what a usual keystore takes to open."""
MAX_WORK = 1 << 24
"""scrypt's n * r * p: eight times the usual."""
MAX_LANES = 1 << 10
"""scrypt's r * p, twenty times the usual: around its own work it does some that grows with the square of this."""
MAX_ROUNDS = 10_000_000
"""Of PBKDF2: forty times the usual."""

Hex = Annotated[str, Field(pattern=r"^(0[xX])?([0-9a-fA-F]{2})*$", max_length=1 << 10)]
Length = Annotated[int, Field(strict=True, ge=32, le=64)]
Natural = Annotated[int, Field(strict=True, ge=1)]


def _address(value: Any) -> str | None:
    """0x and 40 digits, their case kept; None where nothing is named."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        digits = value[2:] if value[:2] in ("0x", "0X") else value
        if len(digits) == 40 and set(digits) <= set("0123456789abcdefABCDEF"):
            return "0x" + digits
    raise ValueError("expected an address (40 hexadecimal digits) or none")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Scrypt(_Part):
    n: Natural
    r: Natural
    p: Natural
    dklen: Length
    salt: Hex

    @model_validator(mode="after")
    def _affordable(self) -> Self:
        lanes = self.r * self.p
        if 128 * self.n * self.r > MAX_MEMORY or self.n * lanes > MAX_WORK or lanes > MAX_LANES:
            raise ValueError("its key would take too much memory or time to derive")
        return self


class _Pbkdf2(_Part):
    c: Annotated[Natural, Field(le=MAX_ROUNDS)]
    dklen: Length
    prf: Literal["hmac-sha256"]
    salt: Hex


class _CipherParameters(_Part):
    iv: Hex


class _Crypto(_Part):
    cipher: Literal["aes-128-ctr"]
    cipherparams: _CipherParameters
    ciphertext: Hex
    mac: Hex


class _ScryptCrypto(_Crypto):
    kdf: Literal["scrypt"]
    kdfparams: _Scrypt


class _Pbkdf2Crypto(_Crypto):
    kdf: Literal["pbkdf2"]
    kdfparams: _Pbkdf2


class WalletFile(_Part):
    """What a keystore says without its password. ``address``: as :func:`_address`; it may be another than the key's."""

    version: Literal[3]
    address: Annotated[str | None, BeforeValidator(_address)] = None
    crypto: Annotated[_ScryptCrypto | _Pbkdf2Crypto, Field(discriminator="kdf")] = Field(repr=False)

    @property
    def named(self) -> str | None:
        """The address it names, with its checksum; None where there is none, or one that fails the checksum it has."""
        if self.address is None:
            return None
        digits = self.address[2:]
        plain = digits in (digits.lower(), digits.upper())
        return to_checksum_address(self.address) if plain or is_checksum_address(self.address) else None

    def document(self) -> dict[str, Any]:
        """Lower-case keys, for eth-account."""
        return self.model_dump()


def read_wallet_file(path: Path) -> WalletFile:
    """The keystore at ``path``, still closed.

    Raises ``BadInput`` for a missing file and for whatever is no keystore of version 3 (the message names the field),
    ``EnvironmentFailure`` for one that cannot be read.
    """
    data = unmarked(read_small(path, WHAT, most=MAX_FILE), str(path))
    hint = "give a keystore of version 3 (mia key new makes one), or restore yours from your copy"
    try:
        return WalletFile.model_validate(json.loads(data, object_pairs_hook=_unique, parse_constant=_no_number))
    except ValidationError as error:
        first = error.errors()[0]
        where, why = ".".join(map(str, first["loc"])) or "document", first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{path} is no keystore of version 3: {where}: {why}", input=str(path), hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is no keystore: {error}", input=str(path), hint=hint) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {key.lower(): value for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
