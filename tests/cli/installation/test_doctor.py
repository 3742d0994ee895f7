"""Claims about the doctor: it finds what is wrong with an index, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.installation.checkup import PURPOSES, findings
from vecattr.cli.main import run
from vecattr.extras import EXTRAS
from vecattr.files.disk import Disk, using
from vecattr.indexes.editing.edit import add_labs, remove_lab, rename_lab, rollback
from vecattr.indexes.storage.log import changed_since_calibration


def states(path: Path) -> dict[str, tuple[str, str, str | None]]:
    return {one.check: (one.state, one.what, one.next_step) for one in findings(path)}


def test_nothing_is_wrong_with_an_index_in_order(
    shelf: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(os.listdir(shelf.index.parent))
    found = states(shelf.index)
    assert {state for state, _, _ in found.values()} <= {"good", "note"}
    assert "48 plasmids of 4 labs" in found["index"][1]
    assert "today" in found["index"][1]
    assert sorted(os.listdir(shelf.index.parent)) == before
    assert run(["doctor", "-i", str(shelf.index), "--format", "table"]) == 0
    assert capsys.readouterr().out.startswith("nothing is wrong\n  good   python: vecattr")


def test_every_extra_that_a_user_may_want_has_a_purpose() -> None:
    assert set(PURPOSES) == set(EXTRAS.values())


def test_a_damaged_index_is_wrong_with_the_next_step(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "i"
    shutil.copytree(shelf.index, index)
    (index / "manifest.json").write_bytes(b"{}")
    assert run(["doctor", "-i", str(index), "--format", "json"]) == 4
    found = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert found["index"]["state"] == "wrong"
    assert "verify --repair" in found["index"]["next_step"]
    assert "calibration" not in found


def test_no_index_is_only_a_note(tmp_path: Path) -> None:
    state, what, next_step = states(tmp_path / "sub" / "no.index")["index"]
    assert (state, "there is none" in what) == ("note", True)
    assert next_step is not None
    assert "build-index" in next_step


class _NoLocks(Disk):
    """A disk on which every lock is granted."""

    def lock(self, file: int) -> None:
        return


def test_locks_without_effect_are_wrong(tmp_path: Path) -> None:
    with using(_NoLocks()):
        assert states(tmp_path / "i")["lock"][0] == "wrong"
    assert states(tmp_path / "i")["lock"][0] == "good"


def test_a_missing_extra_is_told_with_its_command(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from vecattr.cli.main import run; sys.exit(run(['doctor', '--format', 'table']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    line, next_line = done.stdout.split("extra train: ")[1].splitlines()[:2]
    assert line == "not installed, for training, GPUs (missing: torch)"
    assert "pip install 'vecattr[train]'" in next_line


def test_what_changed_since_the_build_is_counted_and_a_rollback_takes_it_back(
    workshop: Any, tmp_path: Path
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"], each=4))

    def changed() -> int:
        lines = (path / "log.jsonl").read_text(encoding="utf-8").splitlines()
        return changed_since_calibration([json.loads(line) for line in lines])

    assert changed() == 0
    add_labs(path, workshop.plasmids(["Fir"], each=3, seed=1), embedder=workshop.embedder)
    assert changed() == 3
    rename_lab(path, "Ash", "Oak")
    assert changed() == 7
    rollback(path)
    assert changed() == 3
    remove_lab(path, "Fir")
    assert changed() == 6
    rollback(path, to=1)
    assert changed() == 0


def test_info_warns_when_much_changed_since_the_calibration(
    calibrated_folds: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "i"
    shutil.copytree(calibrated_folds.index / "fold-1", index)
    assert run(["info", "-i", str(index), "-o", os.devnull]) == 0
    assert "warning" not in capsys.readouterr().err
    add_labs(index, list(calibrated_folds.newcomers))
    assert run(["info", "-i", str(index), "-o", os.devnull]) == 0
    assert "since the calibration" in capsys.readouterr().err
    state, what, _ = states(index)["calibration"]
    assert (state, "may be off" in what) == ("wrong", True)
