"""Prose out of Python modules: the docstrings of a package, read from its compiled code and never run.

Python remembers compiled modules beside their sources: that is some thirty times faster than parsing them.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

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
    """(qualified name within the module, docstring) of everything that ``file`` documents, in its order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's sources
        code = SourceFileLoader(file.stem, str(file)).get_code(file.stem)
    if code is not None:
        yield from _documented(code, "")


def _documented(code: CodeType, name: str) -> Iterator[tuple[str, str]]:
    text = _docstring(code, name)
    if text:
        yield name, text
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and not inner.co_name.startswith("<"):  # no lambdas, no comprehensions
            yield from _documented(inner, f"{name}.{inner.co_name}" if name else inner.co_name)


def _docstring(code: CodeType, name: str) -> str | None:
    """A function's is its first constant; modules and classes assign it, a class after its qualified name."""
    if code.co_flags & inspect.CO_OPTIMIZED:
        found = code.co_consts[0] if code.co_consts else None
    elif "__doc__" in code.co_names[:4]:
        found = code.co_consts[1 if name else 0]
    else:
        return None
    return found if isinstance(found, str) else None
