"""The folder of a training run: a fitted model and its report in, a model folder out.

A killed run leaves checkpoints, and perhaps files of a model without its config.json, which is
written last; `resume` goes on from there.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
from vecattr.errors import LockedError, UsageError
from vecattr.files.arrays import write_table
from vecattr.files.atomic import atomic_write, is_temporary
from vecattr.files.disk import disk, make_folders
from vecattr.posix import HAS_POSIX
from vecattr.training.checkpoint import STAGES, checkpoint_path
from vecattr.training.data import TrainingPlan
from vecattr.training.fitting.network import FittedModel
from vecattr.training.progress import Epoch
from vecattr.training.report import TrainReport, model_card

HISTORY_FILE = "history.csv"
_CHECKPOINTS = {checkpoint_path(Path(), stage).name for stage in STAGES}


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


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Hold the folder of a run; LockedError while another process, or thread, does. Where a system
    has no locks nothing is held."""
    if not HAS_POSIX:
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        try:
            disk().lock(handle)
        except BlockingIOError as error:
            raise LockedError(
                "another process is training into this folder",
                where=str(out),
                hint="wait for it, or name another folder",
            ) from error
        except OSError:  # no locks of folders on this file system
            pass
        yield
    finally:
        os.close(handle)


def _is_of_a_run(name: str) -> bool:
    """Is this a file that a killed run may leave? Config.json is not: it is written last."""
    written_before = {*MODEL_FILES, HISTORY_FILE} - {CONFIG_FILE}
    return name in written_before | _CHECKPOINTS or is_temporary(name)


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
    for leftover in sorted(folder.iterdir()):
        if leftover.name in _CHECKPOINTS or is_temporary(leftover.name):
            disk().unlink(leftover)


def _history_csv(history: tuple[Epoch, ...]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([field.name for field in fields(Epoch)])
    table.writerows(astuple(epoch) for epoch in history)
    return text.getvalue().encode()
