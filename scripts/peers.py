"""Make .cache/peers: an environment of its own for the programs that the benchmarks compare with.

    python scripts/peers.py

Standard library only. A stamp, written last, holds the pins that the environment was made from: nothing to do takes
milliseconds, changed pins or an interrupted run make it anew.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "benchmarks" / "requirements-peers.txt"
ALONE = ROOT / "benchmarks" / "requirements-peers-alone.txt"
PEERS = ROOT / ".cache" / "peers"
STAMP = PEERS / "stamp"


def main() -> int:
    pins = hashlib.sha256(PINS.read_bytes() + ALONE.read_bytes()).hexdigest()
    stamp = f"{sys.version_info.major}.{sys.version_info.minor} {pins}"
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return 0
    print(f"peers: making {PEERS.relative_to(ROOT)} from {PINS.relative_to(ROOT)}", flush=True)
    shutil.rmtree(PEERS, ignore_errors=True)
    venv.create(PEERS, with_pip=True)
    pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for wanted in (["-r", str(PINS)], ["--no-deps", "-r", str(ALONE)]):
        code = subprocess.run([*pip, *wanted], check=False).returncode
        if code:
            print(f"peers: pip failed ({code}); nothing is stamped, run this again", file=sys.stderr)
            return 3
    STAMP.write_text(stamp, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
