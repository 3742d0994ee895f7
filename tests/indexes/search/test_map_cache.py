"""Claims about maps that are kept beside an index: a few of them, and none after compacting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import compact
from vecattr.indexes.search.map_cache import KEPT_MAPS, keep_map, map_name, read_map
from vecattr.indexes.storage.index_folder import read_manifest


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    return tmp_path / "i"


def kept(index: Path) -> list[str]:
    return sorted(file.stem for file in (index / "segments").glob("*.map"))


def keep(index: Path, seed: int) -> str:
    name = map_name("identity", seed=seed)
    keep_map(index, name, np.full((3, 2), float(seed)))
    os.utime(index / "segments" / f"{name}.map", ns=(seed, seed))
    return name


def test_the_newest_maps_are_kept(index: Path) -> None:
    names = [keep(index, seed) for seed in range(1, KEPT_MAPS + 4)]
    assert kept(index) == sorted(names[3:])
    last = read_map(index, names[-1], points=3)
    assert last is not None
    assert last.tolist() == np.full((3, 2), KEPT_MAPS + 3.0).tolist()
    assert read_map(index, names[0], points=3) is None
    assert verify_index(index).findings == ()


def test_other_files_are_not_taken_for_maps(index: Path) -> None:
    stranger = index / "segments" / "notes.map"
    stranger.write_text("of somebody")
    for seed in range(1, KEPT_MAPS + 3):
        keep(index, seed)
    assert stranger.exists()


def test_compacting_deletes_maps_of_an_index_that_is_compact(index: Path) -> None:
    keep(index, 1)
    before = read_manifest(index)
    compact(index)
    assert kept(index) == []
    assert read_manifest(index) == before
