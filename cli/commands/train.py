"""`vecattr train`: labelled plasmids in, a model folder out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.shared import (
    FOLDER,
    Amount,
    class_rule,
    labelled_plasmids,
    limit_threads,
    reading,
    rule_options,
    talk_options,
)
from vecattr.cli.options.training import (
    ENCODER_SETTINGS,
    ENCODERS,
    OBJECTIVES,
    PRESETS,
    TRAIN_SETTINGS,
    choices_of,
    encoder_of,
    setting_options,
    training_of,
)
from vecattr.cli.terminal import terminal
from vecattr.cli.training_progress import TrainingProgress, is_leader
from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.training.settings import TrainConfig

if TYPE_CHECKING:
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions
    from vecattr.training.presets import Objective, Preset
    from vecattr.training.report import TrainReport


@click.command("train")
@click.argument("plasmids", nargs=-1, required=True, metavar="PLASMIDS...")
@click.option("-o", "--output", type=FOLDER, required=True, help="The model folder to write.")
@rule_options
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="match",
    show_default=True,
    help="match: bring plasmids near their labs; classify: a softmax classifier of labs, with "
    "--loss softmax and, for a cnn, --kernels 1-4 --activation tanh.",
)
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    help="published: all of the published configuration; options given beside it win.",
)
@click.option(
    "--encoder",
    type=click.Choice(list(ENCODERS)),
    default="cnn",
    show_default=True,
    help="cnn: the published text CNN; bag: k-mers, order-free, fast.",
)
@setting_options(ENCODER_SETTINGS, CnnConfig, BagConfig)
@setting_options(TRAIN_SETTINGS, TrainConfig)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    show_default="1",
    metavar="N",
    help="cnn: openings of a circle, on each strand, that a vector is the mean of.",
)
@click.option("--bf16/--no-bf16", default=None, help="bfloat16 autocast [default: where faster].")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    metavar="N",
    help="Train N models into MODEL/fold-1 to fold-N, each on the plasmids of the other folds.",
)
@click.option("--refit", is_flag=True, help="Train again on all plasmids, validation included.")
@click.option(
    "--reserve",
    is_flag=True,
    help="Train an encoder to hand on: it leaves the reserve out, which calibrates an index of the "
    "same plasmids, and holds no lab vectors and no names.",
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the model folder.")
@click.option(
    "--checkpoint-minutes",
    type=Amount(min=0),
    default=5.0,
    show_default=True,
    metavar="X",
    help="Write a checkpoint at epoch ends, so far apart.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Processor threads to use."
)
@reading
@talk_options
def command(
    plasmids: tuple[str, ...],
    output: Path,
    labs_file: Path | None,
    min_plasmids: int | None,
    objective: Objective,
    preset: Preset | None,
    encoder: str,
    views: int | None,
    bf16: bool | None,
    folds: int | None,
    refit: bool,
    reserve: bool,
    resume: bool,
    checkpoint_minutes: float,
    threads: int | None,
    reads: ReadOptions,
    **settings: Any,
) -> None:
    """Train a tokenizer, an encoder and lab vectors from labelled plasmids.

    The validation part is held out by publication (or --group-by COLUMN), because plasmids of one
    publication are often near copies. The model folder can be given to build-index --model.
    """
    chosen = choices_of(objective, preset, encoder=encoder, options=settings)
    network = encoder_of(encoder, settings, chosen=chosen)
    run = training_of(settings, chosen=chosen, bf16=bf16, refit=refit, reserve=reserve)
    collection = labelled_plasmids(plasmids, reads)
    rule = class_rule(collection, labs_file=labs_file, min_plasmids=min_plasmids)

    if threads is not None:
        limit_threads(threads)
    with TrainingProgress(terminal()) as watcher:
        reports = _reports(
            collection,
            output,
            folds=folds,
            rule=rule,
            encoder=network,
            train=run,
            rotations=views or chosen.views,
            resume=resume,
            checkpoint_minutes=checkpoint_minutes,
            watcher=watcher,
        )
    if is_leader():
        _tell(reports, folds=folds or 1)


def _reports(
    plasmids: Sequence[Plasmid], output: Path, *, folds: int | None, **options: Any
) -> tuple[TrainReport, ...]:
    """Train one model, or one a fold, with the options of `train_model`."""
    from vecattr.training.cross_validation import train_folds
    from vecattr.training.train import train_model

    if folds is None:
        return (train_model(plasmids, output, **options),)
    return train_folds(plasmids, output, folds=folds, **options)


def _tell(reports: Sequence[TrainReport], *, folds: int) -> None:
    if len(reports) < folds:
        terminal().say(f"{folds - len(reports)} of {folds} folds were finished before")
    for report in reports:
        terminal().say(f"{report.plasmids} plasmids of {report.labs} labs, {report.epochs} epochs")
        if report.reserved:
            terminal().say(f"{report.reserved} plasmids were reserved to calibrate an index with")
        elif report.calibration is None:
            terminal().say("too few validation plasmids of named labs: verdicts are uncalibrated")
        terminal().say(f"wrote {report.model}, the figures are in its MODEL_CARD.md")
