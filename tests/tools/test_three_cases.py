"""The tool that measures what answers state where known work, new work and outside labs are alike
in number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from three_cases import Stated, figures, main

from vecattr.cli.main import run
from vecattr.files.fold_folder import fold_path

Capture = pytest.CaptureFixture[str]


def stated(outside: list[float], *, right: list[bool], alike: list[float] | None = None) -> Stated:
    probabilities = np.array(outside)
    counts = np.ones(len(outside)) if alike is None else np.array(alike)
    return Stated(probabilities, 1 - probabilities, np.array(right), counts)


def test_each_case_weighs_a_third_however_many_plasmids_it_has() -> None:
    known = stated([0.0] * 30, right=[True] * 30)
    new = stated([0.5, 0.5], right=[True, False])
    outside = stated([1.0, 0.5, 0.5, 1.0], right=[False] * 4)
    told = dict(figures(known, new, outside))
    assert told["plasmids"] == "30 2 4"
    assert told["AUROC of an outside lab"] == "0.875"  # 1 beside known work, 0.75 beside new
    assert told["called unknown"] == "0.0 % 100.0 % 100.0 %"


def test_what_is_always_so_as_often_as_stated_has_no_error() -> None:
    sure = stated([0.0] * 5, right=[True] * 5)
    told = dict(figures(sure, sure, stated([1.0] * 5, right=[False] * 5)))
    assert told["ECE of an outside lab"] == told["ECE of the first lab"] == "0.000 0.000"


def test_errors_are_told_by_row_and_with_publications_alike() -> None:
    """Half of known work is wrong by row, a quarter where three wrong answers count as one."""
    known = stated([0.0] * 6, right=[True] * 3 + [False] * 3, alike=[1.0] * 3 + [1 / 3] * 3)
    new = stated([0.0], right=[True])
    told = dict(figures(known, new, stated([1.0], right=[False])))
    assert told["ECE of the first lab"] == "0.167 0.083"


def test_a_calibrated_index_is_measured(calibrated_folds: Any, capsys: Capture) -> None:
    index = fold_path(calibrated_folds.index, 1)
    where = [part for case in ("known", "new", "outside") for part in (f"--{case}", "split=dev")]
    capsys.readouterr()
    code = run([str(calibrated_folds.table), "-i", str(index), *where], group=main, program="tool")
    told = capsys.readouterr()
    assert code == (2 if "states no probabilities" in told.err else 0)
    assert "no probabilities" in told.err or "AUROC of an outside lab  0.500" in told.out
