"""Tools whose pins clash with the project's live in an environment of their own, under .cache, made when first used."""

from __future__ import annotations

import os
from pathlib import Path

from setup import BIN, CACHE, PYTHON, ROOT, digest, environment, run, say, stamped


def tool(name: str, requirement: str) -> Path:
    """The folder with the programs of `requirement`."""
    folder = CACHE / name
    with stamped(folder, digest(str(folder), requirement)) as wanted:
        if wanted:
            say(f"installing {requirement} in {folder.relative_to(ROOT)}")
            run(BIN / "uv", "venv", "-q", "--allow-existing", "--python", PYTHON, folder)
            run(BIN / "uv", "pip", "install", "-q", "--python", folder / "bin/python", requirement, env=environment())
    return folder / "bin"


def foundry(name: str, tests: str) -> dict[str, str]:
    """An environment in which forge compiles `tests` beside the contracts, into build/<name>, and is found on PATH."""
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "FOUNDRY_TEST": tests,
        "FOUNDRY_OUT": f"build/{name}/out",
        "FOUNDRY_CACHE_PATH": f"build/{name}/cache",
        "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1",
    }
