"""What sealing a data set costs, beside what this processor can do at most.

    python -m benchmarks.custody.pack [--documents N] [--gigabytes G]

1. The raw limits: AES-256-GCM and SHA-256 of 1 MiB blocks, and both in turn.
2. Encryption and content ids as the program does them, as a share of the two in turn.
3. ``pack`` from a JSON lines file of 4 kB documents into a folder, tree, digest and manifest included.
4. Peak memory of a fresh process that packs and opens G gigabytes made on the fly.

Speeds are in MB (10^6 bytes) of plain text per second of processor time, all threads together, best of some runs: what
one core does. Peak memory is in MiB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from oracle.corpus.document import Document
from oracle.corpus.readers import read_documents
from oracle.custody import cid, stream
from oracle.custody.context import Context
from oracle.custody.sealed import open_sealed, pack
from oracle.custody.segments import Segment
from oracle.custody.store import LocalStore

RUNS = 15
BLOCKS = 64
KEY = bytes(32)
DOCUMENT = 4096  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=4_000)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--memory", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory is not None:
        print(json.dumps(pack_and_open(arguments.memory)))
        return
    found = cipher_speeds() | document_speeds(arguments.documents)
    if arguments.gigabytes:
        found |= memory(arguments.gigabytes)
    print(json.dumps(found, indent=1))


def cipher_speeds() -> dict[str, float]:
    """Raw limits, and the program's own encryption with content ids."""
    cipher, aad, context = AESGCM(KEY), bytes(192), Context.new()
    segments = (Segment(first=0, salt=bytes(32)),)
    plain = os.urandom(1 << 21)  # what packing gives at a time; the raw limits read as much
    length = stream.CHUNK - stream.TAG
    blocks = [memoryview(plain)[at : at + length] for at in range(0, len(plain) - length, length)]

    def encrypt() -> None:
        for number in range(BLOCKS):
            cipher.encrypt(number.to_bytes(12, "big"), blocks[number % len(blocks)], aad)

    def digest() -> None:
        for number in range(BLOCKS):
            hashlib.sha256(blocks[number % len(blocks)]).digest()

    def both() -> None:
        for number in range(BLOCKS):
            hashlib.sha256(cipher.encrypt(number.to_bytes(12, "big"), blocks[number % len(blocks)], aad)).digest()

    def ours() -> None:
        for chunk in stream.seal(KEY, context, (plain for _ in range(BLOCKS // 2)), segments):
            cid.of(chunk)

    size = BLOCKS * length
    raw, sealed = _speeds([(both, size), (ours, BLOCKS // 2 * len(plain))])
    aes, sha = _speeds([(encrypt, size), (digest, size)])
    return {
        "aes_256_gcm": aes,
        "sha256": sha,
        "aes_and_sha": raw,
        "seal_and_cid": sealed,
        "seal_and_cid_of_raw": round(sealed / raw, 3),
    }


def document_speeds(count: int) -> dict[str, float]:
    """Reading, packing and opening documents of 4 kB."""
    with tempfile.TemporaryDirectory() as name:
        corpus, store = Path(name) / "corpus.jsonl", LocalStore(Path(name) / "store")
        with corpus.open("wb") as file:
            for document in texts(count):
                file.write(json.dumps({"id": document.id, "text": document.text}, ensure_ascii=False).encode() + b"\n")
        packed = pack(store, Context.new(), read_documents(corpus))
        size = packed.manifest.size

        def read() -> None:
            _drain(read_documents(corpus))

        def seal() -> None:
            pack(store, Context.new(), read_documents(corpus))

        def opened() -> None:
            _drain(open_sealed(store, packed.manifest, packed.key))

        speeds = _speeds([(read, size), (seal, size), (opened, size)], runs=25)
        return {"documents": count, "bytes": size} | dict(zip(("read", "pack", "open"), speeds, strict=True))


def memory(gigabytes: float) -> dict[str, float]:
    """Peak of a fresh process, and what it has before it begins."""
    found: dict[str, float] = {"gigabytes": gigabytes}
    for name, amount in (("peak_at_rest_mib", 0.001), ("peak_mib", gigabytes)):
        command = [sys.executable, "-m", "benchmarks.custody.pack", "--memory", str(amount)]
        found[name] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["peak_mib"]
    return found


def pack_and_open(gigabytes: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        store = LocalStore(Path(name))
        packed = pack(store, Context.new(), texts(int(gigabytes * 1e9 / DOCUMENT)))
        _drain(open_sealed(store, packed.manifest, packed.key))
    return {"peak_mib": round(_peak_kib() / 1024, 1)}


def _peak_kib() -> int:
    """Linux' own word for this program: what getrusage says also counts the one that started it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


def texts(count: int) -> Iterator[Document]:
    """Documents of about 4 kB of words, some of them not ASCII; the same at every run."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyzäöü"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 10))) for _ in range(5000)]
    pages = [" ".join(rng.choices(words, k=560)) for _ in range(64)]
    for number in range(count):
        yield Document(f"page-{number}", f"{number} {pages[number % len(pages)]}")


def _speeds(works: list[tuple[Callable[[], None], int]], runs: int = RUNS) -> list[float]:
    """The best of several runs each, in turn, so that a busy moment of the machine meets all of them."""
    best = [0.0] * len(works)
    for _ in range(runs):
        for at, (work, size) in enumerate(works):
            start = time.process_time()
            work()
            best[at] = max(best[at], size / (time.process_time() - start) / 1e6)
    return [round(speed, 1) for speed in best]


def _drain(documents: Iterable[Document]) -> None:
    for _ in documents:
        pass


if __name__ == "__main__":
    main()
