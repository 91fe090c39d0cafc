"""Validates one Croissant file with the reference library, in a process of its own without network.

    python -m oracle.quality.croissant_validator FILE

Prints {"errors": [...], "warnings": [...]}, each sorted.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn


def validate(file: Path) -> dict[str, list[str]]:
    """Errors and warnings of ``mlcroissant`` about ``file``."""
    from mlcroissant import Dataset, ValidationError  # heavy: seconds

    try:
        dataset = Dataset(jsonld=file)
    except ValidationError as error:
        return {"errors": _listed(str(error)), "warnings": []}
    except Exception as error:  # the library raises whatever a malformed file leads it to
        return {"errors": [f"{type(error).__name__}: {error}"], "warnings": []}
    return {"errors": [], "warnings": sorted(map(_one_line, dataset.metadata.ctx.issues.warnings))}


def _listed(report: str) -> list[str]:
    """The errors of a report, which lists them in lines of "  -  ", warnings after them."""
    lines = report.partition("warning(s)")[0].splitlines()
    return [_one_line(line.strip(" -")) for line in lines if line.startswith("  -")] or [_one_line(report)]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _refused(*_: Any, **__: Any) -> NoReturn:
    raise OSError("nothing is fetched")


def main() -> None:
    socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = _refused  # type: ignore[method-assign]
    logging.disable()
    print(json.dumps(validate(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
