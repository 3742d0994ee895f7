"""The folder of a training run: a place to write in, a whole model out.

A killed run leaves checkpoints, and perhaps files of a model without its config.json, which is
written last; `resume` goes on from there.
"""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields
from pathlib import Path

from vecattr.encoders.model_folder import (
    CALIBRATION_FILE,
    CARD_FILE,
    CONFIG_FILE,
    HELD_OUT_FILE,
    LABS_FILE,
    MODEL_FILES,
)
from vecattr.encoders.torch_encoder import TrainedEncoder, save_encoder
from vecattr.errors import UsageError
from vecattr.files.arrays import write_table
from vecattr.files.atomic import TEMPORARY, atomic_write
from vecattr.training.checkpoint import CHECKPOINT_FILE
from vecattr.training.report import TrainReport
from vecattr.training.validation import Epoch
from vecattr.vectors import EmbeddingTable

HISTORY_FILE = "history.csv"


def claim_folder(out: Path, *, resume: bool) -> None:
    """Make the folder, or see that it is free or holds an unfinished run to resume.

    Raises UsageError when it is a file, a model, an unfinished run without `resume`, or has
    anything else in it.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", hint="name a folder for the model")
    if (out / CONFIG_FILE).exists():
        raise UsageError(f"{out} already holds a model", hint="name another folder or remove it")
    if out.exists() and not all(_is_of_a_run(path.name) for path in out.iterdir()):
        raise UsageError(f"{out} is not empty", hint="name a new folder for the model")
    if out.exists() and any(out.iterdir()) and not resume:
        raise UsageError(f"{out} holds an unfinished run", hint="go on with --resume, or remove it")
    out.mkdir(parents=True, exist_ok=True)


def _is_of_a_run(name: str) -> bool:
    """Is this a file that a killed run may leave? Config.json is not: it is written last."""
    checkpoints = {f"{stage}-{CHECKPOINT_FILE}" for stage in ("fit", "refit")}
    written_before = {*MODEL_FILES, HISTORY_FILE} - {CONFIG_FILE}
    return name in written_before | checkpoints or name.startswith(TEMPORARY)


def write_run(
    report: TrainReport,
    parts: TrainedEncoder,
    labs: EmbeddingTable | None,
    *,
    rotations: int,
    card: str,
) -> None:
    """Write the model that a run ended with, and sweep up what the run left; without `labs` it is
    an encoder alone."""
    out = report.model
    if labs is not None:
        atomic_write(out / LABS_FILE, write_table(labs))
    if report.held_out:
        atomic_write(out / HELD_OUT_FILE, report.held_out.to_bytes())
    if report.calibration:
        atomic_write(out / CALIBRATION_FILE, report.calibration.to_json())
    atomic_write(out / HISTORY_FILE, _history_csv(report.history))
    atomic_write(out / CARD_FILE, card.encode())
    save_encoder(out, parts, rotations=rotations)
    for leftover in (*out.glob(f"*{CHECKPOINT_FILE}"), *out.glob(f"{TEMPORARY}*")):
        leftover.unlink()


def _history_csv(history: tuple[Epoch, ...]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([field.name for field in fields(Epoch)])
    table.writerows(astuple(epoch) for epoch in history)
    return text.getvalue().encode()
