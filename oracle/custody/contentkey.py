"""The key of one data set as a file for its owner's eyes only. Who has it reads the data set: nothing else is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from oracle.custody.files import write_atomic
from oracle.errors import BadInput
from oracle.evidence.fields import Bytes32, Record


class ContentKey(Record):
    """``manifest``: the sha256 of the manifest whose data set it opens."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["mixed-mia/content-key/1"] = "mixed-mia/content-key/1"
    manifest: Bytes32
    key: Bytes32 = Field(repr=False)


def write_key(path: Path, key: ContentKey) -> None:
    """Write the file, mode 0600, in one step."""
    write_atomic(path, key.model_dump_json(indent=1).encode() + b"\n", private=True)


def read_key(data: bytes, *, name: str) -> ContentKey:
    """Parse such a file; ``BadInput`` naming it, and nothing of what it holds, otherwise."""
    try:
        return ContentKey.model_validate_json(data)
    except ValidationError as error:
        raise BadInput(f"{name} is no content key", input=name, hint="give the key.json of `mia data pack`") from error
