"""The tool that compares scores of unknown labs: whose rows it takes, and what it says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from compare_unknown_scores import main

from vecattr.cli.main import run
from vecattr.files.fold_folder import fold_path

Capture = pytest.CaptureFixture[str]
DEV, NEW = ["--where", "split=dev"], ["--unknown-where", "split=new"]


@pytest.fixture
def table(calibrated_folds: Any, tmp_path: Path) -> Path:
    """The table with a bad record among those of unknown labs."""
    text = calibrated_folds.table.read_text()
    bad = "bad,AC!T,Lab 99,,new" + "," * (text.split("\n", 1)[0].count(",") - 4)
    path = tmp_path / "all.csv"
    path.write_text(f"{text}{bad}\n")
    return path


def compared(table: Path, index: Path, *conditions: str) -> int:
    return run([str(table), "-i", str(index), *conditions], group=main, program="the tool")


def test_the_confidence_tells_unknown_labs_as_evaluate_says(
    calibrated_folds: Any, capsys: Capture
) -> None:
    index = fold_path(calibrated_folds.index, 1)
    rows = [str(calibrated_folds.table), "-i", str(index), *DEV, *NEW]
    assert run(["evaluate", *rows, "--no-features", "--format", "json"]) == 0
    expected = json.loads(capsys.readouterr().out)["unknown"]
    assert compared(calibrated_folds.table, index, *DEV, *NEW) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{expected['n_known']} known, {expected['n_unknown']} not\n")
    found = re.search(r"confidence .* AUROC (\S+) +FPR at 95 % (\S+)\n", told)
    assert found is not None
    assert float(found[1]) == pytest.approx(expected["auroc"], abs=6e-4)
    assert float(found[2]) == pytest.approx(expected["fpr95"], abs=6e-4)


def test_a_bad_record_is_reported_and_left_out(
    calibrated_folds: Any, table: Path, capsys: Capture
) -> None:
    assert compared(table, fold_path(calibrated_folds.index, 1), *DEV, *NEW) == 3
    out, err = capsys.readouterr()
    assert out.startswith(f"36 known, {len(calibrated_folds.newcomers)} not\n")
    assert "bad" in err.splitlines()[0]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([*DEV, "--unknown-where", "split=dev"], "the index knows the lab"),
        (["--where", "split=new", *NEW], "no row of a named lab"),
        ([*DEV, "--unknown-where", "split=none"], "no row has split=none"),
    ],
)
def test_rows_of_the_wrong_labs_are_refused(
    calibrated_folds: Any, capsys: Capture, conditions: list[str], message: str
) -> None:
    index = fold_path(calibrated_folds.index, 1)
    assert compared(calibrated_folds.table, index, *conditions) == 3
    out, err = capsys.readouterr()
    assert (out, message in err) == ("", True)
