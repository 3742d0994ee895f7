"""A command ends with 0 if and only if its change is in force, whatever fails or comes."""

from __future__ import annotations

import errno
import os
import signal
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.cli.signals import Stopped
from vecattr.errors import AppliedError, LockedError, UsageError
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import add_labs, remove_lab, rename_lab, rollback
from vecattr.indexes.storage.index_folder import MANIFEST_FILE, read_manifest
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import FileFacts

COMMANDS = {
    "rename-lab": ["rename-lab", "Ash", "Oak"],
    "remove-lab": ["remove-lab", "Ash"],
    "rollback": ["rollback"],
    "compact": ["compact"],
    "lab-info": ["lab-info", "labs.csv"],
    "repair": ["verify", "--repair"],
}


@pytest.fixture
def index(tmp_path: Path, workshop: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    add_labs(tmp_path / "i", workshop.plasmids(["Cedar"]), embedder=workshop.embedder)
    (tmp_path / "labs.csv").write_text("lab,print_name\nAsh,Ash lab\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "i"


def prepare(index: Path, command: str) -> None:
    """Damage what the command repairs: a cache, for which a new state is published."""
    if command == "repair":
        manifest = read_manifest(index)
        entries = [replace(entry, faiss=FileFacts("0" * 64, 1)) for entry in manifest.segments]
        data = replace(manifest, segments=tuple(entries)).to_json()
        (index / MANIFEST_FILE).write_bytes(data)
        (index / f"manifests/{manifest.generation:06d}.json").write_bytes(data)


def folder_syncs_fail(monkeypatch: pytest.MonkeyPatch, is_time: Callable[[], bool]) -> None:
    """From then on the disk confirms no name."""
    fsync = os.fsync

    def failing(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode) and is_time():
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_fails_after_the_commit_is_told_with_code_0(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    prepare(index, command)
    before = read_manifest(index).generation
    folder_syncs_fail(monkeypatch, lambda: read_manifest(index).generation > before)
    assert run([*COMMANDS[command], "-i", str(index), "-q"]) == 0
    errors = capsys.readouterr().err
    assert "warning" in errors
    assert "the change is in force" in errors
    assert "Input/output error" in errors
    assert read_manifest(index).generation == before + 1
    assert verify_index(index).ok


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_fails_before_the_commit_is_told_with_code_4(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    prepare(index, command)
    before = read_manifest(index)
    monkeypatch.setattr(os, "replace", failing_replace)
    assert run([*COMMANDS[command], "-i", str(index), "-q"]) == 4
    assert "in force" not in capsys.readouterr().err
    assert read_manifest(index) == before


def failing_replace(*paths: object, **folders: int) -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), Stopped(signal.SIGTERM)], ids=str)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("comes", ["before", "after"])
def test_a_signal_is_told_as_what_it_did(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    comes: str,
    ending: BaseException,
) -> None:
    prepare(index, command)
    before, rename = read_manifest(index).generation, os.replace

    def interrupted(source: str, target: str, **folders: int) -> None:
        is_commit = os.path.basename(target) == MANIFEST_FILE
        if comes == "after" or not is_commit:
            rename(source, target, **folders)
        if is_commit:
            raise ending

    monkeypatch.setattr(os, "replace", interrupted)
    code = run([*COMMANDS[command], "-i", str(index)])
    errors = capsys.readouterr().err
    is_changed = read_manifest(index).generation == before + 1
    assert is_changed == (comes == "after")
    assert (code == 0) == is_changed
    assert code in (0, 130, 143)
    assert ("the change is in force" in errors) == is_changed
    monkeypatch.undo()
    remove_lab(index, "Birch")  # the next command works
    assert verify_index(index).ok


@pytest.mark.parametrize("replaced", [False, True])
def test_a_build_that_is_interrupted_as_it_comes_into_place_tells_whether_it_is_in_force(
    tmp_path: Path,
    shelf: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    replaced: bool,
) -> None:
    path = tmp_path / "i"
    build = ["build-index", str(shelf.table), "-m", str(shelf.model), "-i", str(path), "-q"]
    if replaced:
        assert run(build) == 0

    def interrupted(handle: int) -> None:
        if (path / MANIFEST_FILE).exists() and os.path.samestat(
            os.fstat(handle), os.stat(path.parent)
        ):
            raise KeyboardInterrupt

    old = os.stat(path).st_ino if replaced else None
    monkeypatch.setattr(os, "fsync", interrupted)
    code = run([*build, "--replace"])
    is_new = path.exists() and os.stat(path).st_ino != old
    assert (code == 0) == is_new
    assert ("in force" in capsys.readouterr().err) == is_new
    monkeypatch.undo()
    if is_new or replaced:
        assert verify_index(path).ok
    assert run([*build, "--replace"]) == 0  # the next command works


def test_from_python_an_error_after_the_commit_says_so(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_syncs_fail(monkeypatch, lambda: read_manifest(index).generation > 2)
    with pytest.raises(AppliedError, match="in force"):
        rename_lab(index, "Ash", "Oak")
    assert read_manifest(index).generation == 3


def test_a_rollback_from_a_generation_is_done_once(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rename_lab(index, "Ash", "Oak")
    command = ["rollback", "--from", "3", "-i", str(index)]
    assert run(command) == 0
    first = read_manifest(index)
    assert "now generation 4" in capsys.readouterr().err
    assert run(command) == 0
    assert "done before" in capsys.readouterr().err
    assert read_manifest(index) == first
    assert run(["rollback", "--from", "2", "-i", str(index)]) == UsageError.exit_code
    assert read_manifest(index) == first
    rename_lab(index, "Ash", "Elm")
    assert run(command) == UsageError.exit_code  # another change was made since
    assert read_manifest(index).generation == 5


def test_a_rollback_from_with_another_target_is_not_the_one_that_was_done(index: Path) -> None:
    rename_lab(index, "Ash", "Oak")
    rollback(index, present=3)
    with pytest.raises(UsageError):
        rollback(index, present=3, to=1)
    assert rollback(index, present=3, to=2).generation == 4


def test_a_rollback_that_waited_for_another_change_does_not_undo_that(index: Path) -> None:
    errors: list[Exception] = []

    def late() -> None:
        try:
            rollback(index, wait=60)
        except LockedError as error:
            errors.append(error)

    with writing(index) as folder:
        waiter = threading.Thread(target=late)
        waiter.start()
        time.sleep(0.3)
        another_change(index, folder)
    waiter.join()
    assert "was changed while this command waited" in str(errors)
    assert read_manifest(index).generation == 3


def another_change(index: Path, folder: Any) -> None:
    """A generation with the same content, by a writer that holds the lock already."""
    from dataclasses import replace

    from vecattr.indexes.editing.publish import publish

    publish(folder, replace(read_manifest(index), generation=3), action="test", details={})
