"""How weights are moved: an encoder and a configuration in, optimizers and schedules out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from vecattr.encoders.networks import KmerBag, TextCnn
from vecattr.training.settings import ResolvedTrainConfig


def optimizers(
    encoder: TextCnn | KmerBag, parameters: Sequence[nn.Parameter], config: ResolvedTrainConfig
) -> list[torch.optim.Optimizer]:
    """Adam for the parameters, the encoder's among them; the k-mer table, of which a step touches
    a sliver, gets the sparse one."""
    sparse = [encoder.tokens.weight] if isinstance(encoder, KmerBag) else []
    dense = [one for one in parameters if not any(one is other for other in sparse)]
    rate, decay = config.learning_rate, config.weight_decay
    found: list[torch.optim.Optimizer] = [torch.optim.Adam(dense, lr=rate, weight_decay=decay)]
    if sparse:
        found.append(torch.optim.SparseAdam(sparse, lr=rate))
    return found


def one_cycle(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.OneCycleLR:
    """Smith's one-cycle schedule (2018) up to the optimizer's rate and down again."""
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=optimizer.param_groups[0]["lr"],
        total_steps=max(steps, 2),
        cycle_momentum=False,
    )


def autocast(
    encoder: TextCnn | KmerBag, config: ResolvedTrainConfig, device: torch.device
) -> AbstractContextManager[None]:
    """bf16 for convolutions where the processor has matrix units for it."""
    wanted = config.bf16
    if wanted is None:
        wanted = isinstance(encoder, TextCnn) and _has_bf16_units(device)
    return torch.autocast(device.type, torch.bfloat16) if wanted else nullcontext()


def _has_bf16_units(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
