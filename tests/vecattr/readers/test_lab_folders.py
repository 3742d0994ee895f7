"""Claims about a folder per lab: the sub-folder names the lab, no file is left out unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.readers.lab_folders import InputPath, input_paths


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(">a\nACGT\n")
    return path


def test_every_file_below_a_sub_folder_belongs_to_its_lab(tmp_path: Path) -> None:
    last = touch(tmp_path / "Lab B" / "x.fasta")
    deep = touch(tmp_path / "Lab A" / "2020" / "y.gb")
    touch(tmp_path / "Lab A" / ".hidden" / "z")
    touch(tmp_path / ".DS_Store")
    assert input_paths(tmp_path) == [InputPath(deep, "Lab A"), InputPath(last, "Lab B")]


def test_a_file_and_standard_input_are_themselves(tmp_path: Path) -> None:
    path = touch(tmp_path / "x")
    assert input_paths(path) == [InputPath(path)]
    assert input_paths("-") == [InputPath("-")]


def test_a_flat_folder_is_its_files(tmp_path: Path) -> None:
    files = [touch(tmp_path / name) for name in ("a.gb", "b.fasta")]
    touch(tmp_path / ".DS_Store")
    assert input_paths(tmp_path) == [InputPath(path) for path in files]
    assert all(path.is_found for path in input_paths(tmp_path))


def test_a_file_beside_the_lab_folders_is_of_no_lab(tmp_path: Path) -> None:
    inner = touch(tmp_path / "Lab" / "x.fasta")
    loose = touch(tmp_path / "y.fasta")
    assert input_paths(tmp_path) == [InputPath(loose), InputPath(inner, "Lab")]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / ".DS_Store")
    with pytest.raises(InputError, match="holds no file"):
        input_paths(tmp_path)


def test_an_empty_lab_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Lab").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        input_paths(tmp_path)


def test_a_folder_with_a_reserved_name_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "unknown" / "x.fasta")
    with pytest.raises(InputError, match="reserved"):
        input_paths(tmp_path)


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        input_paths(tmp_path / "none")
