"""Peers of the estimators: other people's libraries on the same base model and windows, in an environment of their own.

``scripts/peers.py`` makes the environment. Each peer is a script beside this file that is given a folder.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from oracle.errors import EnvironmentFailure
from oracle.influence.base import BaseModel
from oracle.influence.sequences import Windows

PEER = Path(".cache/peers/bin/python")
WHICH = ("kronfluence", "bergson")


def peer_scores(
    base: BaseModel, data: Sequence[Windows], validation: Windows, which: str, folder: Path
) -> list[dict[str, Any]]:
    """A peer's scores by provider: the sum over a provider's windows of their influence on the validation loss.

    One entry per way to run it, the one its documentation advises first: ``name`` with the version, ``gains`` (one per
    provider, higher is better, of arbitrary scale), ``cpu_seconds`` without loading. ``folder`` is made and holds what
    goes back and forth. Raises EnvironmentFailure without the environment or when the peer fails.
    """
    if not PEER.exists():
        raise EnvironmentFailure(
            "the peers are not installed", input=str(PEER), hint="run .venv/bin/python scripts/peers.py"
        )
    folder.mkdir(parents=True, exist_ok=True)
    base.save(folder / "base.safetensors")
    tensors = {
        "data/inputs": torch.cat([own.inputs for own in data]),
        "data/targets": torch.cat([own.targets for own in data]),
        "validation/inputs": validation.inputs.contiguous(),
        "validation/targets": validation.targets.contiguous(),
    }
    safetensors.torch.save_file(tensors, folder / "windows.safetensors")
    script = Path(__file__).with_name(f"peers_{which}.py")
    done = subprocess.run([PEER, script, folder.resolve()], capture_output=True, text=True)
    if done.returncode:
        raise EnvironmentFailure(f"{which} failed:\n{done.stderr[-2000:]}", input=which)
    result = json.loads((folder / "result.json").read_text())
    places = torch.repeat_interleave(torch.arange(len(data)), torch.tensor([len(own) for own in data]))
    return [
        {
            "name": f"{which} {result['version']}, {run['name']}",
            "gains": torch.zeros(len(data), dtype=torch.float64)
            .index_add(0, places, torch.tensor(run["scores"], dtype=torch.float64))
            .tolist(),
            "cpu_seconds": run["cpu_seconds"],
        }
        for run in result["runs"]
    ]
