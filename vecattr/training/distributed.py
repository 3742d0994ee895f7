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
class Workers:
    """This process among `count`; rank 0 alone writes files and reports."""

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    def agree(self, value: T) -> T:
        """The leader's value, in every process."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def mean(self, value: float) -> float:
        """The mean of every process's value, in every process."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total) / self.count


@contextmanager
def join_workers(device: str) -> Iterator[Workers]:
    """Join the group that torchrun made, if any: NCCL between GPUs, gloo between CPUs.

    Joined again inside, it is the same group: a process that left one cannot join another.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = choose_device(device)
    if count == 1:
        yield Workers(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    if dist.is_initialized():
        yield Workers(dist.get_rank(), count, chosen)
        return
    # Functions of this module have the group of the moment as a default argument. Wrapping a module
    # imports it; first imported then, it would keep the group, whose threads abort some exits.
    import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), count, chosen)
    finally:
        dist.destroy_process_group()
        gc.collect()  # a wrapped module in a cycle keeps the group, too
