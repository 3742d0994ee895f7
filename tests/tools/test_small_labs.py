"""The tool that compares answers about small labs with plain sums over shared k-mers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from small_labs import main

from vecattr.cli.main import run
from vecattr.files.fold_folder import fold_path

Capture = pytest.CaptureFixture[str]


def test_both_rankings_are_told_for_labs_of_few_plasmids(
    calibrated_folds: Any, capsys: Capture
) -> None:
    index = fold_path(calibrated_folds.index, 1)
    arguments = [str(calibrated_folds.table), "-i", str(index), "--where", "split=dev"]
    capsys.readouterr()
    code = run([*arguments, "--fewest", "1000"], group=main, program="the tool")
    told = capsys.readouterr()
    if code == 2:  # an index whose vectors rank alone has nothing to compare
        assert "no k-mers" in told.err
        return
    assert code == 0
    assert re.search(r"\d+ rows\nanswers .*\nplain sums .*\n", told.out)


def test_without_such_labs_the_tool_says_so(calibrated_folds: Any, capsys: Capture) -> None:
    index = fold_path(calibrated_folds.index, 1)
    arguments = [str(calibrated_folds.table), "-i", str(index), "--where", "split=none"]
    assert run(arguments, group=main, program="the tool") != 0
    assert capsys.readouterr().err
