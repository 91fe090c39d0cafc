"""Content stores: 200 MB through a daemon against ipfshttpclient's own add and cat, and what content ids cost.

    .venv/bin/python -m benchmarks.custody.store [--megabytes 200] [--runs 5] [--json FILE]

Starts a daemon of its own (Kubo from PATH, else js-ipfs). Each run takes new random bytes, ours and the client's in
turn, and every byte that comes back is compared. The client verifies nothing; ours hashes every leaf. Exits with 1
when adding and reading together take more than 1.2 times the client's, as medians of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ipfshttpclient

from oracle.custody import unixfs
from oracle.custody.ipfs import IpfsStore
from oracle.custody.store import LocalStore

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from ipfs_daemon import running

LIMIT = 1.2
MIB = 1 << 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    size = options.megabytes * 10**6
    found: dict[str, Any] = {"megabytes": options.megabytes, "runs": options.runs}
    found["content_ids_mb_per_cpu_second"] = round(content_ids(size))
    with tempfile.TemporaryDirectory(dir=Path.cwd() / ".cache") as folder:
        found["folder_mb_per_cpu_second"] = local(Path(folder), size)
        found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        with running(Path(folder) / "repo") as address:
            found |= daemon(address, Path(folder) / "bytes", size, options.runs)
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(found["ratio"] > LIMIT)


def content_ids(size: int) -> float:
    """MB/s of one core that cutting and hashing take."""
    leaf = os.urandom(MIB)
    start = time.process_time()
    for _ in unixfs.build(leaf for _ in range(size // MIB)):
        pass
    return size // MIB * MIB / 1e6 / (time.process_time() - start)


def local(folder: Path, size: int) -> dict[str, int]:
    """MB/s of one core through the folder store."""
    store = LocalStore(folder / "store")
    start = time.process_time()
    leaf = os.urandom(MIB - 8)
    content = store.add(leaf + number.to_bytes(8, "big") for number in range(size // MIB))
    added = time.process_time()
    for _ in store.read(content.cid, max_size=size):
        pass
    read = time.process_time()
    megabytes = content.size / 1e6
    return {"add": round(megabytes / (added - start)), "read": round(megabytes / (read - added))}


def daemon(address: str, file: Path, size: int, runs: int) -> dict[str, Any]:
    client, store = ipfshttpclient.Client(address, timeout=600), IpfsStore(address, timeout=120)
    times: dict[str, list[float]] = {"our_add": [], "our_read": [], "client_add": [], "client_cat": []}
    with client:  # one connection for all requests, as ours
        for run in range(runs):
            names = ("our", "client") if run % 2 else ("client", "our")
            for name in names:
                write(file, size)
                if name == "our":
                    cid = timed(times["our_add"], partial(add, store, file))
                    timed(times["our_read"], partial(same, file, store.read(cid, max_size=size)))
                else:
                    cid = timed(times["client_add"], partial(client.add, str(file)))["Hash"]
                    timed(times["client_cat"], partial(cat, file, client, cid))
                print(
                    f"run {run + 1}, {name}: {', '.join(f'{k} {v[-1]:.1f} s' for k, v in times.items() if v)}",
                    file=sys.stderr,
                )
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours, theirs = (
        statistics.median(a + b for a, b in zip(times[first], times[second], strict=True))
        for first, second in (("our_add", "our_read"), ("client_add", "client_cat"))
    )
    return {
        "daemon": dict(client.version()),
        "median_seconds": {name: round(value, 2) for name, value in medians.items()},
        "ratio_add": round(medians["our_add"] / medians["client_add"], 3),
        "ratio_read": round(medians["our_read"] / medians["client_cat"], 3),
        "ratio": round(ours / theirs, 3),
    }


def add(store: IpfsStore, file: Path) -> str:
    return store.add(pieces(file)).cid


def cat(file: Path, client: Any, cid: str) -> None:
    same(file, client.cat(cid, stream=True))


def write(file: Path, size: int) -> None:
    with file.open("wb") as out:
        for start in range(0, size, MIB):
            out.write(os.urandom(min(MIB, size - start)))


def pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(MIB):
            yield piece


def same(file: Path, found: Iterator[bytes]) -> None:
    with file.open("rb") as source:
        for piece in found:
            if piece != source.read(len(piece)):
                raise ValueError("other bytes came back")
        if source.read(1):
            raise ValueError("bytes are missing")


def timed(times: list[float], work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    done = work()
    times.append(time.perf_counter() - start)
    return done


if __name__ == "__main__":
    raise SystemExit(main())
