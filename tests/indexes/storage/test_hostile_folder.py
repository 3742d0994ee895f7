"""A stranger's index is a folder and no door: nothing in it leads readers or writers out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.errors import ArtifactError
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab
from vecattr.indexes.storage.index_folder import read_manifest

#: What a stranger may have made a link of; * is any file there.
PLACES = [
    "manifest.json",
    "log.jsonl",
    "LOCK",
    "manifests",
    "segments",
    "model",
    "quarantine",
    "manifests/*",
    "segments/*.h5",
    "segments/*.faiss",
    "segments/more.cells",
    "model/*",
    "model/tables.h5",
    "notes",
]

#: Commands that read, change, check and repair an index.
COMMANDS = [
    ["list-labs"],
    ["info"],
    ["verify"],
    ["verify", "--repair"],
    ["remove-lab", "Ash"],
    ["rename-lab", "Ash", "Oak"],
    ["rollback"],
    ["compact"],
]


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    rename_lab(tmp_path / "i", "Birch", "Elm")
    return tmp_path / "i"


def by_a_link(path: Path, outside: Path) -> None:
    """The same content, but outside."""
    if path.exists():
        path.rename(outside / "moved")
        path.symlink_to(outside / "moved")
    else:
        path.symlink_to(outside / "precious")


def by_a_link_to_nowhere(path: Path, outside: Path) -> None:
    by_a_link(path, outside)
    path.unlink()
    path.symlink_to(outside / "new")


def by_a_pipe(path: Path, outside: Path) -> None:
    by_a_link(path, outside)
    path.unlink()
    os.mkfifo(path)


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


@pytest.mark.parametrize("replaced", [by_a_link, by_a_link_to_nowhere, by_a_pipe])
@pytest.mark.parametrize("place", PLACES)
def test_every_command_refuses_by_name(
    tmp_path: Path,
    index: Path,
    capsys: pytest.CaptureFixture[str],
    place: str,
    replaced: Callable[[Path, Path], None],
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    folder, _, name = place.rpartition("/")
    target = next(iter(sorted((index / folder).glob(name))), index / folder / name)
    replaced(target, outside)
    before = contents(outside)
    for command in COMMANDS:
        assert run([*command, "-i", str(index)]) == ArtifactError.exit_code, command
        assert str(target) in capsys.readouterr().err
    assert contents(outside) == before


def test_the_path_of_an_index_may_be_a_link(tmp_path: Path, index: Path, workshop: Any) -> None:
    link = tmp_path / "link"
    link.symlink_to(index)
    assert remove_lab(link, "Ash").labs == 1
    assert workshop.open(link).lab_names == ("Elm",)
    assert run(["verify", "-i", str(link)]) == 0


def test_a_lock_file_with_content_is_not_emptied(index: Path) -> None:
    (index / "LOCK").write_text("precious")
    with pytest.raises(ArtifactError, match="a lock file is empty"):
        remove_lab(index, "Ash")
    assert (index / "LOCK").read_text() == "precious"
    assert read_manifest(index).generation == 2


def test_sweeping_deletes_only_what_vecattr_could_have_written(index: Path, workshop: Any) -> None:
    theirs = ["segments/notes.txt", "segments/ABC.h5", ".vecattr-notes", "manifests/notes.json"]
    ours = [f"segments/{'0' * 20}.h5", ".vecattr-abcd_f12", "segments/.vecattr-abcd_f12"]
    for name in [*theirs, *ours]:
        (index / name).write_text("content")
    add_labs(index, workshop.plasmids(["Fir"], seed=3), embedder=workshop.embedder)
    compact(index)
    assert [name for name in theirs if not (index / name).exists()] == []
    assert [name for name in ours if (index / name).exists()] == []
