"""Claims about atomic writes: the old file or the new one, never a part of one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vecattr.errors import ArtifactError, DamagedError, MissingError
from vecattr.files.atomic import (
    atomic_write,
    check_file,
    folder_beside,
    sha256_bytes,
    sha256_file,
)


def test_an_atomic_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    atomic_write(target, b"old")
    atomic_write(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    atomic_write(tmp_path / "atomic", b"")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_writing_into_a_missing_folder_names_the_problem(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file or folder"):
        atomic_write(tmp_path / "none" / "file", b"")


def test_a_target_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArtifactError):
        atomic_write(tmp_path / "folder", b"")
    assert os.listdir(tmp_path) == ["folder"]


def test_both_hashes_agree(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert sha256_file(tmp_path / "file") == sha256_bytes(b"content")


def test_a_changed_file_is_recognized_by_size_or_by_hash(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    check_file(file, sha256=sha256_bytes(b"content"), size=7)
    with pytest.raises(DamagedError, match="holds 7 bytes, expected 8"):
        check_file(file, sha256=None, size=8)
    with pytest.raises(DamagedError, match="SHA-256"):
        check_file(file, sha256=sha256_bytes(b"another"), size=7)


def test_an_unused_folder_beside_is_deleted(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), folder_beside(tmp_path / "x"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []
