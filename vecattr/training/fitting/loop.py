"""The optimization loop: a network and training data in, the best epoch's weights out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vecattr.encoders.networks.kmer_bag import KmerBag
from vecattr.encoders.networks.text_cnn import TextCnn
from vecattr.training.checkpoint import (
    Checkpoints,
    checkpoint_path,
    cpu_copy,
    read_checkpoint,
    write_checkpoint,
)
from vecattr.training.data import TrainingData
from vecattr.training.distributed import ProcessGroup
from vecattr.training.examples import shuffled_batches
from vecattr.training.fitting.network import AttributionNetwork
from vecattr.training.fitting.optimizers import Schedules, new_optimizers
from vecattr.training.progress import Epoch, Validation, Watcher
from vecattr.training.settings import ResolvedTrainConfig
from vecattr.vectors import Rows


@dataclass
class EpochProgress:
    """How far the current epoch is."""

    batches: int = 0  # of all that `_batches` gives, used or not
    plasmids: int = 0
    loss_sum: float = 0.0  # over the plasmids
    seconds: float = 0.0


class TrainingLoop:
    """One-cycle Adam on a network's parameters, resumable after any step."""

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
        self._optimizers = new_optimizers(network, plan.settings)
        self._schedules = Schedules(self._optimizers, plan.settings, steps=self._total)
        self._history: list[Epoch] = []
        self._best_merit = -1.0
        self._best_epoch = 0
        self._best_weights: dict[str, Tensor] = {}
        self._steps = 0
        self._progress = EpochProgress()
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
            if not self._progress.batches:
                torch.manual_seed(self._epoch_seed())
            epoch = self._epoch(trainee, watcher)
            self._save_if_due()
            watcher.ends_epoch(epoch)
        if self._best_weights:
            self._network.load_state_dict(self._best_weights)

    def _epoch_seed(self) -> int:
        """The seed of this process's dropout in the current epoch."""
        number = len(self._history) * self._group.size + self._group.rank
        return (self._settings.seed << 20) + number

    def _epoch(self, trainee: nn.Module, watcher: Watcher) -> Epoch:
        """Train to the end of the current epoch, from its beginning or from a checkpoint."""
        progress, done = self._progress, self._progress.batches
        rng = np.random.default_rng([self._settings.seed, len(self._history)])
        started = time.perf_counter() - progress.seconds
        for number, rows in enumerate(self._batches(rng)):
            draws: NDArray[np.float64] = rng.random((len(rows), 3))
            if number < done or len(rows) < self._group.size or self._steps == self._total:
                continue
            loss = self._step(trainee, rows, draws)
            progress.batches = number + 1
            progress.plasmids += len(rows)
            progress.loss_sum += loss * len(rows)
            progress.seconds = time.perf_counter() - started
            speed = progress.plasmids / progress.seconds
            watcher.advances(1, loss=loss, plasmids_per_second=speed)
            if self._group.size == 1:  # several processes have several random states
                self._save_if_due()
        return self._finished_epoch(progress)

    def _finished_epoch(self, progress: EpochProgress) -> Epoch:
        """Validate, remember and move on to the next epoch."""
        figures = self._group.broadcast(self._validate() if self._group.is_leader else Validation())
        epoch = Epoch(
            epoch=len(self._history) + 1,
            steps=self._steps,
            loss=self._group.mean(progress.loss_sum / progress.plasmids),
            validation_top1=figures.top1,
            validation_top10=figures.top10,
            validation_macro_mrr=figures.macro_mrr,
            learning_rate=self._schedules.learning_rate,
            plasmids_per_second=progress.plasmids / progress.seconds,
            seconds=progress.seconds,
        )
        self._schedules.after_epoch()
        self._history.append(epoch)
        self._progress = EpochProgress()
        self._keep_if_best(epoch)
        return epoch

    def _batches(self, rng: np.random.Generator) -> Iterator[Rows]:
        """The rows of one epoch, a batch of all processes at a time."""
        settings = self._settings
        return shuffled_batches(
            self._training.targets, settings.batch_size, rng, oversampling=settings.oversampling
        )

    def _step(self, trainee: nn.Module, rows: Rows, draws: NDArray[np.float64]) -> float:
        """One optimizer step on this process's part of the rows; the loss."""
        part = slice(self._group.rank, None, self._group.size)
        batch = self._training.augmented(rows[part], self._settings, draws[part])
        targets = torch.from_numpy(self._training.targets[rows[part]])
        device = self._group.device
        with _autocast(self._network.encoder, self._settings, device):
            loss: Tensor = trainee(batch.to(device), targets.to(device))
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self._optimizers:
            optimizer.step()
        self._schedules.after_step()
        self._steps += 1
        return float(loss.detach())

    def _validate(self) -> Validation:
        """How the labs of the validation plasmids, full length, are ranked; NaN without any, or
        when the current epoch has no validation."""
        if self._validation is None or not self._is_validated(len(self._history) + 1):
            return Validation()
        cosines = self._network.cosines(self._validation)[:, :-1]
        return Validation.from_cosines(cosines, self._validation.targets)

    def _keep_if_best(self, epoch: Epoch) -> None:
        merit = epoch.merit(self._settings.best_by)
        if merit > self._best_merit:
            self._best_merit, self._best_epoch = merit, epoch.epoch
            self._best_weights = cpu_copy(self._network.state_dict())

    def _is_validated(self, epoch: int) -> bool:
        is_last = self._steps >= self._total
        return epoch % self._settings.validate_every == 0 or is_last

    def _out_of_patience(self) -> bool:
        epochs = len(self._history)
        if self._validation is None or not self._is_validated(epochs):
            return False
        return epochs - self._best_epoch >= self._settings.patience

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
            "schedules": self._schedules.state_dict(),
            "history": [asdict(epoch) for epoch in self._history],
            "best": self._best_merit,
            "best_epoch": self._best_epoch,
            "steps": self._steps,
            "epoch": asdict(self._progress),
            "random": random_state(self._group.device),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["matcher"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self._schedules.load_state_dict(state["schedules"])
        self._history = [Epoch(**epoch) for epoch in state["history"]]
        self._best_merit, self._best_epoch = state["best"], state["best_epoch"]
        self._best_weights, self._steps = state["best_weights"], state["steps"]
        self._progress = EpochProgress(**state["epoch"])
        torch.set_rng_state(state["random"]["cpu"])
        if "cuda" in state["random"]:
            torch.cuda.set_rng_state(state["random"]["cuda"], self._group.device)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's generators that a step on this device draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _total_steps(rows: int, settings: ResolvedTrainConfig) -> int:
    steps = settings.epochs * -(-rows // settings.batch_size)
    return min(steps, settings.max_steps or steps)


def _parallel(network: AttributionNetwork, group: ProcessGroup) -> nn.Module:
    return network if group.size == 1 else DistributedDataParallel(network)


def _autocast(
    encoder: TextCnn | KmerBag, settings: ResolvedTrainConfig, device: torch.device
) -> AbstractContextManager[None]:
    """bf16 for convolutions where the processor has matrix units for it."""
    uses_bf16 = settings.bf16
    if uses_bf16 is None:
        convolves = isinstance(encoder, TextCnn) and not encoder.looks_up
        uses_bf16 = convolves and _has_bf16_units(device)
    return torch.autocast(device.type, torch.bfloat16) if uses_bf16 else nullcontext()


def _has_bf16_units(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
