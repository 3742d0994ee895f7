"""The tool that draws the groups of an index's labs."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_groups import lab_vectors, main

from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.indexes.editing.build import build_index
from vecattr.sequences.synthetic import synthetic_plasmids


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("groups") / "made.index"
    plasmids = synthetic_plasmids(labs=12, plasmids_per_lab=4, seed=2)
    named = frozenset(sorted({f"{plasmid.lab}" for plasmid in plasmids})[:8])
    build_index(path, plasmids, model=shipped_encoder(), rule=ClassRule(named), lab_vectors="mean")
    return path


def test_the_pool_is_no_lab(index: Path) -> None:
    assert len(lab_vectors(index)) == 8


def test_groups_are_drawn_and_told(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "groups.png"
    arguments = [str(index), "-o", str(picture), "--most", "5"]
    assert run(arguments, group=main, program="the tool") == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = capsys.readouterr().out
    number, sizes = told.split(" groups, of ")
    assert len(sizes.split(";")[0].split(", ")) == int(number)
