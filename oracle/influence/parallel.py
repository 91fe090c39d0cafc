"""One job on several processes of this machine: data parallel over a step's microbatches and the validation windows.

Every process holds the whole model and takes its share of the gradients; sums are all-reduced, so that weights stay the
same everywhere. A lone process is a group of one and runs the same code.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import torch
from torch import Tensor, distributed
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from oracle.errors import EnvironmentFailure, MiaError
from oracle.influence.device import reproducible
from oracle.influence.job import Job

T = TypeVar("T")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Group:
    """This process is number ``rank`` of ``size``."""

    rank: int = 0
    size: int = 1

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """What of ``items`` falls to this process."""
        return items[self.rank :: self.size]

    def sum(self, tensor: Tensor) -> Tensor:
        """``tensor`` added up over all processes, in place; the same bits in each."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor


ALONE = Group()


def launch(work: Callable[[Job, Group], Result], job: Job) -> Result:
    """``work(job, group)`` in each of ``job.compute.processes`` processes (here, if it is one); what number 0 returns.

    Several processes start afresh (``work`` is importable, the main module guarded), keep no state and tell no
    progress; all of them have ended when this returns. Raises the MiaError that any of them raised, EnvironmentFailure
    naming the process that failed otherwise.
    """
    size = job.compute.processes
    if size == 1:
        return work(job, ALONE)
    with TemporaryDirectory(prefix="mia-parallel-") as name:
        folder = Path(name)
        torch.save((work, replace(job, state=None, seal=None, progress=None)), folder / "job")
        threads = max(1, torch.get_num_threads() // size)
        running = spawn(_process, (size, folder, threads), nprocs=size, join=False)  # type: ignore[no-untyped-call]
        try:
            while not running.join():
                pass
        except (ProcessExitedException, ProcessRaisedException) as failure:
            for error in sorted(folder.glob("error.*")):
                raise pickle.loads(error.read_bytes()) from failure
            reason = str(failure).strip().splitlines()[-1]
            raise EnvironmentFailure(
                f"process {failure.error_index} of {size} failed: {reason}",
                input=f"process {failure.error_index}",
                hint="look at its memory and its GPU, or ask for fewer processes",
            ) from failure
        finally:
            for process in running.processes:
                process.terminate()
                process.join()
        result: Result = pickle.loads((folder / "result").read_bytes())
        return result


def _process(rank: int, size: int, folder: Path, threads: int) -> None:
    torch.set_num_threads(threads)
    work, job = torch.load(folder / "job", weights_only=False)
    compute = job.compute.of_process(rank)
    cuda = compute.device.type == "cuda"
    if cuda:
        torch.cuda.set_device(compute.device)
    if sys.platform == "linux":  # else gloo looks up the host's name, which may have no address
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    meeting = f"file://{folder}/meeting"
    distributed.init_process_group("nccl" if cuda else "gloo", init_method=meeting, rank=rank, world_size=size)
    try:
        with reproducible():
            result = work(replace(job, compute=compute), Group(rank, size))
    except MiaError as error:
        (folder / f"error.{rank}").write_bytes(pickle.dumps(error))
        raise
    finally:
        distributed.destroy_process_group()
    if rank == 0:
        (folder / "result").write_bytes(pickle.dumps(result))
