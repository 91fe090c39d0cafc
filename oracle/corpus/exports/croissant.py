"""A Croissant 1.0 file (mlcommons.org/croissant) beside Parquet shards: columns, and every file's digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from oracle.corpus.exports.format import Bought
from oracle.corpus.exports.rows import COLUMNS

FILE = "croissant.json"
RECORDS = "documents"
_SHARDS = "shards"
_MEANING = {
    "id": "The provider's name for the document.",
    "text": "The document.",
    "meta": "JSON object of what the provider states: source, date, lang, licence.",
    "provider": "Address of the provider.",
    "dataset_root": "The data set's root in the provider's commitment, 32 bytes.",
    "licence": "SHA-256 of the licence's canonical text.",
    "round": "The round it was bought in.",
}


def describe(bought: Bought) -> Mapping[str, bytes]:
    """``croissant.json``."""
    return {FILE: json.dumps(croissant(bought), indent=1, ensure_ascii=False).encode() + b"\n"}


def croissant(bought: Bought) -> dict[str, Any]:
    """The description as a JSON-LD object."""
    licences = sorted({origin.licence.hex() for origin, _ in bought.origins})
    providers = dict.fromkeys(origin.provider for origin, _ in bought.origins)
    return {
        "@context": json.loads(files(__package__).joinpath("croissant_context.json").read_text("utf-8")),
        "@type": "sc:Dataset",
        "name": bought.title,
        "description": f"{bought.rows} documents of {len(bought.origins)} data sets, bought in a Mixed-MIA market.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": "1.0.0",
        "url": f"urn:mixed-mia:{bought.digest}",
        "citeAs": f"{bought.title} ({bought.digest})",
        "datePublished": bought.date,
        "license": [f"urn:sha256:{licence}" for licence in licences],
        "creator": [{"@type": "sc:Organization", "name": provider} for provider in providers],
        "distribution": [
            {
                "@type": "cr:FileSet",
                "@id": _SHARDS,
                "name": _SHARDS,
                "encodingFormat": "application/x-parquet",
                "includes": "data/*.parquet",
            },
            *(
                {
                    "@type": "cr:FileObject",
                    "@id": file.path,
                    "name": file.path,
                    "contentUrl": file.path,
                    "contentSize": f"{file.size} B",
                    "encodingFormat": "application/x-parquet",
                    "sha256": file.sha256,
                }
                for file in bought.files
            ),
        ],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": RECORDS, "name": RECORDS, "field": [_field(name) for name in COLUMNS]}
        ],
    }


def _field(name: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/{name}",
        "name": name,
        "description": _MEANING[name],
        "dataType": "sc:Integer" if name == "round" else "sc:Text",
        "source": {"fileSet": {"@id": _SHARDS}, "extract": {"column": name}},
    }
