"""An operator's data folder: its checkpoints, its signing record. Nobody else writes here.

```
models/<sha256>                    base models
checkpoints/<stage>-<key>          results of a stage under the hash of everything it read, sealed
unfinished/                        where a killed influence run goes on, sealed
observations/<round>.json          what this operator observed, canonical bytes
evidence/                          content store of the reasons, published after everybody has observed
signed.sqlite                      what was signed (signing.py)
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from oracle.custody.files import write_atomic
from oracle.custody.store import LocalStore
from oracle.errors import EnvironmentFailure
from oracle.evidence import canonical
from oracle.node.sealing import Sealing
from oracle.node.signing import SigningLog

Progress = Callable[[str, int, int], None]
"""(stage, done, total): told as long work goes on."""


class DataFolder:
    """The paths of one operator's folder and the few things that are done with them."""

    def __init__(self, root: Path, checkpoint_key: bytes | None = None) -> None:
        """``checkpoint_key`` (32 bytes) is for whoever works on texts: see :meth:`stage`."""
        self.root = root
        self.sealing = Sealing(checkpoint_key) if checkpoint_key is not None else None
        self.evidence = LocalStore(root / "evidence")
        self.signed = SigningLog(root / "signed.sqlite")
        self.unfinished = root / "unfinished"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one process; EnvironmentFailure when another one holds it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            held = FileLock(self.root / ".lock").acquire(timeout=0)
        except Timeout as error:
            raise EnvironmentFailure(
                "another process of this operator is at work in its data folder",
                input=str(self.root),
                hint="wait for it to end, or give each operator a folder of its own",
            ) from error
        except OSError as error:
            raise EnvironmentFailure(
                f"the data folder cannot be used: {error}", input=str(self.root), hint="check the path and its rights"
            ) from error
        with held:
            yield

    def model(self, sha256: bytes) -> Path:
        """Where the copy of a base model lies."""
        return self.root / "models" / sha256.hex()

    def observation(self, round_name: str) -> Path:
        """Where the operator's observation of a round lies."""
        return self.root / "observations" / f"{round_name}.json"

    def stage(self, name: str, subject: dict[str, Any], work: Callable[[], Any]) -> Any:
        """The JSON result of ``work``, from its checkpoint when the same ``subject`` was worked on before.

        A checkpoint that cannot be opened is worked out again. Without a checkpoint key nothing is kept.
        """
        if self.sealing is None:
            return work()
        key = hashlib.sha256(canonical.dumps({"stage": name, **subject})).hexdigest()
        path = self.root / "checkpoints" / f"{name}-{key}"
        if path.exists() and (known := self.sealing.open(path.read_bytes(), key)) is not None:
            return json.loads(known)
        body = json.dumps(work()).encode()
        write_atomic(path, b"".join(self.sealing.seal(body, key)), private=True)
        return json.loads(body)
