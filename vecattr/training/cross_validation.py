"""Several models of one collection: labelled plasmids in, a folder of folds out.

The published networks were trained so (Soares et al. 2022), and their rankings fused. Here the
folds are made of whole groups, and a share of the plasmids is held out of all of them, so that a
fused ranking, too, can be calibrated on plasmids that no fold learned from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vecattr.datasets.classes import ClassRule, LabelledSet, labelled_set
from vecattr.datasets.splits import Split, fold_masks, split_labelled
from vecattr.encoders.config import EncoderConfig
from vecattr.encoders.model_folder import CONFIG_FILE
from vecattr.errors import InputError, MismatchError, UsageError
from vecattr.files.atomic import TEMPORARY, atomic_write
from vecattr.files.fold_folder import FOLDS_FILE, Folds, fold_path, is_folds, read_folds
from vecattr.plasmid import Plasmid
from vecattr.training.checkpoint import run_fingerprint
from vecattr.training.distributed import join_workers
from vecattr.training.loop import Watcher
from vecattr.training.report import TrainReport
from vecattr.training.settings import ResolvedTrainConfig, TrainConfig
from vecattr.training.train import train_model
from vecattr.training.validation import Epoch


def train_folds(
    plasmids: Sequence[Plasmid],
    out: Path,
    *,
    folds: int,
    rule: ClassRule,
    encoder: EncoderConfig,
    train: TrainConfig,
    rotations: int = 1,
    resume: bool = False,
    checkpoint_minutes: float = 5.0,
    watcher: Watcher | None = None,
) -> tuple[TrainReport, ...]:
    """Train a model a fold into `out`/fold-1 and so on, as `train_model` does; the reports.

    The usual validation and calibration shares are held out of all folds and calibrate each. Of the
    rest every fold holds out a part, which tells it when to stop. The seed is one more from fold to
    fold. `resume` skips folds that are finished, so the reports are those of the others. Raises as
    `train_model`, UsageError for a refit or a reserve, InputError for too few groups,
    MismatchError when `out` holds folds of another run.
    """
    if train.refit:
        raise UsageError(
            "folds are not trained again on all plasmids", hint="leave out the refit or the folds"
        )
    if train.reserve:
        raise UsageError("folds keep no reserve", hint="leave out the reserve or the folds")
    config = train.resolved(encoder, rows=len(plasmids))
    labelled = labelled_set(plasmids, rule)
    splits = list(_splits(labelled, config, folds))
    held = tuple(one.id for one in labelled.where(splits[0].calibration).plasmids)
    run = _run_digest(labelled, encoder, config, rotations)
    with join_workers(config.device) as workers:  # the leader claims before the others go on
        finished = workers.agree(
            _claim(out, Folds(folds, run, held), resume=resume) if workers.leads else frozenset()
        )
        return tuple(
            train_model(
                plasmids,
                fold_path(out, number),
                rule=rule,
                encoder=encoder,
                train=replace(train, seed=train.seed + number - 1),
                split=split,
                rotations=rotations,
                resume=resume,
                checkpoint_minutes=checkpoint_minutes,
                watcher=watcher and _FoldWatcher(watcher, number, folds),
            )
            for number, split in enumerate(splits, start=1)
            if number not in finished
        )


def _splits(labelled: LabelledSet, config: ResolvedTrainConfig, folds: int) -> Iterator[Split]:
    """The rows that each fold learns from, watches and is calibrated on."""
    usual = split_labelled(
        labelled,
        validation_share=config.validation_share,
        calibration_share=config.calibration_share,
        seed=config.seed,
    )
    rest = np.flatnonzero(usual.training)
    masks = fold_masks(
        [labelled.labels[row] for row in rest],
        [labelled.plasmids[row].group for row in rest],
        folds=folds,
        rng=np.random.default_rng(config.seed),
    )
    for number, mask in enumerate(masks, start=1):
        if not mask.any():
            raise InputError(
                f"fold {number} of {folds} would hold out no plasmid",
                hint="give fewer folds, or more plasmids of other groups",
            )
        watched = np.zeros_like(usual.training)
        watched[rest[mask]] = True
        yield replace(usual, training=usual.training & ~watched, validation=watched)


def _run_digest(
    labelled: LabelledSet, encoder: EncoderConfig, config: ResolvedTrainConfig, rotations: int
) -> str:
    """What all folds depend on, as a hex digest."""
    digest = hashlib.sha256(run_fingerprint(encoder, config, labelled).encode())
    digest.update(f"{rotations} {[plasmid.group for plasmid in labelled.plasmids]}".encode())
    return digest.hexdigest()


def _claim(out: Path, folds: Folds, *, resume: bool) -> frozenset[int]:
    """Make the folder, or see that it holds this very run to resume; the finished folds."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", hint="name a folder for the models")
    if not is_folds(out):
        names = [path.name for path in out.iterdir()] if out.exists() else []
        if not all(name.startswith(TEMPORARY) for name in names):
            raise UsageError(f"{out} is not empty", hint="name a new folder for the models")
        out.mkdir(parents=True, exist_ok=True)
        atomic_write(out / FOLDS_FILE, folds.to_json())
        return frozenset()
    if not resume:
        raise UsageError(f"{out} holds folds already", hint="go on with --resume, or remove it")
    if read_folds(out) != folds:
        raise MismatchError(
            "these folds belong to a run with other data or options",
            where=str(out),
            hint="train without --resume, into another folder, or with the same options",
        )
    numbers = range(1, folds.count + 1)
    return frozenset(n for n in numbers if (fold_path(out, n) / CONFIG_FILE).exists())


@dataclass(frozen=True)
class _FoldWatcher:
    """Tells another watcher what is said of one fold, and of which."""

    watcher: Watcher
    number: int
    count: int

    def starts(self, stage: str, total: int) -> None:
        self.watcher.starts(f"fold {self.number} of {self.count}: {stage}", total)

    def advances(self, units: int, **facts: float) -> None:
        self.watcher.advances(units, **facts)

    def ends_epoch(self, epoch: Epoch) -> None:
        self.watcher.ends_epoch(epoch)
