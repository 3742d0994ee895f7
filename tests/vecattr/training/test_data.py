"""What a plan's rows are read for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vecattr.datasets.classes import ClassRule, labelled_set
from vecattr.encoders.config import BagConfig
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.training.data import TrainingData, TrainingPlan, read_training_data, split_by_settings
from vecattr.training.examples import Examples
from vecattr.training.progress import SilentWatcher
from vecattr.training.settings import TrainConfig

_BAG = BagConfig(width=16, token_width=8, scaled=4)


@pytest.fixture(scope="module")
def plan() -> TrainingPlan:
    plasmids = synthetic_plasmids(labs=6, plasmids_per_lab=12, seed=3)
    labelled = labelled_set(plasmids, ClassRule(None))
    settings = TrainConfig(validation_share=0.3, calibration_share=0.1).resolved(_BAG)
    split = split_by_settings(labelled, settings)
    return TrainingPlan(labelled, split, _BAG, settings, rotations=1)


def _read(plan: TrainingPlan, *, calibrates: bool = True) -> TrainingData:
    return read_training_data(plan, 1, SilentWatcher(), calibrates=calibrates)


def _ids(examples: Examples | None) -> set[str]:
    return {plasmid.id for plasmid in examples.labelled.plasmids} if examples else set()


def test_no_row_calibrates_or_validates_that_is_trained_on(plan: TrainingPlan) -> None:
    data = _read(plan)
    assert data.validation is not None
    assert data.calibration is not None
    assert not _ids(data.training) & (_ids(data.validation) | _ids(data.calibration))
    everything = _ids(data.training) | _ids(data.validation) | _ids(data.calibration)
    assert everything == {plasmid.id for plasmid in plan.labelled.plasmids}


def test_the_new_work_that_calibrates_was_split_off_in_whole_groups(plan: TrainingPlan) -> None:
    data = _read(plan)
    assert data.calibration is not None
    training_groups = {plasmid.group for plasmid in data.training.labelled.plasmids}
    groups = [plasmid.group for plasmid in data.calibration.labelled.plasmids]
    assert data.calibration_is_new.tolist() == [group not in training_groups for group in groups]


def test_a_run_that_does_not_calibrate_reads_no_calibration_rows(plan: TrainingPlan) -> None:
    data = _read(plan, calibrates=False)
    assert data.calibration is None
    assert _ids(data.training) == _ids(_read(plan).training)


def test_a_refit_trains_on_all_rows_for_its_epochs(plan: TrainingPlan) -> None:
    data = _read(plan.for_refit(3))
    assert len(data.training) == len(plan.labelled.labels)
    assert (data.validation, data.calibration) == (None, None)
    assert data.plan.settings == replace(plan.settings, epochs=3)
    assert (data.plan.stage, plan.stage) == ("refit", "fit")


def test_targets_are_the_places_of_the_labs_among_the_lab_names(plan: TrainingPlan) -> None:
    data = _read(plan)
    names = np.array(plan.lab_names)[data.training.targets]
    assert names.tolist() == list(data.training.labelled.labels)
