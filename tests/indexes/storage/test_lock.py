"""The lock: one writer, who waits as long as asked, for the index that is there in the end."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.errors import ArtifactError, LockedError, MissingError
from vecattr.files.atomic import TEMPORARY
from vecattr.files.disk import Disk, using
from vecattr.files.folder import OpenFolder
from vecattr.files.place import Place
from vecattr.indexes.editing.edit import remove_lab, rename_lab
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.indexes.storage.lock import LOCK_FILE, delete_abandoned, unfinished_folder, writing

HOLD = """
import sys, time
from pathlib import Path
from vecattr.indexes.storage.lock import writing

with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def held_lock(path: Path, *, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes for so long."""
    command = [sys.executable, "-c", HOLD, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    return tmp_path / "i"


def test_a_second_writer_is_refused_and_told_how_to_wait(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held_lock(index, seconds=60):
        assert run(["remove-lab", "Ash", "-i", str(index)]) == LockedError.exit_code
        assert "--wait" in capsys.readouterr().err
        assert run(["remove-lab", "Ash", "-i", str(index), "--wait", "0.2"]) == 5
        assert "not done after 0.2 s" in capsys.readouterr().err


def test_a_writer_that_waits_comes_next(index: Path) -> None:
    with held_lock(index, seconds=0.5):
        assert remove_lab(index, "Ash", wait=60).generation == 2


def test_the_lock_of_a_killed_writer_is_free(index: Path) -> None:
    with held_lock(index, seconds=60) as process:
        process.kill()
        process.wait()
        assert remove_lab(index, "Ash").generation == 2


def test_who_waits_while_the_index_is_replaced_locks_the_new_one(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    path, order = tmp_path / "old", []

    def wait_for_it() -> None:
        with writing(path, wait=60):
            order.append("waited")
            assert (path / "is-new").exists()
            with pytest.raises(LockedError), writing(tmp_path / "old"):
                pass

    with writing(path):
        waiter = threading.Thread(target=wait_for_it)
        waiter.start()
        time.sleep(0.2)
        (tmp_path / "new" / "is-new").touch()
        (path / "something").touch()
        order.append("replaced")  # from the next line on, the lock of the new one is free
        Place(path, besides=LOCK_FILE).put(OpenFolder(tmp_path).root / "new")
    waiter.join()
    assert order == ["replaced", "waited"]


def test_no_folder_is_no_lock(tmp_path: Path) -> None:
    with pytest.raises(MissingError), writing(tmp_path / "none"):
        pass
    (tmp_path / "i" / LOCK_FILE).mkdir(parents=True)
    with pytest.raises(ArtifactError, match="is a folder, and no file"), writing(tmp_path / "i"):
        pass


def test_without_locks_the_message_says_so(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class NoLocks(Disk):
        def lock(self, file: int) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

    before = read_manifest(index)
    with using(NoLocks()):
        assert run(["remove-lab", "Ash", "-i", str(index)]) == ArtifactError.exit_code
    message = capsys.readouterr().err
    assert "no locks (flock)" in message
    assert "another file system" in message
    assert read_manifest(index) == before


@pytest.mark.parametrize("content", [b"", b"precious"])
def test_a_lock_that_is_another_name_of_a_file_changes_nothing_of_it(
    index: Path, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    file.chmod(0o640)
    (index / LOCK_FILE).unlink()
    (index / LOCK_FILE).hardlink_to(file)
    before = file.stat()
    with pytest.raises(ArtifactError) if content else nullcontext():
        remove_lab(index, "Ash")
    assert file.read_bytes() == content
    assert (file.stat().st_mode, file.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_a_new_lock_file_has_mode_and_group_of_the_folder(index: Path) -> None:
    (index / LOCK_FILE).unlink()
    index.chmod(0o2770)
    umask = os.umask(0o077)
    try:
        remove_lab(index, "Ash")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((index / LOCK_FILE).stat().st_mode) == 0o660
    assert (index / LOCK_FILE).stat().st_gid == index.stat().st_gid


def left_by_a_killed_build(path: Path) -> Path:
    """A folder as a killed build leaves it."""
    folder = path.with_name(f"{TEMPORARY}{path.name}-abcdefgh")
    (folder / "segments").mkdir(parents=True)
    (folder / LOCK_FILE).touch()
    return folder


def test_the_next_writer_deletes_what_a_killed_build_left(index: Path) -> None:
    folder = left_by_a_killed_build(index)
    other = left_by_a_killed_build(index.with_name("another"))
    remove_lab(index, "Ash")
    assert not folder.exists()
    assert other.exists()


def test_an_unfinished_folder_is_left_alone(index: Path) -> None:
    with unfinished_folder(index) as (folder, _):
        remove_lab(index, "Ash")
        assert folder.path.exists()
    assert not folder.path.exists()


def test_a_folder_without_a_lock_is_deleted_when_it_is_old(index: Path) -> None:
    folder = left_by_a_killed_build(index)
    (folder / LOCK_FILE).unlink()
    beside = OpenFolder(index.parent).root
    delete_abandoned(beside, index.name)
    assert folder.exists()
    os.utime(folder, (0, 0))
    delete_abandoned(beside, index.name)
    assert not folder.exists()


def test_what_vecattr_did_not_make_stays_in_what_a_killed_build_left(index: Path) -> None:
    folder = left_by_a_killed_build(index)
    for name in ("notes", "segments/notes", "model/weights.bin"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    (folder / "segments" / f"{'0' * 20}.h5").touch()
    for edit in (lambda: remove_lab(index, "Ash"), lambda: rename_lab(index, "Birch", "Elm")):
        edit()
        files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        assert files == {"notes", "segments/notes", "model/weights.bin"}


def test_names_that_look_like_patterns_match_themselves_alone(tmp_path: Path) -> None:
    folder = left_by_a_killed_build(tmp_path / "a[b]*")
    other = left_by_a_killed_build(tmp_path / "ab!")
    delete_abandoned(OpenFolder(tmp_path).root, "a[b]*")
    assert (folder.exists(), other.exists()) == (False, True)
