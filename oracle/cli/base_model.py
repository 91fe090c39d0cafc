"""The base model of a seed corpus: trained once, then kept under what it was made from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from oracle.cli.output import ProgressCallback, notes
from oracle.errors import BadInput

if TYPE_CHECKING:
    import torch

    from oracle.influence.base import BaseModel
    from oracle.influence.pretrain import BaseSpec


def cache_folder() -> Path:
    """Where this user's programs keep what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixed-mia"


def trained_base(
    texts: Sequence[str],
    spec: BaseSpec,
    folder: Path,
    *,
    device: torch.device | None = None,
    progress: ProgressCallback | None = None,
) -> BaseModel:
    """The base model of ``texts`` out of ``folder``, or trained and put there under the SHA-256 of texts and ``spec``.

    A file that cannot be read, or is about something else, is made anew. Raises BadInput for too small a corpus,
    EnvironmentFailure when the folder cannot be written.
    """
    from oracle.custody.files import write_atomic
    from oracle.influence.base import KIND, load_base
    from oracle.influence.pretrain import train_base
    from oracle.influence.sequences import text_digest

    about = json.loads(json.dumps({"kind": KIND, "seed_corpus": text_digest(texts), "spec": asdict(spec)}))
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    path = folder / f"{key}.safetensors"
    if path.exists():
        try:
            kept = load_base(path)
        except BadInput as error:
            notes().print(f"the kept base model is damaged and made anew: {error}")
        else:
            if {name: kept.record.get(name) for name in about} == about:
                return kept
    base = train_base(texts, spec, device=device, progress=progress)
    write_atomic(path, base.data)
    notes().print(f"base model kept in {path}", soft_wrap=True)
    return base
