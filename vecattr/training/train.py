"""The whole of `vecattr train`: labelled plasmids in, a model folder out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from vecattr.datasets.classes import ClassRule, labelled_set
from vecattr.datasets.reserve import without_reserve
from vecattr.datasets.splits import Split
from vecattr.encoders.config import EncoderConfig
from vecattr.plasmid import Plasmid
from vecattr.training.checkpoint import Checkpoints
from vecattr.training.data import TrainingPlan, read_training_data, split_by_settings
from vecattr.training.distributed import join_process_group
from vecattr.training.fitting.fit import fit_model
from vecattr.training.held_out import calibrate
from vecattr.training.progress import SilentWatcher, Watcher
from vecattr.training.report import TrainReport
from vecattr.training.run_folder import claim_folder, only_run, write_run
from vecattr.training.settings import TrainConfig
from vecattr.training.start import read_start


def train_model(
    plasmids: Sequence[Plasmid],
    out: Path,
    *,
    rule: ClassRule,
    encoder: EncoderConfig,
    train: TrainConfig,
    split: Split | None = None,
    rotations: int = 1,
    start_from: Path | None = None,
    resume: bool = False,
    checkpoint_minutes: float = 5.0,
    watcher: Watcher | None = None,
) -> TrainReport:
    """Train an encoder and lab vectors and write them to the folder `out`.

    `split` says which rows are for what; by default a share is held out to stop and to calibrate.
    With `train.reserve` the reserve of the plasmids is left out, and the model is an encoder
    alone: no lab vectors, nothing that calibrates, no names.
    `rotations` becomes the model's default number of test-time views. `start_from` is a model
    whose weights, vocabulary, features and lab vectors the run begins with. Checkpoints are
    written after steps, `checkpoint_minutes` apart or more; `resume` goes on from the last. Under
    torchrun every process calls this with the same arguments; rank 0 writes. Raises InputError
    when a plasmid has no lab or all have the same, UsageError when `out` holds something else and
    as `TrainingPlan`, MismatchError when the model to start from does not fit.

    >>> from vecattr import BagConfig, ClassRule, TrainConfig, read_plasmids
    >>> report = train_model(
    ...     list(read_plasmids(["plasmids.csv"])),
    ...     Path("small.model"),
    ...     rule=ClassRule(),
    ...     encoder=BagConfig(width=16, token_width=16),
    ...     train=TrainConfig(loss="cosface", epochs=1, device="cpu"),
    ... )
    >>> report.model.name
    'small.model'
    """
    everything = labelled_set(plasmids, rule)
    labelled = without_reserve(everything) if train.reserve else everything
    settings = train.resolved(encoder, rows=len(plasmids))
    plan = TrainingPlan(
        labelled=labelled,
        split=split or split_by_settings(labelled, settings),
        encoder=encoder,
        settings=settings,
        rotations=rotations,
        reserved=len(plasmids) - len(labelled.labels),
        start=read_start(start_from, encoder, reserve=train.reserve) if start_from else None,
    )
    return carry_out(plan, Checkpoints(out, checkpoint_minutes, resume), watcher=watcher)


def carry_out(
    plan: TrainingPlan, checkpoints: Checkpoints, *, watcher: Watcher | None
) -> TrainReport:
    """Fit, calibrate and write the model of a plan, as `train_model` does, where its checkpoints
    are.

    Raises UsageError when that folder holds something else, LockedError while another process
    trains into it.
    """
    out = checkpoints.folder
    claim_folder(out, resume=checkpoints.resume)
    refits = plan.settings.refit and bool(plan.split.validation.any())
    with join_process_group(plan.settings.device) as group, ExitStack() as held:
        if group.is_leader:
            held.enter_context(only_run(out))
            claim_folder(out, resume=checkpoints.resume)  # another run may have ended meanwhile
        watcher = watcher if watcher and group.is_leader else SilentWatcher()
        calibrates = group.is_leader and not plan.settings.reserve
        data = read_training_data(plan, group.threads, watcher, calibrates=calibrates)
        model = fit_model(data, group, checkpoints, watcher)
        calibrated = calibrate(data, model, watcher)
        report = TrainReport.from_run(plan, model, calibrated, folder=out)
        if refits:
            refit_plan = plan.for_refit(model.epochs)
            data = read_training_data(refit_plan, group.threads, watcher, calibrates=False)
            model = fit_model(data, group, checkpoints, watcher)
        if group.is_leader:
            write_run(report, model, plan)
        group.broadcast(None)  # a process that leaves while the leader writes would abort
    return report
