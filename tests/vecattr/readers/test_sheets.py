"""A written table is read back as it was."""

from __future__ import annotations

from pathlib import Path

from vecattr.plasmid import Plasmid
from vecattr.readers.readers import ReadOptions, read_plasmids
from vecattr.readers.sheets import table_text
from vecattr.sequences.synthetic import synthetic_plasmids


def test_a_written_table_is_read_back(tmp_path: Path) -> None:
    plasmids = [
        *synthetic_plasmids(labs=3, plasmids_per_lab=4, seed=1),
        Plasmid("odd", "acgnr", "linear", lab='quoted, "lab"'),
    ]
    (tmp_path / "t.csv").write_text(table_text(plasmids))
    assert list(read_plasmids([tmp_path / "t.csv"])) == plasmids


def test_a_split_selects(tmp_path: Path) -> None:
    plasmids = synthetic_plasmids(labs=2, plasmids_per_lab=2, seed=1)
    split = {one.id: "dev" if one is plasmids[0] else "train" for one in plasmids}
    (tmp_path / "t.csv").write_text(table_text(plasmids, split=split))
    options = ReadOptions(where=(("split", "dev"),))
    assert list(read_plasmids([tmp_path / "t.csv"], options)) == plasmids[:1]
