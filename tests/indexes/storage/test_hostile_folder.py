"""A stranger's index is a folder and no door: nothing in it leads readers or writers out of it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.errors import ArtifactError
from vecattr.files.fold_folder import Folds
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab
from vecattr.indexes.storage.index_folder import expand_folds, read_manifest

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
    "segments/more.kmers",
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


def by_a_socket(path: Path, outside: Path) -> None:
    by_a_pipe(path, outside)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(outside / "s"))  # names of sockets are short
    (outside / "s").rename(path)


def by_a_link_to_itself(path: Path, outside: Path) -> None:
    by_a_pipe(path, outside)
    path.unlink()
    path.symlink_to(path.name)


def by_a_link_to_a_device(path: Path, outside: Path) -> None:
    by_a_pipe(path, outside)
    path.unlink()
    path.symlink_to("/dev/zero")


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


CASES = [
    *(
        (place, change)
        for place in PLACES
        for change in (by_a_link, by_a_link_to_nowhere, by_a_pipe)
    ),
    *(
        (place, change)
        for place in ("manifest.json", "segments", "model/*", "quarantine/x", "LOCK")
        for change in (by_a_socket, by_a_link_to_itself, by_a_link_to_a_device)
    ),
]


@pytest.mark.parametrize(("place", "replaced"), CASES)
def test_every_command_refuses_by_name(
    tmp_path: Path,
    index: Path,
    capsys: pytest.CaptureFixture[str],
    place: str,
    replaced: Callable[[Path, Path], None],
) -> None:
    if place.startswith("quarantine/"):
        (index / "quarantine").mkdir()
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
    folders = ("", "segments/", "manifests/", "model/")
    ours = [f"segments/{'0' * 20}.h5", *(f"{folder}.vecattr-abcd_f12" for folder in folders)]
    for name in [*theirs, *ours]:
        (index / name).write_text("content")
    add_labs(index, workshop.plasmids(["Fir"], seed=3), embedder=workshop.embedder)
    compact(index)
    assert [name for name in theirs if not (index / name).exists()] == []
    assert [name for name in ours if (index / name).exists()] == []


def test_a_fold_that_is_a_link_is_refused_by_name(
    tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folds = tmp_path / "folds"
    folds.mkdir()
    (folds / "folds.json").write_bytes(Folds(2, "0" * 64, ()).to_json())
    for number in (1, 2):
        shutil.copytree(index, folds / f"fold-{number}")
    assert len(list(expand_folds([folds]))) == 2
    for name in ("fold-2", "folds.json", "notes"):
        place = folds / name
        if place.exists():
            place.rename(tmp_path / "moved")
            place.symlink_to(tmp_path / "moved")
        else:
            os.mkfifo(place)
        with pytest.raises(ArtifactError, match="only regular files") as error:
            list(expand_folds([folds]))
        assert error.value.where == str(place)
        place.unlink()
        if name != "notes":
            (tmp_path / "moved").rename(place)


def test_a_model_with_a_link_is_not_built_from(tmp_path: Path, workshop: Any) -> None:
    """What the link points to would become part of an index that is handed on."""
    model = tmp_path / "model"
    shutil.copytree(workshop.model, model)
    (tmp_path / "secret").write_text("secret")
    (model / "MODEL_CARD.md").symlink_to(tmp_path / "secret")
    with pytest.raises(ArtifactError, match="symbolic link") as error:
        workshop.build(tmp_path / "i", workshop.plasmids(["Ash"]), model=model)
    assert error.value.where == str(model / "MODEL_CARD.md")
    assert not (tmp_path / "i").exists()
