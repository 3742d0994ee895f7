"""`vecattr evaluate`: intervals, sizes, unknown labs, few shots and a line for each record."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vecattr import Index
from vecattr.cli.main import run
from vecattr.readers.plasmids import ReadOptions, read_plasmids

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def table(shelf: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf's table and, as split=new, rows of two labs that the index lacks, one of them
    under a name that a spreadsheet would run."""
    path = tmp_path_factory.mktemp("evaluate") / "all.csv"
    features = sorted(shelf.plasmids[0].features)
    lines = [shelf.table.read_text()]
    for number, one in enumerate(shelf.newcomers):
        values = ",".join(str(one.features[name]) for name in features)
        lab = "=cmd()" if number % 3 else "Lab 99"
        lines.append(f"n{number},{one.sequence},{lab},p{number % 4},new,{values}\n")
    path.write_text("".join(lines))
    return path


def figures(capsys: Capture, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["evaluate", *arguments, "--format", "json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_intervals_hold_the_share_and_sizes_add_up(
    shelf: Any, table: Path, capsys: Capture
) -> None:
    found = figures(capsys, str(table), "--where", "split=dev", "-i", str(shelf.index))
    for name in ("top1", "top10"):
        low, high = found["interval"][name]
        assert 0 <= low <= found[name] <= high <= 1
    groups = {plasmid.group for plasmid in shelf.plasmids[::5]}
    assert found["groups"] == len(groups)
    sizes = Counter(plasmid.lab for n, plasmid in enumerate(shelf.plasmids) if n % 5)
    assert set(sizes.values()) == {12}
    assert {name: part["n"] for name, part in found["by_plasmids"].items()} == {
        "1-4": 0, "5-9": 0, "10-19": 12, "20-49": 0, "50+": 0,
    }  # fmt: skip
    assert found["by_plasmids"]["10-19"]["top1"] == found["top1"]


def test_unknown_labs_are_told_by_the_confidence_of_the_verdict(
    shelf: Any, table: Path, capsys: Capture
) -> None:
    unknown = ["--where", "split=dev", "--unknown-where", "split=new"]
    found = figures(capsys, str(table), *unknown, "-i", str(shelf.index))
    index = Index.open(shelf.index)

    def confidences(split: str) -> list[float]:
        records = read_plasmids([table], ReadOptions(where=(("split", split),)))
        return [answer.confidence for answer in index.query_many(records)]  # type: ignore[arg-type]

    known, strangers = confidences("dev"), confidences("new")
    labels = [0] * len(known) + [1] * len(strangers)
    expected = roc_auc_score(labels, -np.array([*known, *strangers]))
    assert found["unknown"]["auroc"] == pytest.approx(expected, abs=1e-6)
    assert found["unknown"]["n_known"] == 12
    assert found["unknown"]["n_unknown"] == len(shelf.newcomers)
    assert found["unknown_pooled"]["n_unknown"] == 0
    assert found["unknown_pooled"]["auroc"] is None
    uncalibrated = dict.fromkeys(("known", "unknown", "pooled"))
    assert found["called_unknown"] == uncalibrated  # nobody is, without a threshold


def test_few_shots_come_in_both_protocols_and_write_nothing(
    shelf: Any, table: Path, capsys: Capture
) -> None:
    def state() -> dict[Path, int]:
        return {one: one.stat().st_mtime_ns for one in [shelf.index, *shelf.index.rglob("*")]}

    before = state()
    few = ["--few-shot-where", "split=new", "--shots", "3,1", "--repeats", "4", "--seed", "5"]
    arguments = [str(table), "--where", "split=dev", *few, "-i", str(shelf.index)]
    found = figures(capsys, *arguments)
    for protocol in ("few_shot", "few_shot_disjoint"):
        assert list(found[protocol]) == ["1", "3"]
        for shot in found[protocol].values():
            assert list(shot) == ["top1", "top10", "sd", "n"]
            assert shot["top10"] == 1.0  # six labs in all
    assert found["few_shot"]["3"]["n"] == len(shelf.newcomers) - 6
    assert found["few_shot_disjoint"]["3"]["n"] == len(shelf.newcomers)
    assert figures(capsys, *arguments) == found
    assert state() == before


def test_each_record_gets_a_line_of_safe_cells(
    shelf: Any, table: Path, tmp_path: Path, capsys: Capture
) -> None:
    target = tmp_path / "each.csv"
    arguments = [str(table), "--where", "split=dev", "--where", "split=new"]
    found = figures(capsys, *arguments, "-i", str(shelf.index), "--per-query", str(target))
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert list(rows[0])[:5] == ["id", "lab", "counted_as", "rank", "lab1"]
    assert len(rows) == found["n"] == 12 + len(shelf.newcomers)
    assert np.mean([row["rank"] == "1" for row in rows]) == pytest.approx(found["top1"], abs=1e-6)
    index = Index.open(shelf.index)
    plasmids = {one.id: one for one in (*shelf.plasmids, *shelf.newcomers)}
    for row in rows[:12]:
        expected = [hit.name for hit in index.query(plasmids[row["id"]]).labs]
        assert [row[f"lab{place}"] for place in range(1, 11)][: len(expected)] == expected
        assert row["rank"] == f"{expected.index(row['lab']) + 1}"
        assert row["counted_as"] == row["lab"]
    assert {(row["lab"], row["rank"]) for row in rows[12:]} == {("'=cmd()", ""), ("Lab 99", "")}


def test_the_table_for_people_has_a_line_a_figure(shelf: Any, table: Path, capsys: Capture) -> None:
    arguments = ["--where", "split=dev", "--unknown-where", "split=new", "-i", str(shelf.index)]
    assert run(["evaluate", str(table), *arguments, "--format", "table"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"interval.top1", "by_plasmids.10-19.top10", "unknown.auroc"} <= set(names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shots", "1,x"], "not a list of numbers"),
        (["--shots", "0"], "not a list of numbers"),
        (["--unknown-where", "split"], "not COLUMN=VALUE"),
        (["--per-query", "/no/such/folder/x.csv"], "no folder"),
    ],
)
def test_options_that_cannot_be_are_usage_errors(
    shelf: Any, options: list[str], message: str, capsys: Capture
) -> None:
    assert run(["evaluate", str(shelf.table), "-i", str(shelf.index), *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--unknown-where", "--few-shot-where"])
def test_rows_of_known_labs_are_not_unknown(shelf: Any, option: str, capsys: Capture) -> None:
    arguments = ["evaluate", str(shelf.table), "-i", str(shelf.index)]
    assert run([*arguments, option, "split=dev"]) == 3
    assert "the index knows the lab" in capsys.readouterr().err


def test_standard_input_is_not_read_twice(shelf: Any, capsys: Capture) -> None:
    arguments = ["evaluate", "-", "-i", str(shelf.index), "--unknown-where", "split=new"]
    assert run(arguments) == 2
    assert "only once" in capsys.readouterr().err


def test_few_shots_are_of_one_index(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    shutil.copytree(shelf.index, tmp_path / "b")
    both = ["-i", str(shelf.index), "-i", str(tmp_path / "b")]
    assert run(["evaluate", str(shelf.table), *both, "--few-shot-where", "split=new"]) == 2
    assert "measures one index" in capsys.readouterr().err


def test_rows_asked_about_together_and_linked_rows_are_measured(
    shelf: Any, capsys: Capture
) -> None:
    table = [str(shelf.table), "--where", "split=dev", "-i", str(shelf.index)]
    together = figures(capsys, *table, "--together-by", "lab", "--linked")
    alone = figures(capsys, *table)
    assert together["together"]["groups"] == 4
    assert together["together"]["n"] == together["linked"]["n"] == alone["n"]
    by_group = together["together"]["by_group"]
    for k in ("top1", "top10"):
        assert by_group[k] == pytest.approx(together["together"][k])  # groups are of one size
    assert together["together"]["ece"] is None  # the index states no probabilities
    assert 0 <= together["linked"]["linked"] <= alone["n"]
    assert together["top1"] == alone["top1"]


def test_a_group_of_one_is_measured_as_alone(shelf: Any, capsys: Capture) -> None:
    table = [str(shelf.table), "--where", "split=dev", "-i", str(shelf.index)]
    found = figures(capsys, *table, "--together-by", "sequence_id")
    assert (found["together"]["top1"], found["together"]["top10"]) == (
        found["top1"],
        found["top10"],
    )
