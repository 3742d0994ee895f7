"""One path, one owner: no build replaces what it did not find, no edit of a moved folder counts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.cli.main import run
from vecattr.errors import AppliedError, ArtifactError, UsageError, VecattrError
from vecattr.files.disk import Disk, Name, using
from vecattr.indexes.checking import repair
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import add_labs, rename_lab
from vecattr.indexes.editing.publish import STEPS
from vecattr.indexes.search.map_cache import keep_map
from vecattr.indexes.storage.index_folder import read_manifest


def at(step: str, act: Callable[[], object]) -> Callable[[str], None]:
    """A hook that acts once, after that step."""
    waiting = [act]

    def hook(done: str) -> None:
        if done == step and waiting:
            waiting.pop()()

    return hook


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("step", ["segment", "manifest", "folder"])
def test_the_index_of_another_build_and_its_edits_stay(
    tmp_path: Path, workshop: Any, step: str, replace: bool
) -> None:
    path = tmp_path / "i"

    def others() -> None:
        workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
        rename_lab(path, "Ash", "Oak")

    with pytest.raises(UsageError, match="left as it is"):
        workshop.build(path, workshop.plasmids(["Yew"]), replace=replace, step=at(step, others))
    assert workshop.open(path).lab_names == ("Birch", "Oak")
    assert verify_index(path).findings == ()
    assert [file.name for file in tmp_path.iterdir()] == ["i"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_of_the_user_stays(tmp_path: Path, workshop: Any, replace: bool) -> None:
    path = tmp_path / "results"

    def user() -> None:
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "notes").write_text("mine")

    with pytest.raises(UsageError):
        workshop.build(path, workshop.plasmids(["Yew"]), replace=replace, step=at("folder", user))
    assert contents(path) == {"deep/notes": b"mine"}


@pytest.mark.parametrize(
    "place",
    ["notes", "segments/notes", "quarantine/x", "model/LOCK", "quarantine/LOCK", f"{'0' * 20}.map"],
)
def test_a_file_of_the_user_in_the_index_to_be_replaced_keeps_it(
    tmp_path: Path, workshop: Any, place: str
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))

    def user() -> None:
        (path / place).parent.mkdir(exist_ok=True)
        (path / place).write_text("mine")

    with pytest.raises(UsageError):
        workshop.build(path, workshop.plasmids(["Yew"]), replace=True, step=at("folder", user))
    assert (path / place).read_text() == "mine"
    assert workshop.open(path).lab_names == ("Ash",)


class LateFile(Disk):
    """A disk on which somebody who has the index open puts a file into it when it was swapped."""

    def __init__(self, name: str) -> None:
        self.name, self.is_swapped = name, False

    def exchange(self, first: Name, second: Name, *, dir_fd: int | None = None) -> None:
        super().exchange(first, second, dir_fd=dir_fd)
        self.folder = os.open(first, os.O_RDONLY, dir_fd=dir_fd)
        self.is_swapped = True

    def sync(self, file: int) -> None:
        super().sync(file)
        if self.is_swapped:
            self.is_swapped = False
            with os.fdopen(
                os.open(self.name, os.O_WRONLY | os.O_CREAT, dir_fd=self.folder), "w"
            ) as f:
                f.write("mine")
            os.close(self.folder)


@pytest.mark.parametrize("name", ["notes", "segments/notes", "segments/0.h5"])
def test_a_file_that_comes_into_the_old_index_while_that_is_deleted_is_kept_and_told(
    tmp_path: Path, workshop: Any, name: str
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))
    with using(LateFile(name)), pytest.raises(AppliedError, match="is kept") as error:
        workshop.build(path, workshop.plasmids(["Yew"]), replace=True)
    assert workshop.open(path).lab_names == ("Yew",)
    [kept] = tmp_path.glob(f".vecattr-i-*/{name}")
    assert str(kept) in error.value.what
    assert kept.read_text() == "mine"
    [old] = tmp_path.glob(".vecattr-i-*")
    assert contents(old) == {name: b"mine"}
    rename_lab(path, "Yew", "Elm")  # which sweeps what was abandoned
    assert kept.read_text() == "mine"


def test_a_file_in_the_unfinished_folder_of_a_build_that_fails_is_kept(
    tmp_path: Path, workshop: Any
) -> None:
    def user() -> None:
        [unfinished] = tmp_path.glob(".vecattr-i-*")
        (unfinished / "notes").write_text("mine")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        workshop.build(tmp_path / "i", workshop.plasmids(["Yew"]), step=at("segment", user))
    [unfinished] = tmp_path.iterdir()
    assert contents(unfinished) == {"notes": b"mine"}


def test_a_map_that_is_drawn_of_the_old_index_does_not_stop_a_build(
    tmp_path: Path, workshop: Any
) -> None:
    """Drawing takes no lock; hours of building would be discarded."""
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))

    def colleague() -> None:
        keep_map(path, "ab" * 10, np.zeros((2, 2)))

    workshop.build(path, workshop.plasmids(["Yew"]), replace=True, step=at("folder", colleague))
    assert workshop.open(path).lab_names == ("Yew",)


def test_an_index_that_took_the_place_of_the_one_to_be_replaced_stays(
    tmp_path: Path, workshop: Any
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))
    workshop.build(tmp_path / "other", workshop.plasmids(["Birch"]))

    def swap() -> None:
        path.rename(tmp_path / "kept")
        (tmp_path / "other").rename(path)

    with pytest.raises(UsageError):
        workshop.build(path, workshop.plasmids(["Yew"]), replace=True, step=at("folder", swap))
    assert workshop.open(path).lab_names == ("Birch",)
    assert workshop.open(tmp_path / "kept").lab_names == ("Ash",)


def test_what_comes_while_the_command_reads_its_input_stays(
    tmp_path: Path,
    workshop: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "i"
    (tmp_path / "in.csv").write_text("sequence_id,lab,sequence\np,Yew," + "ACGT" * 40 + "\n")

    def late(where: Path, *args: Any, **options: Any) -> Any:
        monkeypatch.undo()
        workshop.build(path, workshop.plasmids(["Ash"]))
        return build_index(where, *args, **options)

    monkeypatch.setattr("vecattr.indexes.editing.build.build_index", late)
    arguments = ["build-index", str(tmp_path / "in.csv"), "-i", str(path), "--replace"]
    assert run([*arguments, "--lab-vectors", "mean"]) == 2
    assert "left as it is" in capsys.readouterr().err
    assert workshop.open(path).lab_names == ("Ash",)


#: Every edit with every step that it takes; only two of them write segments.
REPLACED = [
    (edit, step)
    for edit in ("add", "remove", "rename", "rollback", "compact")
    for step in STEPS
    if edit in ("add", "compact") or step not in ("segment", "faiss")
]


@pytest.mark.parametrize(("edit", "step"), REPLACED)
@pytest.mark.parametrize("by", ["another index", "nothing"])
def test_an_edit_whose_folder_was_replaced_is_not_acknowledged(
    tmp_path: Path, workshop: Any, edit: str, step: str, by: str
) -> None:
    path, other = tmp_path / "i", tmp_path / "other"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
    add_labs(path, workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    workshop.build(other, workshop.plasmids(["Yew", "Elm"]))
    before = contents(other)

    def replaced() -> None:
        path.rename(tmp_path / "moved")
        if by == "another index":
            shutil.copytree(other, path)

    with pytest.raises(VecattrError) as error:
        workshop.edits(path)[edit](step=at(step, replaced))
    assert error.value.exit_code == ArtifactError.exit_code
    if by == "another index":
        assert "was replaced while it was changed" in error.value.what
        assert error.value.what.count("inode") == 2
        after = contents(path)
        assert {name: after[name] for name in before} == before
    assert verify_index(tmp_path / "moved").ok
    committed = STEPS.index(step) >= STEPS.index("manifest")
    assert read_manifest(tmp_path / "moved").generation == (3 if committed else 2)


def test_a_repair_whose_folder_was_replaced_is_not_acknowledged(
    tmp_path: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))

    def moved(self: Any) -> None:
        path.rename(tmp_path / "moved")
        path.mkdir()

    monkeypatch.setattr(repair._Repair, "run", moved)
    with pytest.raises(ArtifactError, match="was replaced"):
        repair_index(path)


FOREIGN = [
    "notes",
    "segments/notes.txt",
    "segments/0123456789abcdef0123.bed",
    "manifests/old.json",
    "manifests/0000001.json",
    "model/notes",
    "model/LOCK",
    "data/table.csv",
    "quarantine/2024-thesis.docx",
    "quarantine/001-notes.txt",
    "quarantine/001-manifest.json/notes",
]


@pytest.mark.parametrize("place", [*FOREIGN, f"segments/{'0' * 20}.h5/notes", "LOCK/notes"])
def test_replacing_deletes_no_file_that_vecattr_did_not_make(
    tmp_path: Path, workshop: Any, place: str
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))
    if place.startswith("LOCK"):
        (path / "LOCK").unlink()
    (path / place).parent.mkdir(parents=True, exist_ok=True)
    (path / place).write_text("mine")
    before = contents(path)
    with pytest.raises(UsageError, match="would delete it") as error:
        workshop.build(path, workshop.plasmids(["Yew"]), replace=True)
    assert error.value.where is not None
    assert str(path / place).startswith(error.value.where)
    assert contents(path) == before


def test_a_folder_of_another_program_with_a_manifest_is_no_index_to_replace(
    tmp_path: Path, workshop: Any
) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "a web application"}')
    (tmp_path / "index.html").write_text("<html>")
    with pytest.raises(UsageError, match="would delete it"):
        workshop.build(tmp_path, workshop.plasmids(["Yew"]), replace=True)
    assert (tmp_path / "index.html").exists()


def test_what_a_repair_moved_away_and_vecattr_did_not_make_is_not_deleted(
    tmp_path: Path, workshop: Any
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash"]))
    (path / "segments" / "notes").write_text("mine")
    repair_index(path)
    with pytest.raises(UsageError, match="would delete it") as error:
        workshop.build(path, workshop.plasmids(["Yew"]), replace=True)
    assert error.value.where == str(path / "quarantine" / "001-notes")
    assert (path / "quarantine" / "001-notes").read_text() == "mine"


def test_a_damaged_index_with_all_that_vecattr_makes_is_replaced(
    tmp_path: Path, workshop: Any
) -> None:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
    rename_lab(path, "Ash", "Oak")
    (path / "segments" / f"{'1' * 20}.h5").write_text("left by a killed writer")
    repair_index(path)
    assert (path / "quarantine" / f"001-{'1' * 20}.h5").exists()
    for folder in ("", "segments/", "manifests/", "model/"):
        (path / f"{folder}.vecattr-abcd_f12").touch()
    (path / "segments" / f"{'0' * 20}.cells").touch()
    (path / "manifest.json").write_text("damaged")
    workshop.build(path, workshop.plasmids(["Yew"]), replace=True)
    assert workshop.open(path).lab_names == ("Yew",)
