"""Field types of the JSON that is hashed and signed: one spelling for each value."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from eth_utils.address import is_address, to_checksum_address
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from oracle.errors import CheckFailed
from oracle.evidence import canonical

_HASH = re.compile(r"0x[0-9a-f]{64}")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")


def _bytes32(value: Any) -> bytes:
    if isinstance(value, bytes) and len(value) == 32:
        return bytes(value)
    if isinstance(value, str) and _HASH.fullmatch(value):
        return bytes.fromhex(value[2:])
    raise ValueError("expected 32 bytes: 0x and 64 lower-case hexadecimal digits")


def _address(value: Any) -> str:
    if isinstance(value, str) and is_address(value):
        return to_checksum_address(value)
    raise ValueError("expected an Ethereum address: 0x and 40 hexadecimal digits")


def _uint256(value: Any) -> int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 256:
        return value
    raise ValueError("expected a non-negative integer below 2**256, as a decimal string")


Bytes32 = Annotated[bytes, BeforeValidator(_bytes32), PlainSerializer(lambda raw: "0x" + raw.hex(), return_type=str)]
Address = Annotated[str, BeforeValidator(_address)]
Uint256 = Annotated[int, BeforeValidator(_uint256), PlainSerializer(str, return_type=str)]
Count = Annotated[int, Field(strict=True, ge=0, lt=1 << 53)]
Group = Annotated[int, Field(strict=True, ge=0, le=1)]
"""1 for members of the diversity tranche."""
Quanta = Annotated[int, Field(strict=True, ge=0, le=10_000)]
"""A score in steps of 1e-4."""


class Record(BaseModel):
    """A frozen record that knows every one of its keys, and the one string of bytes that it is written as."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_bytes(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return canonical.dumps(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str, hint: str = "ask its author") -> Self:
        """The door for foreign bytes: what ``to_bytes`` wrote, as types.

        Raises ``CheckFailed`` naming ``name`` and the field for everything else, a second spelling included.
        """
        try:
            record = cls.model_validate(canonical.loads(data, name=name))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise CheckFailed(f"{name}: {where}: {first['msg']}", input=name, hint=hint) from error
        try:
            same = record.to_bytes() == data
        except ValueError as error:  # pydantic writes what is nested some 250 deep in a free field as a circle
            raise CheckFailed(f"{name} is nested too deeply", input=name, hint=hint) from error
        if not same:
            raise CheckFailed(f"{name} spells a value in a second way", input=name, hint=hint)
        return record
