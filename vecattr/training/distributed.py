"""Several training processes side by side: torchrun's environment in, rank and group out."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar

import torch
import torch.distributed as dist

from vecattr.encoders.torch_encoder import choose_device

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """The training processes as one of them sees them; rank 0, the leader, alone writes files and
    reports."""

    rank: int
    size: int
    device: torch.device  # of this process

    @property
    def is_leader(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    @property
    def threads(self) -> int:
        """Processor threads of this process."""
        return torch.get_num_threads()

    def broadcast(self, value: T) -> T:
        """The leader's value, in every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0, device=self.device)
        return values[0]

    def mean(self, value: float) -> float:
        """The mean of every process's value, in every process."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total) / self.size


@contextmanager
def join_process_group(device: str) -> Iterator[ProcessGroup]:
    """Join the group that torchrun made, if any: NCCL between GPUs, gloo between CPUs.

    Joined again inside, it is the same group: a process that left one cannot join another.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    own_device = choose_device(device)
    if size == 1:
        yield ProcessGroup(0, 1, own_device)
        return
    if own_device.type == "cuda":
        own_device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(own_device)
    if dist.is_initialized():
        yield ProcessGroup(dist.get_rank(), size, own_device)
        return
    # Functions of this module have the group of the moment as a default argument. Wrapping a module
    # imports it; first imported then, it would keep the group, whose threads abort some exits.
    import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if own_device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(dist.get_rank(), size, own_device)
    finally:
        dist.destroy_process_group()
        gc.collect()  # a wrapped module in a cycle keeps the group, too
