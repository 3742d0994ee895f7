"""The calibration of a fitted model: held-out examples in, their vectors and what they say out."""

from __future__ import annotations

from dataclasses import dataclass

from vecattr.calibration.calibration import Calibration, fit_calibration
from vecattr.calibration.calibration_set import HeldOut, nearest_cosines
from vecattr.training.data import TrainingData
from vecattr.training.fitting.network import FittedModel
from vecattr.training.progress import Watcher
from vecattr.vectors import EmbeddingTable

_SOURCE = "plasmids held out of training: whole groups, and single plasmids of other groups"


@dataclass(frozen=True)
class Calibrated:
    """The held-out plasmids as a model sees them, and the calibration that was fitted to them."""

    held_out: HeldOut
    calibration: Calibration | None  # None when they are too few


def calibrate(data: TrainingData, model: FittedModel, watcher: Watcher) -> Calibrated | None:
    """Embed the plasmids that the model did not learn from and fit its calibration to them; None
    without any."""
    if data.calibration is None:
        return None
    calibration, training = data.calibration, data.training
    watcher.starts("embedding to calibrate", 2 * len(calibration) + len(training))
    full, bare, stored = (
        model.network.vectors(examples, progress=watcher.advances)
        for examples in (calibration, calibration.without_features(), training.without_features())
    )
    plasmids = calibration.labelled.plasmids
    nearest, nearest_other = nearest_cosines(
        bare,
        stored,
        query_labs=[plasmid.lab for plasmid in plasmids],
        stored_labs=[plasmid.lab for plasmid in training.labelled.plasmids],
    )
    held_out = HeldOut(
        ids=tuple(plasmid.id for plasmid in plasmids),
        labels=calibration.targets,
        is_new=data.calibration_is_new,
        full=full,
        bare=bare,
        nearest=nearest,
        nearest_other=nearest_other,
        labs=EmbeddingTable(model.lab_names, model.lab_table().vectors[:-1]),
    )
    return Calibrated(held_out, fit_calibration(held_out, source=_SOURCE))
