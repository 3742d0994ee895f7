"""Calibration of labs that are means of stored plasmids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr import Index, Plasmid
from vecattr.calibration.calibration_file import read_calibration
from vecattr.calibration.calibration_set import HeldOut, read_held_out
from vecattr.datasets.reserve import SplitHash, SplitHashes, reserve
from vecattr.indexes.calibrating.mean_calibration import SOURCE
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.storage.index_folder import MODEL_FOLDER

LABS = [f"Lab {number:02}" for number in range(12)]


def papers(workshop: Any) -> list[Plasmid]:
    """Thirty plasmids of each lab, three a paper."""
    return [
        replace(plasmid, group=f"{plasmid.lab} paper {number // 3}")
        for number, plasmid in enumerate(workshop.plasmids(LABS, each=30))
    ]


@pytest.fixture(scope="module")
def means(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    """An index of means, in several segments, whose model brought another calibration."""
    folder = tmp_path_factory.mktemp("means")
    model = workshop.calibrated_model(folder / "m", cosine=0.123)
    plasmids = papers(workshop)
    workshop.build(folder / "i", plasmids, model=model, lab_vectors="mean", segment_rows=100)
    return folder / "i"


def sheet(index: Path) -> HeldOut:
    held_out = read_held_out(index / MODEL_FOLDER)
    assert held_out is not None
    return held_out


def test_means_are_calibrated_on_plasmids_left_out_of_them(means: Path, workshop: Any) -> None:
    calibration = read_calibration(means / MODEL_FOLDER)
    assert calibration is not None
    assert calibration.source == SOURCE
    assert calibration.labs == {str(plasmid.lab) for plasmid in papers(workshop)}
    held_out = sheet(means)
    plasmids = papers(workshop)
    split_hashes = SplitHashes.from_hashes(map(SplitHash.from_plasmid, plasmids))
    reserved = reserve([str(plasmid.lab) for plasmid in plasmids], split_hashes)
    rows = np.flatnonzero(reserved.rows)
    assert list(held_out.ids) == [plasmids[row].id for row in rows]
    assert held_out.is_new.tolist() == reserved.new_work[rows].tolist()
    assert calibration.rows == len(held_out) == 72  # of so small a table 10 % of each kind
    assert verify_index(means).ok


def test_the_labs_of_the_sheet_are_those_of_an_index_without_its_plasmids(
    means: Path, tmp_path: Path, workshop: Any
) -> None:
    held_out = sheet(means)
    kept_plasmids = [plasmid for plasmid in papers(workshop) if plasmid.id not in set(held_out.ids)]
    workshop.build(tmp_path / "i", kept_plasmids, lab_vectors="mean")
    table = workshop.open(tmp_path / "i").lab_table()
    assert table.names == held_out.labs.names
    assert np.allclose(table.vectors, held_out.labs.vectors, atol=1e-5)


def test_its_nearest_cosines_are_those_of_such_an_index(
    means: Path, tmp_path: Path, workshop: Any
) -> None:
    held_out = sheet(means)
    plasmids = {plasmid.id: plasmid for plasmid in papers(workshop)}
    kept_plasmids = [plasmid for name, plasmid in plasmids.items() if name not in set(held_out.ids)]
    workshop.build(tmp_path / "i", kept_plasmids, lab_vectors="mean")
    opened = workshop.open(tmp_path / "i")
    for row, name in list(enumerate(held_out.ids))[:10]:
        [neighbor] = opened.query(plasmids[name], neighbors=1).neighbors
        assert held_out.nearest[row] == pytest.approx(neighbor.cosine, abs=1e-5)


def test_too_few_plasmids_leave_means_uncalibrated_whatever_the_model_says(
    tmp_path: Path, workshop: Any
) -> None:
    model = workshop.calibrated_model(tmp_path / "m", cosine=0.0)
    plasmids = workshop.plasmids(LABS[:3])
    workshop.build(tmp_path / "mean", plasmids, model=model, lab_vectors="mean")
    assert workshop.open(tmp_path / "mean").query(plasmids[0]).verdict == "uncalibrated"
    workshop.build(tmp_path / "learned", plasmids, model=model)
    assert workshop.open(tmp_path / "learned").calibration is not None


def test_the_same_plasmids_give_the_same_calibration(
    means: Path, tmp_path: Path, workshop: Any
) -> None:
    plasmids = papers(workshop)
    workshop.build(tmp_path / "i", plasmids, lab_vectors="mean", segment_rows=100)
    assert Index.open(tmp_path / "i").identity == Index.open(means).identity
