"""Prose out of Python source: the docstrings of a package, read with ``ast`` and never imported."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

BLANK = re.compile(r"\n\s*\n")
ROLE = re.compile(r":[\w:+-]+:`[~!]?([^`<]*?)\s*(?:<[^>]*>)?`")  # :func:`name`, :ref:`text <label>`
LINK = re.compile(r"`([^`<]*?)\s*<[^>]*>`_+")
ENDING = re.compile(r"[.!?:][\"')]*$")
MARKUP = re.compile(r">>>|-{4,}|={4,}|\.\. \w+::|^[:@#|]|\\|\|")
PARAMETERS = re.compile(r"^(?:Args|Arguments|Attributes|Parameters|Raises|Returns?|Yields?):|^[\w*, ]{1,40} : ")


def prose(text: str) -> list[str]:
    """The paragraphs of ``text`` that are sentences: no tables, code, formulas, headings or parameter lists."""
    kept = []
    for block in BLANK.split(inspect.cleandoc(text)):
        if block[:1].isspace() or MARKUP.search(block) or PARAMETERS.match(block):
            continue
        paragraph = " ".join(LINK.sub(r"\1", ROLE.sub(r"\1", block)).replace("`", "").replace("*", "").split())
        words = sum(character.isalpha() or character == " " for character in paragraph)
        if len(paragraph.split()) >= 8 and ENDING.search(paragraph) and words >= 0.88 * len(paragraph):
            kept.append(paragraph)
    return kept


def docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """(qualified name within the module, docstring) of everything public that ``file`` documents, in its order."""
    yield from _documented(ast.parse(file.read_bytes()), "")


def _documented(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[tuple[str, str]]:
    text = ast.get_docstring(node, clean=False)
    if text:
        yield name, text
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _documented(child, f"{name}.{child.name}" if name else child.name)
