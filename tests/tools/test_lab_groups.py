"""The tool that draws the groups of an index's labs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lab_groups import lab_vectors, main

from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule

LABS = "abcdefg"


@pytest.fixture(scope="module")
def index(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("groups") / "made.index"
    plasmids = workshop.plasmids([*LABS, "rare"], seed=1)
    workshop.build(path, plasmids, rule=ClassRule(frozenset(LABS)))
    return path


def test_the_pool_is_no_lab(index: Path) -> None:
    assert len(lab_vectors(index)) == len(LABS)


def test_groups_are_drawn_and_told(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "groups.png"
    arguments = [str(index), "-o", str(picture), "--most", "5"]
    assert run(arguments, group=main, program="the tool") == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    number, told = capsys.readouterr().out.split(" groups, of ")
    sizes = [int(size) for size in told.split(";")[0].split(", ")]
    assert len(sizes) == int(number)
    assert sum(sizes) == len(LABS)
