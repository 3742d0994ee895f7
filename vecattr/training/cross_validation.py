"""Several models of one collection: labelled plasmids in, a folder of folds out.

The published networks were trained so (Soares et al. 2022), and their rankings fused. Here the
folds are made of whole groups, and a share of the plasmids is held out of all of them, so that a
fused ranking, too, can be calibrated on plasmids that no fold learned from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vecattr.datasets.classes import ClassRule, labelled_set
from vecattr.datasets.splits import fold_masks
from vecattr.encoders.config import EncoderConfig
from vecattr.encoders.model_folder import CONFIG_FILE
from vecattr.errors import InputError, MismatchError, UsageError
from vecattr.files.atomic import TEMPORARY, atomic_write
from vecattr.files.disk import make_folders
from vecattr.files.fold_folder import FOLDS_FILE, Folds, fold_path, is_folds, read_folds
from vecattr.plasmid import Plasmid
from vecattr.training.checkpoint import Checkpoints, run_fingerprint
from vecattr.training.data import TrainingPlan, split_by_settings
from vecattr.training.distributed import join_process_group
from vecattr.training.progress import Epoch, Watcher
from vecattr.training.report import TrainReport
from vecattr.training.settings import TrainConfig
from vecattr.training.start import read_start, start_of_fold
from vecattr.training.train import carry_out


def train_folds(
    plasmids: Sequence[Plasmid],
    out: Path,
    *,
    folds: int,
    rule: ClassRule,
    encoder: EncoderConfig,
    train: TrainConfig,
    rotations: int = 1,
    start_from: Path | None = None,
    resume: bool = False,
    checkpoint_minutes: float = 5.0,
    watcher: Watcher | None = None,
) -> tuple[TrainReport, ...]:
    """Train a model a fold into `out`/fold-1 and so on, as `train_model` does; the reports.

    The usual validation and calibration shares are held out of all folds and calibrate each. Of the
    rest every fold holds out a part, which tells it when to stop. The seed is one more from fold to
    fold. A fold starts from the same fold of the folder `start_from`, or from the one model there.
    `resume` skips folds that are finished, so the reports are those of the others. Raises as
    `train_model`, UsageError for a refit or a reserve, InputError for too few groups,
    MismatchError when `out` holds folds of another run.
    """
    _check_folds_can_be(train)
    settings = train.resolved(encoder, rows=len(plasmids))
    labelled = labelled_set(plasmids, rule)
    plan = TrainingPlan(
        labelled, split_by_settings(labelled, settings), encoder, settings, rotations
    )
    plans = _fold_plans(plan, folds, start_from)
    with join_process_group(settings.device) as group:
        # The leader claims the folder before the others go on.
        finished = group.broadcast(
            _claim(out, _content(plan, plans), resume=resume) if group.is_leader else frozenset()
        )
        return tuple(
            carry_out(
                fold_plan,
                Checkpoints(fold_path(out, number), checkpoint_minutes, resume),
                watcher=watcher and _FoldWatcher(watcher, number, folds),
            )
            for number, fold_plan in plans.items()
            if number not in finished
        )


def _check_folds_can_be(train: TrainConfig) -> None:
    if train.refit:
        raise UsageError(
            "folds are not trained again on all plasmids", hint="leave out the refit or the folds"
        )
    if train.reserve:
        raise UsageError("folds keep no reserve", hint="leave out the reserve or the folds")


def _fold_plans(plan: TrainingPlan, folds: int, start_from: Path | None) -> dict[int, TrainingPlan]:
    """The plan of each fold by its number, from 1: its rows, of which it validates on others
    than the other folds, and its seed."""
    labelled, split, settings = plan.labelled, plan.split, plan.settings
    shared_rows = np.flatnonzero(split.training)
    masks = fold_masks(
        [labelled.labels[row] for row in shared_rows],
        [labelled.plasmids[row].group for row in shared_rows],
        folds=folds,
        rng=np.random.default_rng(settings.seed),
    )
    plans = {}
    for number, mask in enumerate(masks, start=1):
        if not mask.any():
            raise InputError(
                f"fold {number} of {folds} would hold out no plasmid",
                hint="give fewer folds, or more plasmids of other groups",
            )
        validation = np.zeros_like(split.training)
        validation[shared_rows[mask]] = True
        plans[number] = replace(
            plan,
            split=replace(split, training=split.training & ~validation, validation=validation),
            settings=replace(settings, seed=settings.seed + number - 1),
            start=(
                read_start(start_of_fold(start_from, number, folds), plan.encoder)
                if start_from
                else None
            ),
        )
    return plans


def _content(plan: TrainingPlan, plans: Mapping[int, TrainingPlan]) -> Folds:
    """What folds.json says of folds of this plan, by number."""
    held_out = plan.labelled.where(plan.split.calibration)
    return Folds(
        len(plans), _run_digest(plan, plans), tuple(plasmid.id for plasmid in held_out.plasmids)
    )


def _run_digest(plan: TrainingPlan, plans: Mapping[int, TrainingPlan]) -> str:
    """What all folds depend on, as a hex digest."""
    digest = hashlib.sha256(run_fingerprint(plan.encoder, plan.settings, plan.labelled).encode())
    groups = [plasmid.group for plasmid in plan.labelled.plasmids]
    digest.update(f"{plan.rotations} {groups}".encode())
    starts = [fold.start.identity for fold in plans.values() if fold.start]
    digest.update(json.dumps(starts).encode())
    return digest.hexdigest()


def _claim(out: Path, folds: Folds, *, resume: bool) -> frozenset[int]:
    """Make the folder, or check that it holds the same run, to be resumed; the finished folds."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", hint="name a folder for the models")
    if not is_folds(out):
        names = [path.name for path in out.iterdir()] if out.exists() else []
        if not all(name.startswith(TEMPORARY) for name in names):
            raise UsageError(f"{out} is not empty", hint="name a new folder for the models")
        make_folders(out)
        atomic_write(out / FOLDS_FILE, folds.to_json())
        return frozenset()
    if not resume:
        raise UsageError(f"{out} holds folds already", hint="continue with --resume, or remove it")
    if read_folds(out) != folds:
        raise MismatchError(
            "these folds belong to a run with other data or options",
            where=str(out),
            hint="train without --resume, into another folder, or with the same options",
        )
    numbers = range(1, folds.count + 1)
    return frozenset(
        number for number in numbers if (fold_path(out, number) / CONFIG_FILE).exists()
    )


@dataclass(frozen=True)
class _FoldWatcher:
    """A watcher of one fold: passes events on to another watcher, with the fold's number."""

    watcher: Watcher
    number: int
    count: int

    def notes(self, text: str) -> None:
        if self.number == 1:  # the others would say the same
            self.watcher.notes(text)

    def starts(self, stage: str, total: int) -> None:
        self.watcher.starts(f"fold {self.number} of {self.count}: {stage}", total)

    def advances(self, units: int, **figures: float) -> None:
        self.watcher.advances(units, **figures)

    def ends_epoch(self, epoch: Epoch) -> None:
        self.watcher.ends_epoch(epoch)
