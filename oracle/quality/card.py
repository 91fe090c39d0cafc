"""Dataset cards: README.md with YAML front matter, fields of the Hugging Face hub.

https://huggingface.co/docs/hub/datasets-cards. A README without front matter claims nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from oracle.quality.statement import Checked, Statement, Verdict, texts, unreadable

MAX_FRONT = 2**18
"""Bytes of front matter that are read; above that a card is refused."""
_BELIEVED = (
    "pretty_name",
    "task_categories",
    "task_ids",
    "annotations_creators",
    "language_creators",
    "source_datasets",
    "multilinguality",
    "tags",
)


class _Texts(yaml.SafeLoader):  # type: ignore[misc]
    """Reads what is written: of plain scalars only null and whole numbers are more than text, as in YAML 1.2. YAML 1.1,
    which the library speaks, would make a truth value of the language ``no`` and a number of the version ``3.10``."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


_Texts.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Texts.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"(?:0|[1-9][0-9]{0,17})$"), list("0123456789"))
_Texts.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])


def read_card(file: Path) -> Statement | None:
    """The claims of ``file``; None when it has no front matter."""
    with file.open("rb") as stream:
        data = stream.read(MAX_FRONT + 1)
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines[0].rstrip() != b"---":
        return None
    end = next((at for at, line in enumerate(lines) if at and line.rstrip() == b"---"), None)
    if end is None:
        why = "is above 256 KiB" if len(data) > MAX_FRONT else "has no end (a line of ---)"
        return unreadable(file.name, f"cannot be read: its front matter {why}")
    try:
        fields = yaml.load(b"\n".join(lines[1:end]).decode("utf-8"), _Texts)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return unreadable(file.name, f"cannot be read: its front matter is no YAML ({_first_line(error)})")
    if not isinstance(fields, dict):
        return unreadable(file.name, "cannot be read: its front matter is no mapping of fields")
    return _statement(file.name, fields)


def _statement(name: str, fields: dict[Any, Any]) -> Statement:
    infos = fields.get("dataset_info")
    configurations = [info for info in (infos if isinstance(infos, list) else [infos]) if isinstance(info, dict)]
    wrong = [
        Checked(field, Verdict.DISPROVED, f"{field} of {name} is neither text nor a list of texts")
        for field in ("license", "language", "size_categories")
        if fields.get(field) is not None and not texts(fields[field])
    ]
    return Statement(
        file=name,
        languages=texts(fields.get("language")),
        licences=_licences(fields),
        records=_examples(configurations),
        sizes=texts(fields.get("size_categories")),
        columns=_columns(configurations),
        checked=tuple(wrong),
        believed=tuple(field for field in _BELIEVED if fields.get(field)),
    )


def _licences(fields: dict[Any, Any]) -> tuple[str, ...]:
    """The hub's licence ids; for "other" also the name and the address that stand beside it."""
    licences = texts(fields.get("license"))
    if not any(licence.lower() == "other" for licence in licences):
        return licences
    address = (link for link in texts(fields.get("license_link")) if "://" in link)
    return (*licences, *texts(fields.get("license_name")), *address)


def _examples(configurations: list[dict[Any, Any]]) -> int | None:
    """Examples over all splits, of all configurations; None unless every split says how many."""
    splits = [split for info in configurations for split in _dicts(info.get("splits"))]
    counts = [split.get("num_examples") for split in splits]
    known = [count for count in counts if isinstance(count, int) and not isinstance(count, bool)]
    return sum(known) if known and len(known) == len(splits) else None


def _columns(configurations: list[dict[Any, Any]]) -> tuple[str, ...]:
    names = (feature.get("name") for info in configurations for feature in _dicts(info.get("features")))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _dicts(value: Any) -> list[dict[Any, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 2}" if mark else ""
    return f"{str(getattr(error, 'problem', None) or error).splitlines()[0][:120]}{line}"
