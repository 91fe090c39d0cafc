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
MAX_NODES = 2**15
"""Keys, values and aliases of a card; those of 300 configurations with their columns and splits are half of them."""
MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:{}"
_WHOLE = re.compile(r"(?:0|[1-9][0-9]{0,17})$")
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
    which the library speaks, would make a truth value of the language ``no`` and a number of the version ``3.10``.

    Texts, whole numbers, null, lists and mappings are all that is made: what the library does for other tags (dates,
    numbers to base 60) takes time without bound and ends in errors of its own. The library has no bound of its own for
    depth, for nodes (600 bytes each), nor for merges of mappings that merge others."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (None, *map(_TAG.format, ("null", "str", "seq", "map")))
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        self._take(1)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"it is nested more than {MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self._take(len(node.value))

    def _take(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise yaml.YAMLError(f"it comes to more than {MAX_NODES} values")

    def whole(self, node: yaml.Node) -> int:
        """A whole number, whose tag may be written out before what is none."""
        text = self.construct_scalar(node)
        if not _WHOLE.match(text):
            raise yaml.constructor.ConstructorError(None, None, "not a whole number", node.start_mark)
        return int(text)


_Texts.add_constructor(_TAG.format("int"), _Texts.whole)
_Texts.add_implicit_resolver(_TAG.format("null"), re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Texts.add_implicit_resolver(_TAG.format("int"), _WHOLE, list("0123456789"))
_Texts.add_implicit_resolver(_TAG.format("merge"), re.compile(r"<<$"), ["<"])


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
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
