"""The folder of a training run: a fitted model and its report in, a model folder out.

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
from vecattr.encoders.torch_encoder import save_encoder
from vecattr.errors import UsageError
from vecattr.files.arrays import write_table
from vecattr.files.atomic import TEMPORARY, atomic_write
from vecattr.files.disk import disk, make_folders
from vecattr.training.checkpoint import CHECKPOINT_FILE, STAGES, checkpoint_path
from vecattr.training.data import TrainingPlan
from vecattr.training.fitting.network import FittedModel
from vecattr.training.progress import Epoch
from vecattr.training.report import TrainReport, model_card

HISTORY_FILE = "history.csv"


def claim_folder(out: Path, *, resume: bool) -> None:
    """Make the folder, or check that it is empty or holds an unfinished run to resume.

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
        raise UsageError(
            f"{out} holds an unfinished run", hint="continue with --resume, or remove it"
        )
    make_folders(out)


def _is_of_a_run(name: str) -> bool:
    """Is this a file that a killed run may leave? Config.json is not: it is written last."""
    checkpoints = {checkpoint_path(Path(), stage).name for stage in STAGES}
    written_before = {*MODEL_FILES, HISTORY_FILE} - {CONFIG_FILE}
    return name in written_before | checkpoints or name.startswith(TEMPORARY)


def write_run(report: TrainReport, model: FittedModel, plan: TrainingPlan) -> None:
    """Write the model that a run ended with, its report and its card, and remove what the run left.

    A plan with a reserve writes an encoder alone: no lab vectors and nothing that names plasmids.
    """
    folder = report.model
    files = {
        HISTORY_FILE: _history_csv(report.history),
        CARD_FILE: model_card(report, model.encoder, plan.settings).encode(),
    }
    if not plan.settings.reserve:
        files[LABS_FILE] = write_table(model.lab_table())
    if report.held_out:
        files[HELD_OUT_FILE] = report.held_out.to_bytes()
    if report.calibration:
        files[CALIBRATION_FILE] = report.calibration.to_json()
    for name, content in files.items():
        atomic_write(folder / name, content)
    save_encoder(folder, model.encoder, rotations=plan.rotations)
    for leftover in (*folder.glob(f"*{CHECKPOINT_FILE}"), *folder.glob(f"{TEMPORARY}*")):
        disk().unlink(leftover)


def _history_csv(history: tuple[Epoch, ...]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([field.name for field in fields(Epoch)])
    table.writerows(astuple(epoch) for epoch in history)
    return text.getvalue().encode()
