"""The optimisation loop: examples in, fitted weights and a history out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from vecattr.encoders.networks import Batch, KmerBag, TextCnn
from vecattr.training.checkpoint import cpu_copy, read_checkpoint, write_checkpoint
from vecattr.training.distributed import Workers
from vecattr.training.examples import Examples, shuffled_batches
from vecattr.training.losses import AttributionLoss
from vecattr.training.schedules import autocast, one_cycle, optimizers
from vecattr.training.settings import ResolvedTrainConfig
from vecattr.training.validation import Epoch, Validation


class Watcher(Protocol):
    """Who is told how training goes."""

    def starts(self, stage: str, total: int) -> None:
        """A stage begins; `total` units (plasmids read, or optimizer steps) lie ahead."""
        ...

    def advances(self, units: int, **facts: float) -> None:
        """So many units are done; `facts` (loss, plasmids_per_second) are worth showing."""
        ...

    def ends_epoch(self, epoch: Epoch) -> None:
        """An epoch is over; `epoch` has its losses and accuracy."""
        ...


class LabMatcher(nn.Module):
    """An encoder and the vectors of all labs; the last row is the unknown-lab vector."""

    def __init__(self, encoder: TextCnn | KmerBag, labs: int, loss: AttributionLoss) -> None:
        super().__init__()
        self.encoder = encoder
        self.labs = nn.Parameter(torch.randn(labs + 1, encoder.config.width))
        self.loss = loss

    def lab_vectors(self) -> Tensor:
        """Unit vectors of the labs and the unknown vector, (n + 1, d)."""
        return F.normalize(self.labs, dim=1)

    def forward(self, batch: Batch, targets: Tensor) -> Tensor:
        """The loss of this batch; the encoder may run under autocast, the loss does not."""
        plasmids = self.encoder(batch)  # (b, d)
        with torch.autocast(plasmids.device.type, enabled=False):
            return self.loss(plasmids, self.lab_vectors(), targets)

    @torch.inference_mode()
    def vectors(
        self,
        examples: Examples,
        device: torch.device,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> NDArray[np.float32]:
        """Unit vectors of full-length examples, (q, d); `progress` is told how many are new."""
        self.eval()
        found = []
        for rows in np.array_split(np.arange(len(examples)), max(1, len(examples) // 64)):
            batch = examples.batch(rows).to(device)
            found.append(self.encoder(batch).cpu().numpy())
            if progress is not None:
                progress(len(rows))
        self.train()
        return np.concatenate(found)

    def cosines(self, examples: Examples, device: torch.device) -> NDArray[np.float32]:
        """Cosines of full-length examples with every lab, the unknown vector last, (q, n + 1)."""
        labs = self.lab_vectors().detach().cpu().numpy()
        cosines: NDArray[np.float32] = self.vectors(examples, device) @ labs.T
        return cosines


@dataclass(frozen=True)
class Fit:
    """What a run ends with: the best weights are in the matcher."""

    matcher: LabMatcher
    history: tuple[Epoch, ...]
    best_epoch: int  # how many epochs led to the weights that were kept


class Run:
    """One run of one-cycle Adam, resumable at epoch ends."""

    def __init__(
        self,
        matcher: LabMatcher,
        training: Examples,
        validation: Examples | None,
        *,
        config: ResolvedTrainConfig,
        workers: Workers,
        checkpoint: Path,
        checkpoint_seconds: float,
        fingerprint: str,
    ) -> None:
        """A checkpoint is written at epoch ends, when the last is `checkpoint_seconds` old."""
        self._matcher = matcher.to(workers.device)
        self._training, self._validation = training, validation
        self._config, self._workers = config, workers
        self._checkpoint, self._fingerprint = checkpoint, fingerprint
        self._total = _total_steps(len(training), config)
        self._optimizers = optimizers(matcher.encoder, [*matcher.parameters()], config)
        self._schedules = [one_cycle(one, self._total) for one in self._optimizers]
        self._history: list[Epoch] = []
        self._best = -1.0
        self._best_epoch = 0
        self._best_weights: dict[str, Tensor] = {}
        self._steps = 0
        self._checkpoint_seconds = checkpoint_seconds
        self._saved_at = time.monotonic()

    def fit(self, watcher: Watcher, *, resume: bool) -> Fit:
        """Train until the steps are spent or patience ends; keep the best weights."""
        if resume and self._checkpoint.exists():
            self._restore(read_checkpoint(self._checkpoint, fingerprint=self._fingerprint))
        trainee = _parallel(self._matcher, self._workers)
        watcher.starts("training", self._total)
        watcher.advances(self._steps)
        while self._steps < self._total and not self._out_of_patience():
            epoch = self._epoch(trainee, watcher)
            self._save_now_and_then()
            watcher.ends_epoch(epoch)
        if self._best_weights:
            self._matcher.load_state_dict(self._best_weights)
        return Fit(self._matcher, tuple(self._history), self._best_epoch or len(self._history))

    def _epoch(self, trainee: nn.Module, watcher: Watcher) -> Epoch:
        number = len(self._history)
        torch.manual_seed(
            (self._config.seed << 20) + number * self._workers.count + self._workers.rank
        )
        rng = np.random.default_rng([self._config.seed, number])
        began, seen, losses = time.perf_counter(), 0, 0.0
        for rows in self._batches(rng):
            loss = self._step(trainee, rows, rng)
            seen += len(rows)
            losses += loss * len(rows)
            speed = seen / (time.perf_counter() - began)
            watcher.advances(1, loss=loss, plasmids_per_second=speed)
        seconds = time.perf_counter() - began
        found = self._workers.agree(self._validate() if self._workers.leads else Validation())
        epoch = Epoch(
            epoch=number + 1,
            steps=self._steps,
            loss=self._workers.mean(losses / seen),
            validation_top1=found.top1,
            validation_top10=found.top10,
            validation_macro_mrr=found.macro_mrr,
            learning_rate=float(self._schedules[0].get_last_lr()[0]),
            plasmids_per_second=seen / seconds,
            seconds=seconds,
        )
        self._history.append(epoch)
        self._keep_if_best(epoch)
        return epoch

    def _batches(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        config = self._config
        for rows in shuffled_batches(
            self._training.targets, config.batch_size, rng, oversampling=config.oversampling
        ):
            if self._steps == self._total:
                return
            if len(rows) >= self._workers.count:
                yield rows

    def _step(self, trainee: nn.Module, rows: NDArray[np.int64], rng: np.random.Generator) -> float:
        mine = rows[self._workers.rank :: self._workers.count]
        draws = rng.random((len(rows), 3))[self._workers.rank :: self._workers.count]
        batch = self._training.augmented(mine, self._config, draws)
        targets = torch.from_numpy(self._training.targets[mine])
        device = self._workers.device
        with autocast(self._matcher.encoder, self._config, device):
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
        """How the validation rows are ranked, full length."""
        if self._validation is None:
            return Validation()
        cosines = self._matcher.cosines(self._validation, self._workers.device)[:, :-1]
        return Validation.of(cosines, self._validation.targets)

    def _keep_if_best(self, epoch: Epoch) -> None:
        merit = epoch.merit(self._config.best_by)
        if merit > self._best:
            self._best, self._best_epoch = merit, epoch.epoch
            self._best_weights = cpu_copy(self._matcher.state_dict())

    def _out_of_patience(self) -> bool:
        waited = len(self._history) - self._best_epoch
        return self._validation is not None and waited >= self._config.patience

    def _save_now_and_then(self) -> None:
        age = time.monotonic() - self._saved_at
        if self._workers.leads and age >= self._checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Write a checkpoint now."""
        state = {
            "matcher": self._matcher.state_dict(),
            "best_weights": self._best_weights,
            "optimizers": [one.state_dict() for one in self._optimizers],
            "schedules": [one.state_dict() for one in self._schedules],
            "history": [asdict(epoch) for epoch in self._history],
            "best": self._best,
            "best_epoch": self._best_epoch,
            "steps": self._steps,
        }
        write_checkpoint(self._checkpoint, state, fingerprint=self._fingerprint)
        self._saved_at = time.monotonic()

    def _restore(self, state: dict[str, Any]) -> None:
        self._matcher.load_state_dict(state["matcher"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for schedule, saved in zip(self._schedules, state["schedules"], strict=True):
            schedule.load_state_dict(saved)
        self._history = [Epoch(**epoch) for epoch in state["history"]]
        self._best, self._best_epoch = state["best"], state["best_epoch"]
        self._best_weights, self._steps = state["best_weights"], state["steps"]


def _total_steps(rows: int, config: ResolvedTrainConfig) -> int:
    steps = config.epochs * -(-rows // config.batch_size)
    return min(steps, config.max_steps or steps)


def _parallel(matcher: LabMatcher, workers: Workers) -> nn.Module:
    return matcher if workers.count == 1 else DistributedDataParallel(matcher)
