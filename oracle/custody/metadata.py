"""What a manifest tells in public about a data set's content: a Croissant document (mlcommons.org/croissant/1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oracle.custody.context import NOWHERE, Context
from oracle.errors import BadInput
from oracle.evidence import canonical

MAX_METADATA = 1 << 16
_CONTEXT = {  # as much of Croissant's as is used here: a reader fetches nothing
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
}
_REPLACED = ("distribution", "recordSet")  # plain files that are not offered, and records that may quote the text


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The owner's own description, fit for publication; ``BadInput`` when it is too long or no plain JSON."""
    kept = {key: value for key, value in given.items() if key.rpartition(":")[2] not in _REPLACED}
    if len(canonical.dumps(kept)) > MAX_METADATA // 2:
        raise BadInput(
            f"metadata above {MAX_METADATA // 2} bytes", input="metadata", hint="describe the data, do not list them"
        )
    return kept


def describe(
    given: Mapping[str, Any],
    context: Context,
    *,
    documents: int,
    size: int,
    cid: str,
    sealed: int,
    sha256: str,
    licence: bytes,
) -> dict[str, Any]:
    """``given`` completed: where the ciphertext is, how long it is, and sha256 of it as one file."""
    name = f"data-set-{context.dataset.hex()[:8]}"
    known: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": f"{documents} text documents ({size} bytes), encrypted.",
        "url": f"ipfs://{cid}",
        "version": "1.0.0",
        "citeAs": f"{name} ({cid})",
    }
    if any(licence):
        known["license"] = f"urn:sha256:{licence.hex()}"
    if context.provider != NOWHERE:
        known["creator"] = {"@type": "sc:Organization", "name": context.provider}
    ciphertext = {
        "@type": "cr:FileObject",
        "@id": "sealed",
        "name": "sealed",
        "contentUrl": f"ipfs://{cid}",
        "contentSize": f"{sealed} B",
        "encodingFormat": "application/octet-stream",
        "sha256": sha256,
    }
    return known | dict(given) | {"distribution": [ciphertext]}
