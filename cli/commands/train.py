"""`vecattr train`: labelled plasmids in, a model folder out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.commands.training_progress import TrainingProgress, is_leader
from vecattr.cli.options.classes import check_class_options, class_options, class_rule
from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import limit_threads, threads_option
from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.output import refuse_inputs
from vecattr.cli.options.reading import load_collection, reading_options
from vecattr.cli.options.training import (
    ENCODER_SETTINGS,
    ENCODERS,
    OBJECTIVES,
    PRESETS,
    TRAIN_SETTINGS,
    encoder_config,
    preset_choices,
    setting_options,
    train_config,
)
from vecattr.cli.options.types import FOLDER, MODEL, Amount
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal
from vecattr.encoders.config import BagConfig, CnnConfig
from vecattr.extras import require
from vecattr.training.settings import TrainConfig

if TYPE_CHECKING:
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions
    from vecattr.training.report import TrainReport
    from vecattr.training.settings import Objective, Preset


_FLAG_NAMES = ("freeze_encoder", "bf16", "refit", "reserve")
_FLAGS = together(
    click.option(
        "--freeze-encoder",
        is_flag=True,
        help="Learn lab vectors alone; the encoder is that of --start-from and stays as it is.",
    ),
    click.option(
        "--bf16/--no-bf16", default=None, help="Use bfloat16 autocast [default: where faster]."
    ),
    click.option("--refit", is_flag=True, help="Train again on all plasmids, validation included."),
    click.option(
        "--reserve",
        is_flag=True,
        help="Train an encoder to share: its model folder has no lab vectors and no names, and a "
        "reserve of plasmids is left out, which calibrates an index of the same plasmids.",
    ),
)


@click.command("train")
@click.argument("plasmids", type=SOURCES, nargs=-1, required=True, metavar="PLASMIDS...")
@click.option("-o", "--output", type=FOLDER, required=True, help="The model folder to write.")
@class_options
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="match",
    show_default=True,
    help="match: bring plasmids near their labs; classify: train a softmax classifier of labs, "
    "with --loss softmax and, for a cnn, --kernels 1-4 --activation tanh.",
)
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    help="published: the whole published configuration; other options override its values.",
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
    "--start-from",
    type=MODEL,
    metavar="MODEL",
    help="Start from a model's weights, tokenizer and features, and from its vectors of the labs "
    "that it shares with the plasmids; --encoder, --kernels and so on must be the model's. `cnn` "
    "and `bag` are the encoders that come with vecattr.",
)
@click.option(
    "--views",
    type=click.IntRange(min=1),
    show_default="1",
    metavar="N",
    help="cnn: rotations of a circular plasmid, on each strand, whose mean is its vector.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    metavar="N",
    help="Train N models into MODEL/fold-1 to fold-N, each on the plasmids of the other folds.",
)
@as_one_argument(_FLAGS, names=_FLAG_NAMES, argument="flags", build=dict)
@click.option(
    "--resume", is_flag=True, help="Continue from the last checkpoint in the model folder."
)
@click.option(
    "--checkpoint-minutes",
    type=Amount(min=0),
    default=5.0,
    show_default=True,
    metavar="X",
    help="Write a checkpoint after a step, at least X minutes after the last one.",
)
@threads_option
@reading_options
@verbosity_options
def command(
    plasmids: tuple[str, ...],
    output: Path,
    labs_file: Path | None,
    min_plasmids: int | None,
    objective: Objective,
    preset: Preset | None,
    encoder: str,
    start_from: Path | None,
    views: int | None,
    folds: int | None,
    flags: dict[str, Any],
    resume: bool,
    checkpoint_minutes: float,
    threads: int | None,
    read_options: ReadOptions,
    **settings: Any,
) -> None:
    """Train a tokenizer, an encoder and lab vectors from labelled plasmids.

    Whole publications (or groups of --group-by COLUMN) are split off for validation, because
    plasmids of one publication are often near copies. Give the model folder to build-index --model.
    """
    _check(output, labs_file, min_plasmids)
    choices = preset_choices(objective, preset, encoder=encoder, options=settings)
    frozen = start_from if flags["freeze_encoder"] else None
    network = encoder_config(encoder, settings, choices=choices, frozen=frozen)
    run = train_config(settings, choices=choices, **flags)
    collection = load_collection(plasmids, read_options)
    rule = class_rule(_labs(collection), labs_file=labs_file, min_plasmids=min_plasmids)
    if threads is not None:
        limit_threads(threads)
    with TrainingProgress(terminal()) as watcher:
        reports = _train(
            collection,
            output,
            folds=folds,
            rule=rule,
            encoder=network,
            train=run,
            rotations=views or choices.views,
            start_from=start_from,
            resume=resume,
            checkpoint_minutes=checkpoint_minutes,
            watcher=watcher,
        )
    if is_leader():
        _say_reports(reports, folds=folds or 1)


def _check(output: Path, labs_file: Path | None, min_plasmids: int | None) -> None:
    """UsageError, before anything is read, for what is missing or does not fit together."""
    require("torch", what="training")
    refuse_inputs(output)
    check_class_options(labs_file, min_plasmids)


def _labs(plasmids: Sequence[Plasmid]) -> Counter[str | None]:
    """How many plasmids each lab has."""
    return Counter(plasmid.lab for plasmid in plasmids)


def _train(
    plasmids: Sequence[Plasmid], output: Path, *, folds: int | None, **options: Any
) -> tuple[TrainReport, ...]:
    """Train one model, or one for each fold, with the options of `train_model`."""
    from vecattr.training.cross_validation import train_folds  # start-up
    from vecattr.training.train import train_model  # start-up

    if folds is None:
        return (train_model(plasmids, output, **options),)
    return train_folds(plasmids, output, folds=folds, **options)


def _say_reports(reports: Sequence[TrainReport], *, folds: int) -> None:
    if len(reports) < folds:
        terminal().say(f"{folds - len(reports)} of {folds} folds were trained before")
    for report in reports:
        terminal().say(f"{report.plasmids} plasmids of {report.labs} labs, {report.epochs} epochs")
        if report.reserved:
            terminal().say(f"{report.reserved} plasmids were left out, to calibrate an index with")
        elif report.calibration is None:
            terminal().say("too few validation plasmids of named labs: verdicts are uncalibrated")
        terminal().say(f"wrote {report.model}, the figures are in its MODEL_CARD.md")
