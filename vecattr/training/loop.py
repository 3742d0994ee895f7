"""The optimization loop: training data in, a model with the best epoch's weights out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vecattr.encoders.networks import KmerBag, TextCnn, new_encoder
from vecattr.encoders.torch_encoder import TrainedEncoder
from vecattr.training.checkpoint import (
    Checkpoints,
    checkpoint_path,
    cpu_copy,
    read_checkpoint,
    run_fingerprint,
    write_checkpoint,
)
from vecattr.training.data import TrainingData
from vecattr.training.distributed import ProcessGroup
from vecattr.training.examples import shuffled_batches
from vecattr.training.losses import new_loss
from vecattr.training.network import AttributionNetwork, FittedModel
from vecattr.training.progress import Epoch, Validation, Watcher
from vecattr.training.settings import ResolvedTrainConfig
from vecattr.vectors import Rows


def fit_model(
    data: TrainingData, group: ProcessGroup, checkpoints: Checkpoints, watcher: Watcher
) -> FittedModel:
    """Train until the steps are spent or patience ends; the weights of the best epoch.

    Raises DamagedError or MismatchError when a checkpoint to resume from cannot be used.
    """
    plan = data.plan
    fingerprint = run_fingerprint(plan.encoder, plan.settings, data.training.labelled)
    torch.manual_seed(plan.settings.seed)
    encoder = new_encoder(
        plan.encoder,
        vocabulary_size=data.vocabulary.size,
        feature_columns=data.features.columns,
    )
    network = AttributionNetwork(encoder, len(plan.lab_names), new_loss(plan.settings))
    loop = TrainingLoop(
        network, data, group=group, checkpoints=checkpoints, fingerprint=fingerprint
    )
    loop.run(watcher)
    return FittedModel(
        network=network,
        encoder=TrainedEncoder(encoder, data.vocabulary, data.features),
        lab_names=plan.lab_names,
        history=loop.history,
        best=loop.best,
    )


class TrainingLoop:
    """One-cycle Adam on a network's parameters, resumable at epoch ends."""

    def __init__(
        self,
        network: AttributionNetwork,
        data: TrainingData,
        *,
        group: ProcessGroup,
        checkpoints: Checkpoints,
        fingerprint: str,
    ) -> None:
        plan = data.plan
        self._network = network.to(group.device)
        self._training, self._validation = data.training, data.validation
        self._settings, self._group = plan.settings, group
        self._resumes = checkpoints.resume and plan.stage == "fit"
        self._checkpoint = checkpoint_path(checkpoints.folder, plan.stage)
        self._checkpoint_seconds = 60 * checkpoints.minutes
        self._fingerprint = fingerprint
        self._total = _total_steps(len(data.training), plan.settings)
        self._optimizers = _optimizers(network, plan.settings)
        self._schedules = [_one_cycle(optimizer, self._total) for optimizer in self._optimizers]
        self._history: list[Epoch] = []
        self._best_merit = -1.0
        self._best_epoch = 0
        self._best_weights: dict[str, Tensor] = {}
        self._steps = 0
        self._saved_at = time.monotonic()

    @property
    def history(self) -> tuple[Epoch, ...]:
        """The epochs so far."""
        return tuple(self._history)

    @property
    def best(self) -> Epoch | None:
        """The best epoch so far; None without validation rows."""
        return self._history[self._best_epoch - 1] if self._best_epoch else None

    def run(self, watcher: Watcher) -> None:
        """Train until the steps are spent or patience ends; the network keeps the best weights."""
        if self._resumes and self._checkpoint.exists():
            self._restore(read_checkpoint(self._checkpoint, fingerprint=self._fingerprint))
        trainee = _parallel(self._network, self._group)
        watcher.starts("training", self._total)
        watcher.advances(self._steps)
        while self._steps < self._total and not self._out_of_patience():
            epoch = self._epoch(trainee, watcher)
            self._save_if_due()
            watcher.ends_epoch(epoch)
        if self._best_weights:
            self._network.load_state_dict(self._best_weights)

    def _epoch(self, trainee: nn.Module, watcher: Watcher) -> Epoch:
        number = len(self._history)
        torch.manual_seed(
            (self._settings.seed << 20) + number * self._group.size + self._group.rank
        )
        rng = np.random.default_rng([self._settings.seed, number])
        started, plasmids, loss_sum = time.perf_counter(), 0, 0.0
        for rows in self._batches(rng):
            loss = self._step(trainee, rows, rng)
            plasmids += len(rows)
            loss_sum += loss * len(rows)
            speed = plasmids / (time.perf_counter() - started)
            watcher.advances(1, loss=loss, plasmids_per_second=speed)
        seconds = time.perf_counter() - started
        figures = self._group.broadcast(self._validate() if self._group.is_leader else Validation())
        epoch = Epoch(
            epoch=number + 1,
            steps=self._steps,
            loss=self._group.mean(loss_sum / plasmids),
            validation_top1=figures.top1,
            validation_top10=figures.top10,
            validation_macro_mrr=figures.macro_mrr,
            learning_rate=float(self._schedules[0].get_last_lr()[0]),
            plasmids_per_second=plasmids / seconds,
            seconds=seconds,
        )
        self._history.append(epoch)
        self._keep_if_best(epoch)
        return epoch

    def _batches(self, rng: np.random.Generator) -> Iterator[Rows]:
        """The rows of one epoch, a batch of all processes at a time."""
        settings = self._settings
        for rows in shuffled_batches(
            self._training.targets, settings.batch_size, rng, oversampling=settings.oversampling
        ):
            if self._steps == self._total:
                return
            if len(rows) >= self._group.size:
                yield rows

    def _step(self, trainee: nn.Module, rows: Rows, rng: np.random.Generator) -> float:
        """One optimizer step on this process's part of the rows; the loss."""
        part = slice(self._group.rank, None, self._group.size)
        draws: NDArray[np.float64] = rng.random((len(rows), 3))
        batch = self._training.augmented(rows[part], self._settings, draws[part])
        targets = torch.from_numpy(self._training.targets[rows[part]])
        device = self._group.device
        with _autocast(self._network.encoder, self._settings, device):
            loss: Tensor = trainee(batch.to(device), targets.to(device))
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, schedule in zip(self._optimizers, self._schedules, strict=True):
            optimizer.step()
            if self._steps + 1 < self._total:
                schedule.step()
        self._steps += 1
        return float(loss.detach())

    def _validate(self) -> Validation:
        """How the labs of the validation plasmids, full length, are ranked."""
        if self._validation is None:
            return Validation()
        cosines = self._network.cosines(self._validation)[:, :-1]
        return Validation.from_cosines(cosines, self._validation.targets)

    def _keep_if_best(self, epoch: Epoch) -> None:
        merit = epoch.merit(self._settings.best_by)
        if merit > self._best_merit:
            self._best_merit, self._best_epoch = merit, epoch.epoch
            self._best_weights = cpu_copy(self._network.state_dict())

    def _out_of_patience(self) -> bool:
        waited = len(self._history) - self._best_epoch
        return self._validation is not None and waited >= self._settings.patience

    def _save_if_due(self) -> None:
        age = time.monotonic() - self._saved_at
        if self._group.is_leader and age >= self._checkpoint_seconds:
            write_checkpoint(self._checkpoint, self._state(), fingerprint=self._fingerprint)
            self._saved_at = time.monotonic()

    def _state(self) -> dict[str, Any]:
        """All that changes from step to step, under the names of the checkpoint."""
        return {
            "matcher": self._network.state_dict(),
            "best_weights": self._best_weights,
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "schedules": [schedule.state_dict() for schedule in self._schedules],
            "history": [asdict(epoch) for epoch in self._history],
            "best": self._best_merit,
            "best_epoch": self._best_epoch,
            "steps": self._steps,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["matcher"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for schedule, saved in zip(self._schedules, state["schedules"], strict=True):
            schedule.load_state_dict(saved)
        self._history = [Epoch(**epoch) for epoch in state["history"]]
        self._best_merit, self._best_epoch = state["best"], state["best_epoch"]
        self._best_weights, self._steps = state["best_weights"], state["steps"]


def _total_steps(rows: int, settings: ResolvedTrainConfig) -> int:
    steps = settings.epochs * -(-rows // settings.batch_size)
    return min(steps, settings.max_steps or steps)


def _parallel(network: AttributionNetwork, group: ProcessGroup) -> nn.Module:
    return network if group.size == 1 else DistributedDataParallel(network)


def _optimizers(
    network: AttributionNetwork, settings: ResolvedTrainConfig
) -> list[torch.optim.Optimizer]:
    """Adam for the parameters, but the sparse one for a k-mer table, of which a step touches few
    rows."""
    encoder = network.encoder
    sparse = [encoder.tokens.weight] if isinstance(encoder, KmerBag) else []
    dense = [
        parameter
        for parameter in network.parameters()
        if not any(parameter is table for table in sparse)
    ]
    rate, decay = settings.learning_rate, settings.weight_decay
    adams: list[torch.optim.Optimizer] = [torch.optim.Adam(dense, lr=rate, weight_decay=decay)]
    if sparse:
        adams.append(torch.optim.SparseAdam(sparse, lr=rate))
    return adams


def _one_cycle(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.OneCycleLR:
    """Smith's one-cycle schedule (2018) up to the optimizer's rate and down again."""
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=optimizer.param_groups[0]["lr"],
        total_steps=max(steps, 2),
        cycle_momentum=False,
    )


def _autocast(
    encoder: TextCnn | KmerBag, settings: ResolvedTrainConfig, device: torch.device
) -> AbstractContextManager[None]:
    """bf16 for convolutions where the processor has matrix units for it."""
    uses_bf16 = settings.bf16
    if uses_bf16 is None:
        uses_bf16 = isinstance(encoder, TextCnn) and _has_bf16_units(device)
    return torch.autocast(device.type, torch.bfloat16) if uses_bf16 else nullcontext()


def _has_bf16_units(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
