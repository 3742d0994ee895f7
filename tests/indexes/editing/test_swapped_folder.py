"""What an edit writes lands in the folder that it locked, whatever takes the place of that folder,
or of a folder in it, between two calls of the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.datasets.classes import ClassRule
from vecattr.errors import AppliedError, ArtifactError, MovedError, UsageError
from vecattr.files.disk import Disk, using
from vecattr.files.fold_folder import Folds
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.build_folds import build_folds
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab
from vecattr.indexes.editing.lab_info import set_lab_info
from vecattr.indexes.search.map_cache import keep_map
from vecattr.indexes.storage.index_folder import expand_folds
from vecattr.info import LabInfo

#: The calls before which a folder is exchanged: they make, name or delete something.
_CALLS = ("open", "open_temporary", "replace", "unlink", "make_folder")
#: Those that do so beside an index.
_CALLS_BESIDE = (
    *_CALLS,
    *("make_temporary_folder", "rename_to_free_name", "exchange", "remove_folder"),
)
#: Of many calls the first and the last ones are tried: the others are those of the index itself.
_FIRST, _LAST = 3, 10


class SwappingDisk(Disk):
    """A disk on which somebody puts a link to `outside` in the place of a folder, just before the
    call of this number; `calls` counts them."""

    names: tuple[str, ...] = _CALLS

    def __init__(self, folder: Path, outside: Path, number: int) -> None:
        self.folder, self.outside, self.number, self.calls = folder, outside, number, 0

    def __getattribute__(self, name: str) -> Any:
        if name in _CALLS_BESIDE and name in self.names:
            self.calls += 1
            if self.calls == self.number:
                os.rename(self.folder, self.outside.parent / "moved")
                os.symlink(self.outside, self.folder)
        return super().__getattribute__(name)


def set_info(path: Path, workshop: Any) -> None:
    set_lab_info(path, {"Ash": LabInfo("Ash lab")})


def add(path: Path, workshop: Any) -> None:
    add_labs(path, workshop.plasmids(["Fir"], seed=3), embedder=workshop.embedder)


def repair(path: Path, workshop: Any) -> None:
    for file in (path / "segments").glob("*.faiss"):
        file.unlink()
    (path / "segments" / "stray").write_text("stray")
    repair_index(path)


COMMANDS: dict[str, Callable[[Path, Any], object]] = {
    "lab-info": set_info,
    "add-lab": add,
    "compact": lambda path, workshop: compact(path),
    "repair": repair,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Path:
    """An index of two segments."""
    path: Path = tmp_path_factory.mktemp("swapped") / "made"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
    add_labs(path, workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    return path


def outcome(
    made: Path, scratch: Path, workshop: Any, command: str, place: str, number: int
) -> tuple[bool, int]:
    """Whether nothing was written or deleted outside, and how many calls were made."""
    path, outside = scratch / "i", scratch / "outside"
    shutil.copytree(made, path)
    shutil.copytree(made / place, outside)  # whose names are those that the edit deletes
    if command == "lab-info":  # a log with another name is replaced
        (scratch / "another name").hardlink_to(path / "log.jsonl")
    (outside / ".vecattr-abcd_f12").write_text("precious")
    before = contents(outside)
    disk = SwappingDisk(path / place, outside, number)
    with using(disk), contextlib.suppress(ArtifactError, AppliedError):
        COMMANDS[command](path, workshop)
    is_whole = contents(outside) == before
    shutil.rmtree(scratch)
    return is_whole, disk.calls


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else None
        for file in folder.rglob("*")
    }


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", [".", "segments", "manifests"])
def test_nothing_is_written_outside_by_a_folder_that_was_swapped(
    tmp_path: Path, made: Path, workshop: Any, place: str, command: str
) -> None:
    _, calls = outcome(made, tmp_path / "none", workshop, command, place, 0)
    # Until the lock is taken, which makes or opens its file, a path means what it names now.
    first = 3 if place == "." else 1
    changed = []
    for number in range(first, calls + 1):
        is_whole, _ = outcome(made, tmp_path / str(number), workshop, command, place, number)
        changed += [] if is_whole else [number]
    assert calls > 3
    assert changed == []


def build(path: Path, workshop: Any) -> None:
    workshop.build(path.with_name("new"), workshop.plasmids(["Yew"], each=2))


def build_over(path: Path, workshop: Any) -> None:
    workshop.build(path, workshop.plasmids(["Yew"], each=2), replace=True)


def build_two(path: Path, workshop: Any) -> None:
    """Indexes of two folds."""
    models = path.parent.parent / "models"
    for number in (1, 2):
        shutil.copytree(workshop.model, models / f"fold-{number}")
    (models / "folds.json").write_bytes(Folds(2, "0" * 64, ()).to_json())
    embedders = [workshop.embedder] * 2
    plasmids = workshop.plasmids(["Yew"], each=2)
    folds = path.with_name("new")
    build_folds(folds, plasmids, model=models, embedders=embedders, rule=ClassRule(None))


BUILDS = {"build": build, "build --replace": build_over, "build of folds": build_two}


def outcome_beside(
    made: Path, scratch: Path, workshop: Any, command: str, number: int
) -> tuple[bool, int]:
    """As `outcome`, when the folder that the index lies in, or will, is exchanged."""
    home, outside = scratch / "home", scratch / "outside"
    shutil.copytree(made, home / "i")
    for name in ("i", "new"):
        left = home / f".vecattr-{name}-abcd_f12"  # as a killed build leaves it
        left.mkdir()
        (left / "LOCK").touch()
    shutil.copytree(home, outside)
    before = contents(outside)
    disk = SwappingDisk(home, outside, number)
    disk.names = _CALLS_BESIDE
    with using(disk), contextlib.suppress(ArtifactError, AppliedError, UsageError):
        {**COMMANDS, **BUILDS}[command](home / "i", workshop)
    is_whole = contents(outside) == before
    shutil.rmtree(scratch)
    return is_whole, disk.calls


@pytest.mark.parametrize("command", ["lab-info", "add-lab", *BUILDS])
def test_nothing_is_written_or_deleted_beside_a_folder_that_was_swapped(
    tmp_path: Path, made: Path, workshop: Any, command: str
) -> None:
    _, calls = outcome_beside(made, tmp_path / "none", workshop, command, 0)
    first = 1 if command in ("build", "build of folds") else 3  # after the lock
    changed = []
    numbers = range(first, calls + 1)
    for number in sorted({*numbers[:_FIRST], *numbers[-_LAST:]}):
        is_whole, _ = outcome_beside(made, tmp_path / str(number), workshop, command, number)
        changed += [] if is_whole else [number]
    assert calls > 3
    assert changed == []


def test_a_build_whose_folder_was_moved_is_not_acknowledged(tmp_path: Path, workshop: Any) -> None:
    home = tmp_path / "home"
    home.mkdir()

    def move(step: str) -> None:
        if step == "folder":
            home.rename(tmp_path / "moved")
            home.mkdir()

    for replace in (False, True):
        with pytest.raises(MovedError, match="was moved"):
            workshop.build(home / "i", workshop.plasmids(["Yew"]), replace=replace, step=move)
        assert list(home.iterdir()) == []
        if replace:
            assert workshop.open(tmp_path / "moved" / "i").lab_names == ("Ash",)
            return
        assert list((tmp_path / "moved").iterdir()) == []
        shutil.rmtree(tmp_path / "moved")
        workshop.build(home / "i", workshop.plasmids(["Ash"]))


def test_a_map_is_kept_in_no_folder_outside(tmp_path: Path, made: Path) -> None:
    import numpy as np

    path, outside = tmp_path / "i", tmp_path / "outside"
    shutil.copytree(made, path)
    outside.mkdir()
    for number in range(1, 4):
        with using(SwappingDisk(path / "segments", outside, number)):
            keep_map(path, "0" * 20, np.zeros((2, 2)))
        assert not list(outside.iterdir())
        if (path / "segments").is_symlink():
            (path / "segments").unlink()
            (tmp_path / "moved").rename(path / "segments")


def test_a_fold_that_becomes_a_link_after_the_check_is_refused(tmp_path: Path, made: Path) -> None:
    folds = tmp_path / "folds"
    folds.mkdir()
    (folds / "folds.json").write_bytes(Folds(2, "0" * 64, ()).to_json())
    for number in (1, 2):
        shutil.copytree(made, folds / f"fold-{number}")
    paths = list(expand_folds([folds]))
    (folds / "fold-2").rename(tmp_path / "moved")
    (folds / "fold-2").symlink_to(tmp_path / "moved")
    assert verify_index(paths[0]).ok
    for command in (verify_index, compact, lambda path: remove_lab(path, "Ash")):
        with pytest.raises(ArtifactError, match="symbolic link"):
            command(paths[1])
