"""Claims about putting a new folder in place: only what was found there is ever replaced."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vecattr.errors import ArtifactError, UsageError
from vecattr.files.atomic import folder_beside
from vecattr.files.disk import Disk, Name, using
from vecattr.files.place import Place


class OldDisk(Disk):
    """The disk of a system without renames in one step."""

    def rename_to_free_name(self, source: Name, target: Name, *, dir_fd: int | None = None) -> None:
        raise OSError(errno.ENOSYS, "no such call")

    exchange = rename_to_free_name


class FailingOnce(Disk):
    """Another disk that fails to wait for a folder's names, once."""

    def __init__(self) -> None:
        self.calls = 0

    def sync(self, file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            self.calls += 1
            if self.calls == 1:
                raise OSError(errno.EIO, "Input/output error")
        super().sync(file)


class OldFailingOnce(OldDisk, FailingOnce):
    """Both."""


@pytest.fixture(params=["one step", "no such step"])
def _both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the system's renames in one step, and on a system without them."""
    with using(Disk() if request.param == "one step" else OldDisk()):
        yield


def put_new(place: Place, meanwhile: Callable[[Path], object] = lambda path: None) -> None:
    """Put a folder with the file `new` in place, after something happened there."""
    with folder_beside(place.path) as folder:
        (folder.path / "new").touch()
        meanwhile(place.path)
        place.put(folder)


def fill(path: Path, name: str = "old") -> None:
    path.mkdir(exist_ok=True)
    (path / name).write_text(name)


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("target", ["missing", "empty", "filled"])
def test_what_was_found_is_replaced(tmp_path: Path, target: str) -> None:
    path = tmp_path / "folder"
    if target != "missing":
        path.mkdir()
    if target == "filled":
        fill(path)
    put_new(Place(path, besides="LOCK"))
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("found", ["nothing", "an empty folder", "a filled folder"])
@pytest.mark.parametrize(
    "comes",
    [
        lambda path: fill(path, "thesis"),
        lambda path: path.write_text("thesis"),
        lambda path: path.symlink_to(path.with_name("elsewhere")),
        lambda path: os.mkfifo(path),
    ],
    ids=["folder", "file", "link", "pipe"],
)
def test_what_came_meanwhile_stays(
    tmp_path: Path, found: str, comes: Callable[[Path], object]
) -> None:
    path = tmp_path / "folder"
    if found != "nothing":
        path.mkdir()
    if found == "a filled folder":
        fill(path)
    place = Place(path, besides="LOCK")

    def come(path: Path) -> None:
        if path.exists():
            path.rename(tmp_path / "moved away")
        comes(path)

    with pytest.raises(UsageError, match="left as it is"):
        put_new(place, come)
    assert os.path.lexists(path)
    assert not (path / "new").exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".vecattr-")]


@pytest.mark.usefixtures("_both_ways")
def test_a_file_that_came_into_a_folder_to_be_replaced_keeps_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    fill(path)
    (path / "inner").mkdir()
    with pytest.raises(UsageError, match="left as it is"):
        put_new(Place(path, besides="LOCK"), lambda path: fill(path / "inner", "thesis"))
    assert (path / "inner" / "thesis").read_text() == "thesis"
    assert not (path / "new").exists()


def test_a_lock_file_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    fill(path)
    put_new(Place(path, besides="LOCK"), lambda path: fill(path, "LOCK"))
    assert os.listdir(path) == ["new"]


@pytest.mark.usefixtures("_both_ways")
def test_an_empty_folder_that_came_meanwhile_is_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with pytest.raises(UsageError):
        put_new(Place(path, besides="LOCK"), Path.mkdir)
    assert os.listdir(path) == []


@pytest.mark.usefixtures("_both_ways")
def test_what_was_moved_away_is_not_needed(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    fill(path)
    put_new(Place(path, besides="LOCK"), lambda path: path.rename(tmp_path / "kept"))
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path / "kept") == ["old"]


@pytest.mark.parametrize("failing", [FailingOnce, OldFailingOnce])
@pytest.mark.parametrize("target", ["missing", "filled"])
def test_when_the_disk_fails_at_the_end_the_old_state_is_there(
    tmp_path: Path, failing: type[Disk], target: str
) -> None:
    path = tmp_path / "folder"
    if target == "filled":
        fill(path)
    before = os.listdir(tmp_path)

    with using(failing()), pytest.raises(ArtifactError, match="Input/output error"):
        put_new(Place(path, besides="LOCK"))
    assert os.listdir(tmp_path) == before
    assert target == "missing" or os.listdir(path) == ["old"]
