"""A writer killed at any step leaves the old state or the new one, and the next writer goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, remove_lab
from vecattr.indexes.editing.publish import STEPS
from vecattr.indexes.storage.index_folder import read_manifest

COMMIT = STEPS.index("manifest")


class KilledError(BaseException):
    """Plays the end of the process."""


def dies_at(step: str) -> Callable[[str], None]:
    def hook(done: str) -> None:
        if done == step:
            raise KilledError(step)

    return hook


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    """An index with two segments and one earlier generation."""
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    return tmp_path / "i"


#: Every edit with every step that it takes; only some of them write segments.
KILLS = [
    (edit, step)
    for edit in ("add", "remove", "remove-plasmids", "rename", "rollback", "compact")
    for step in STEPS
    if edit in ("add", "remove-plasmids", "compact") or step not in ("segment", "faiss")
]


@pytest.mark.parametrize(("edit", "step"), KILLS)
def test_a_killed_edit_happened_or_did_not(
    tmp_path: Path, index: Path, workshop: Any, edit: str, step: str
) -> None:
    shutil.copytree(index, tmp_path / "unharmed")
    old = read_manifest(index).identity
    workshop.edits(tmp_path / "unharmed")[edit]()
    new = read_manifest(tmp_path / "unharmed").identity
    with pytest.raises(KilledError):
        workshop.edits(index)[edit](step=dies_at(step))
    survived = STEPS.index(step) >= COMMIT
    assert workshop.open(index).identity == (new if survived else old)
    assert verify_index(index).ok
    if not survived:
        workshop.edits(index)[edit]()  # the same edit again succeeds
        assert read_manifest(index) == read_manifest(tmp_path / "unharmed")
    remove_lab(index, "Birch")  # and the next writer sweeps up
    assert verify_index(index).findings == ()


@pytest.mark.parametrize("step", [*STEPS, "folder", "move"])
def test_a_killed_replacement_leaves_the_old_index_or_the_new(
    index: Path, workshop: Any, step: str
) -> None:
    old = read_manifest(index).identity
    with pytest.raises(KilledError):
        workshop.build(index, workshop.plasmids(["Yew"]), replace=True, step=dies_at(step))
    assert verify_index(index).findings == ()
    opened = workshop.open(index)
    assert (opened.identity == old) == (step != "move")
    assert ("Yew" in opened.lab_names) == (step == "move")


def test_a_killed_first_build_leaves_no_index(tmp_path: Path, workshop: Any) -> None:
    for step in (*STEPS, "folder"):
        with pytest.raises(KilledError):
            workshop.build(tmp_path / "i", workshop.plasmids(["Yew"]), step=dies_at(step))
        assert list(tmp_path.iterdir()) == []


KILL = """
import os, sys
from pathlib import Path
from vecattr.indexes.editing.edit import remove_lab

remove_lab(Path(sys.argv[1]), "Ash", step=lambda name: name == sys.argv[2] and os._exit(9))
"""


@pytest.mark.parametrize(("step", "survives"), [("log", False), ("manifest", True)])
def test_a_really_killed_process_frees_the_lock_and_harms_nothing(
    index: Path, step: str, survives: bool
) -> None:
    done = subprocess.run([sys.executable, "-c", KILL, str(index), step], check=False)
    assert done.returncode == 9
    assert read_manifest(index).generation == (3 if survives else 2)
    assert verify_index(index).ok
    remove_lab(index, "Birch")
    assert verify_index(index).findings == ()
