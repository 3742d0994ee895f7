"""The log of an index, which may be a stranger's: lines that no edit writes are left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vecattr.indexes.storage.log import (
    calibrated_at,
    changed_since_calibration,
    read_log,
)

GOOD = {"generation": 1, "action": "build", "time": "2026-01-01T00:00:00+00:00", "details": {}}


@pytest.mark.parametrize(
    "change",
    [
        {"generation": [1]},
        {"generation": "2"},
        {"generation": True},
        {"action": ["rollback"]},
        {"action": None},
        {"time": {"a": 1}},
        {"details": [1]},
        {"details": "x"},
        {"action": "rollback", "details": {"to": [1]}},
        {"action": "rollback", "details": {"to": {}}},
        {"action": "add-lab", "details": {"plasmids": "x"}},
        {"action": "add-lab", "details": {"plasmids": "9" * 9000}},
        {"action": "add-lab", "details": {"plasmids": 1.5}},
    ],
)
def test_a_line_that_no_edit_writes_is_left_out(tmp_path: Path, change: dict[str, Any]) -> None:
    lines = [GOOD, {**GOOD, "generation": 2, **change}]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    log = read_log(tmp_path, generation=5)
    assert log == [GOOD]
    assert changed_since_calibration(log) == 0
    assert calibrated_at(log) == GOOD


@pytest.mark.parametrize("line", ["[]", "7", "null", '"x"', "[" * 9000, '{"generation": 1', "\x00"])
def test_a_line_that_is_no_object_is_left_out(tmp_path: Path, line: str) -> None:
    (tmp_path / "log.jsonl").write_text(f"{line}\n{json.dumps(GOOD)}\n{line}\n")
    assert read_log(tmp_path, generation=5) == [GOOD]
