"""Claims about made growth: a copy of an index has labs, ids and half of the k-mers of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from grown_index import grow


def test_a_grown_index_holds_copies_of_every_lab(tmp_path: Path, workshop: Any) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"], each=4)
    workshop.build(tmp_path / "small", plasmids, segment_rows=5)
    grow(tmp_path / "small", tmp_path / "large", copies=3)
    small, large = workshop.open(tmp_path / "small"), workshop.open(tmp_path / "large")
    assert large.manifest.plasmids == 3 * small.manifest.plasmids
    assert large.manifest.labs == 3 * small.manifest.labs == len(large.lab_names)
    assert [name for name in large.lab_names if name.endswith("Ash")] == [
        "Ash", "copy 0001 of Ash", "copy 0002 of Ash",
    ]  # fmt: skip
    original, copy = (large.segments[place].stored.kmers for place in (0, 2))
    assert len(copy) == len(original)
    kept = np.isin(copy.hashes, original.hashes).mean()
    assert 0.4 < kept < 0.65
    places, sizes = copy.sketches(np.arange(5))
    assert sizes.tolist() == original.sketch_sizes.tolist()
    which, rows = copy.postings(np.arange(len(copy)))
    assert np.bincount(rows, minlength=5).tolist() == sizes.tolist()
    assert np.array_equal(np.sort(places), np.sort(which))
    answer = large.query(plasmids[0])
    assert answer.labs[0].name == "Ash"
