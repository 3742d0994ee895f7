"""Claims about made growth: a copy of an index has labs, ids and half of the k-mers of its own; a
copy of a table has 3 % of its bases substituted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from grown_index import grow
from grown_table import grow_labs, grow_table

from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions, read_plasmids


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
    assert sizes.tolist() == original.sketches(np.arange(5))[1].tolist()
    postings = copy.postings(np.arange(len(copy)))
    rare_sizes = np.bincount(postings.rows, minlength=5)
    assert rare_sizes.tolist() == original.rare_sizes.tolist()
    assert {*places.tolist()} < {*postings.kmer_of_each.tolist()}
    original_fine, fine = original.fine, copy.fine
    assert 0.4 < np.isin(fine.hashes, original_fine.hashes).mean() < 0.65
    assert fine.find(fine.hashes).tolist() == list(range(len(original_fine)))
    assert len(fine.postings(np.arange(len(fine)))) == fine.units.sum() - rare_sizes.sum()
    answer = large.query(plasmids[0])
    assert answer.labs[0].name == "Ash"


def test_a_grown_table_holds_mutated_copies_of_every_row(tmp_path: Path, shelf: Any) -> None:
    labs = tmp_path / "labs.txt"
    labs.write_text("Lab 01\n")
    options = ReadOptions(labelled=True)
    train = replace(options, where=(("split", "train"),))
    originals = [row for row in read_plasmids([shelf.table], train) if isinstance(row, Plasmid)]
    count = grow_table(str(shelf.table), "split=train", tmp_path / "t.csv", copies=3)
    grown = [
        row for row in read_plasmids([tmp_path / "t.csv"], options) if isinstance(row, Plasmid)
    ]
    assert count == len(grown) == 3 * len(originals)
    for original, first, third in zip(originals, grown, grown[2 * len(originals) :], strict=False):
        assert first == original
        assert (third.id, third.lab) == (
            f"copy 0002 of {original.id}",
            f"copy 0002 of {original.lab}",
        )
        assert third.features == original.features
        changed = np.mean([a != b for a, b in zip(original.sequence, third.sequence, strict=True)])
        assert 0.01 < changed < 0.05
    grow_labs(labs, tmp_path / "grown.txt", copies=2)
    assert (tmp_path / "grown.txt").read_text() == "Lab 01\ncopy 0001 of Lab 01\n"
