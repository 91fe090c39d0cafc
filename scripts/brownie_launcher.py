"""Start brownie with this checkout's compiler and chain; scripts/setup.py puts it at .venv/bin/brownie.

brownie finds the compiler through SOLCX_BINARY_PATH, anvil by name on PATH, and its networks in the home folder. It
gets a home of its own in .cache, so that an old ~/.brownie cannot interfere; anvil as its network when none is named;
and a free port at every start, so that it never attaches to somebody else's chain.
"""

import hashlib
import os
import shutil
import socket
import sys
from importlib.metadata import distribution
from pathlib import Path

import yaml

# brownie imports a script by its path with dots for slashes, and finds none below a folder like `john.doe`: there the
# folders on the way become packages by those very names.
START = """
import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from brownie._cli.__main__ import main

SCRIPTS = Path({scripts!r})
NAME = ".".join(SCRIPTS.parts[1:])

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if NAME == name or NAME.startswith(name + "."):
            return ModuleSpec(name, None, is_package=True)
        if name.startswith(NAME + "."):
            return spec_from_file_location(name, SCRIPTS / (name[len(NAME) + 1 :] + ".py"))

if any("." in part for part in SCRIPTS.parts):
    sys.meta_path.insert(0, Finder)
sys.exit(main())
"""
ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".cache" / "brownie"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def use_port(networks: Path, defaults: Path, port: int) -> None:
    """Give the network `anvil` its port; all else that a user has set up in `networks` stays as it is."""
    config = yaml.safe_load((networks if networks.is_file() else defaults).read_text())
    anvil = next(network for network in config["development"] if network["id"] == "anvil")
    anvil["cmd_settings"]["port"] = port
    fresh = networks.with_suffix(f".{os.getpid()}")
    fresh.write_text(yaml.safe_dump(config, sort_keys=False))
    fresh.replace(networks)


def drop_stale_build() -> None:
    """Have brownie compile everything anew when a contract changed.

    In part it cannot: it takes users of OpenZeppelin's library `Errors` for users of ours, and looks for their sources.
    """
    build = ROOT / "build"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "contracts").rglob("*.sol"))))
    stamp = build / ".brownie-sources"
    if not stamp.is_file() or stamp.read_text() != digest.hexdigest():
        for folder in ("contracts", "interfaces"):
            shutil.rmtree(build / folder, ignore_errors=True)
        build.mkdir(exist_ok=True)
        stamp.write_text(digest.hexdigest())


def main() -> None:
    drop_stale_build()
    data = HOME / ".brownie"
    data.mkdir(parents=True, exist_ok=True)
    defaults = distribution("eth-brownie").locate_file("brownie/data/network-config.yaml")
    use_port(data / "network-config.yaml", Path(str(defaults)), free_port())
    (HOME / "brownie-config.yaml").write_text("networks:\n  default: anvil\n")
    environment = os.environ | {
        "HOME": str(HOME),
        "SOLCX_BINARY_PATH": str(ROOT / ".cache" / "solcx"),
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    os.execve(
        sys.executable, [sys.executable, "-c", START.format(scripts=str(ROOT / "scripts")), *sys.argv[1:]], environment
    )


if __name__ == "__main__":
    main()
