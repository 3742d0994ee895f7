"""Commands that read, on a small real index: what they print, write and exit with."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr import Index
from vecattr.cli.main import run
from vecattr.cli.rendering.answers import columns
from vecattr.cli.rendering.format_names import FORMATS
from vecattr.files.arrays import read_table

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def queries(shelf: Any, tmp_path: Path) -> Path:
    """The plasmids of split=dev as FASTA."""
    return Path(shelf.fasta(tmp_path / "q.fa", shelf.plasmids[::5]))


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def test_query_answers_every_record_in_the_documented_columns(
    shelf: Any, queries: Path, capsys: Capture
) -> None:
    assert run(["query", str(queries), "-i", str(shelf.index), "-k", "3"]) == 0
    captured = capsys.readouterr()
    found = records(captured.out)
    assert list(found[0]) == list(columns(evidence=False))
    assert list(dict.fromkeys(record["query"] for record in found)) == [
        plasmid.id for plasmid in shelf.plasmids[::5]
    ]
    notes = captured.err.splitlines()
    assert notes == [
        "note: 12 records state no topology and are taken for circular (see --topology)"
    ]


def test_the_same_query_gives_the_same_bytes(shelf: Any, queries: Path, capsys: Capture) -> None:
    arguments = ["query", str(queries), "-i", str(shelf.index), "--neighbors", "2"]
    assert run(arguments) == 0
    first = capsys.readouterr().out
    assert run(arguments) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize("form", FORMATS)
def test_query_writes_every_format_to_a_file(
    shelf: Any, queries: Path, tmp_path: Path, form: str, capsys: Capture
) -> None:
    target = tmp_path / "answers"
    arguments = ["query", str(queries), "-i", str(shelf.index), "--neighbors", "1"]
    assert run([*arguments, "--format", form]) == 0
    printed = capsys.readouterr().out
    assert run([*arguments, "--format", form, "-o", str(target)]) == 0
    assert capsys.readouterr().out == ""
    assert target.read_text() == printed


def test_the_suffix_of_the_output_chooses_the_format(
    shelf: Any, queries: Path, tmp_path: Path
) -> None:
    target = tmp_path / "answers.json"
    assert run(["query", str(queries), "-i", str(shelf.index), "-o", str(target)]) == 0
    assert len(json.loads(target.read_text())) == len(shelf.plasmids[::5])


def test_the_index_may_be_named_by_the_environment(
    shelf: Any, queries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VECATTR_INDEX", str(shelf.index))
    assert run(["query", str(queries)]) == 0


def test_a_process_reads_standard_input_and_closes_with_0(shelf: Any) -> None:
    plasmid = shelf.plasmids[0]
    done = subprocess.run(
        [sys.executable, "-m", "vecattr.cli", "query", "-", "-i", str(shelf.index), "-k", "1"],
        input=f">x\n{plasmid.sequence}\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stderr == (
        "note: 1 record states no topology and is taken for circular (see --topology)\n"
    )
    assert [record["query"] for record in records(done.stdout)] == ["x"]


def test_evaluate_prints_the_documented_figures(shelf: Any, capsys: Capture) -> None:
    arguments = ["evaluate", str(shelf.table), "--where", "split=dev", "-i", str(shelf.index)]
    assert run([*arguments, "--format", "json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    names = "n labs outside top1 top5 top10 top50 mrr macro_recall x95 x99 groups interval"
    facts = "by_plasmids by_name features version model index"
    assert list(figures) == [*names.split(), *facts.split()]
    assert figures["n"] == 12
    answers = Index.open(shelf.index).query_many(shelf.plasmids[::5], k=1)
    dev = zip(answers, shelf.plasmids[::5], strict=True)
    right = [answer.labs[0].name == plasmid.lab for answer, plasmid in dev]
    assert figures["top1"] == pytest.approx(sum(right) / 12, abs=1e-6)
    assert figures["features"] is True
    assert run([*arguments, "--format", "json", "--no-features"]) == 0
    assert json.loads(capsys.readouterr().out)["features"] is False


def test_embed_writes_the_same_vectors_in_three_formats(
    shelf: Any, queries: Path, tmp_path: Path
) -> None:
    for suffix, whose in (("h5", "-m"), ("npy", "-i"), ("tsv", "-i")):
        source = shelf.model if whose == "-m" else shelf.index
        target = str(tmp_path / f"v.{suffix}")
        assert run(["embed", str(queries), "-o", target, whose, str(source), "-q"]) == 0
    table = read_table(tmp_path / "v.h5")
    rows = np.load(tmp_path / "v.npy")
    assert tuple(rows["id"]) == table.names == tuple(one.id for one in shelf.plasmids[::5])
    np.testing.assert_allclose(rows["vector"], table.vectors, atol=1e-6)
    lines = records((tmp_path / "v.tsv").read_text())
    values = [[float(line[f"v{i}"]) for i in range(1, table.width + 1)] for line in lines]
    np.testing.assert_allclose(values, table.vectors, atol=1e-6)


@pytest.mark.proof
def test_the_demo_tells_its_story_and_leaves_what_it_made(tmp_path: Path, capsys: Capture) -> None:
    assert run(["demo", "-o", str(tmp_path / "demo"), "-q"]) == 0
    story = capsys.readouterr().out
    assert "The answer Lab 25 is right" in story
    assert (tmp_path / "demo" / "demo.index" / "manifest.json").exists()
    assert run(["demo", "-o", str(tmp_path / "demo")]) == 2
