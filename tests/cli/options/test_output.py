"""Results never take the place of what a command reads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run


@pytest.mark.parametrize("by", ["its name", "a link", "another name"])
def test_a_file_that_is_read_is_not_replaced(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    queries = shelf.fasta(tmp_path / "q.tsv", shelf.plasmids[:1])
    output = {"its name": queries, "a link": tmp_path / "link.tsv", "another name": tmp_path / "o"}[
        by
    ]
    if by == "a link":
        output.symlink_to(queries)
    elif by == "another name":
        os.link(queries, output)
    before = queries.read_bytes()
    for command in (["query", "-i", str(shelf.index)], ["embed", "-m", str(shelf.model)]):
        form = ["--format", "tsv"]
        assert run([*command, str(queries), *form, "-o", str(output)]) == 2
        assert "is read by this command" in capsys.readouterr().err
    assert queries.read_bytes() == before


def test_nothing_is_written_into_an_index(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = shutil.copytree(shelf.index, tmp_path / "i")
    before = (index / "manifest.json").read_bytes()
    for place in ("manifest.json", "segments/new.json"):
        assert run(["info", "-i", str(index), "-o", str(index / place)]) == 2
        assert "lies in the index" in capsys.readouterr().err
    assert (index / "manifest.json").read_bytes() == before


def test_results_may_be_written_again_and_beside_what_is_read(shelf: Any, tmp_path: Path) -> None:
    shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    for _ in range(2):
        output = ["-o", str(tmp_path / "q.tsv"), "-q"]
        assert run(["query", str(tmp_path / "q.fa"), "-i", str(shelf.index), *output]) == 0


@pytest.mark.parametrize("option", ["--report", "--lab-info", "--aliases"])
def test_no_output_of_collect_takes_the_place_of_a_source(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    source = shelf.fasta(tmp_path / "q.tsv", shelf.plasmids[:1])
    before = source.read_bytes()
    command = ["collect", str(source), "-o", str(tmp_path / "table.csv"), option]
    assert run([*command, str(source)]) == 2
    assert "is read by this command" in capsys.readouterr().err
    assert run([*command, str(shelf.index / "model" / "x.csv"), str(shelf.index)]) == 2
    assert "lies in the index" in capsys.readouterr().err
    assert source.read_bytes() == before
    assert not (tmp_path / "table.csv").exists()
