"""Parquet and Arrow files, decoded in a process of their own that may take memory and time in proportion to their size.

What a page, a dictionary or a table of metadata comes to is known once the library has made it, and the libraries make
gigabytes of a few bytes. The process sets its own limits before it opens the file, so that a bomb ends it alone; its
records come as one JSON array a batch. Memory is limited where the system can (Linux), time everywhere.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from oracle.corpus.allowance import Allowance, BombError
from oracle.corpus.compressed import DamagedStreamError
from oracle.errors import BadInput, EnvironmentFailure

MEMORY = 160 * 2**20  # bytes beside the libraries
MEMORY_RATIO = 16  # and bytes for each byte of the file
SECONDS = 5  # of processor time
SECOND = 2**20  # bytes of the file that give one more
ROW = 32  # bytes of the allowance that a row costs, be it empty

_STATUS = Path("/proc/self/status")
_MACHINE = {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ESTALE}
_ENDED = {signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS}


def confined_rows(path: Path, place: str, allowance: Allowance) -> Iterator[dict[str, Any]]:
    """The records of the Parquet or Arrow file ``path``, which messages call ``place``.

    Raises:
        BadInput: wrong columns.
        BombError: it takes more memory, time or text than a file of its size may.
        DamagedStreamError: it cannot be decoded: whatever the library says of it, it says of this file.
        EnvironmentFailure: the process could not be started, or the machine failed it.
    """
    command = [sys.executable, "-P", "-m", __name__, os.fspath(path), place]
    environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=environment
            )
        except OSError as error:
            raise _ours(place, str(error)) from error
        assert process.stdout is not None
        try:
            for line in process.stdout:
                batch = orjson.loads(line)
                if isinstance(batch, dict):
                    _raise(batch, place)
                    return
                for record in batch:
                    allowance.take(ROW + sum(len(value) for value in record.values() if value))
                    yield record
            process.wait()
            if -process.returncode in _ENDED:
                raise BombError
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise _ours(place, last or f"its process ended with {process.returncode}")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _ours(place: str, why: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"{place} could not be read: {why}", input=place, hint="check the installation, the disk and the memory"
    )


def _raise(end: dict[str, Any], place: str) -> None:
    """Raise what the process says that it met; nothing at the end of a file."""
    match end:
        case {"bomb": True}:
            raise BombError
        case {"bad": [message, input, hint]}:
            raise BadInput(message, input=input, hint=hint)
        case {"damaged": message}:
            raise DamagedStreamError(message)
        case {"ours": why}:
            raise _ours(place, why)


def _limit(size: int) -> None:
    """Bound what this process may still take for a file of ``size`` bytes."""
    seconds = SECONDS + size // SECOND + int(sum(os.times()[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _STATUS.exists():
        (data,) = (line.split()[1] for line in _STATUS.read_text().splitlines() if line.startswith("VmData"))
        memory = 1024 * int(data) + MEMORY + MEMORY_RATIO * size
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _decode(path: Path, place: str) -> dict[str, Any]:
    """Write the records to the standard output; returns the line that ends them."""
    import pyarrow as pa

    from oracle.corpus.columnar import rows

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _limit(path.stat().st_size)
    try:
        for batch in rows(path, place):
            sys.stdout.buffer.write(orjson.dumps(batch) + b"\n")
            sys.stdout.buffer.flush()
    except BadInput as error:
        return {"bad": [str(error), error.input, error.hint]}
    except MemoryError:
        return {"bomb": True}
    except UnicodeDecodeError as error:
        return {"damaged": f"is no valid {error.encoding}: {error.reason}"}
    except Exception as error:  # of a damaged file the library says whatever comes: SystemError, even
        if isinstance(error, OSError) and error.errno in _MACHINE:
            return {"ours": str(error)}
        return {"damaged": f"cannot be read as Parquet or Arrow: {str(error)[:500] or type(error).__name__}"}
    return {}


if __name__ == "__main__":
    ended = _decode(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.buffer.write(orjson.dumps(ended) + b"\n")
