"""Claims about a folder per lab: the sub-folder names the lab, no file is left out unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.readers.lab_folders import InputPath, input_paths
from vecattr.readers.plasmids import read_plasmids
from vecattr.readers.records import BadRecord


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


def sequence(path: Path, name: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f">{name}\nACGTACGTAC\n")
    return path


@pytest.mark.parametrize("place", ["x.fasta", "Lab/x.fasta", "Lab/deep/x.fasta", "Other"])
@pytest.mark.parametrize("is_relative", [False, True])
def test_a_link_out_of_the_folder_is_one_bad_record(
    tmp_path: Path, place: str, is_relative: bool
) -> None:
    outside = sequence(tmp_path / "outside" / "secret.fasta", "secret")
    top = tmp_path / "top"
    sequence(top / "Lab" / "deep" / "y.fasta", "good")
    target = outside.parent if place == "Other" else outside
    link = top / place
    link.symlink_to(os.path.relpath(target, link.parent) if is_relative else target)
    records = {record.id: record for record in read_plasmids([top])}
    assert "good" in records
    assert "secret" not in records
    [bad] = [record for record in records.values() if isinstance(record, BadRecord)]
    assert "link out of its folder" in bad.error.what
    assert bad.error.where == str(link)


def test_a_folder_below_a_lab_that_is_a_link_is_not_walked_through(tmp_path: Path) -> None:
    sequence(tmp_path / "outside" / "secret.fasta", "secret")
    sequence(tmp_path / "top" / "Lab" / "y.fasta", "good")
    (tmp_path / "top" / "Lab" / "deep").symlink_to(tmp_path / "outside")
    assert [record.id for record in read_plasmids([tmp_path / "top"])] == ["good"]


def test_links_that_stay_inside_and_a_link_to_the_folder_itself_are_fine(tmp_path: Path) -> None:
    sequence(tmp_path / "top" / "Lab" / ".store" / "z.fasta", "stored")
    sequence(tmp_path / "top" / "Lab" / "y.fasta", "good")
    (tmp_path / "top" / "Lab" / "z.fasta").symlink_to(".store/z.fasta")
    (tmp_path / "link").symlink_to("top")
    for top in (tmp_path / "top", tmp_path / "link"):
        assert [record.id for record in read_plasmids([top])] == ["good", "stored"]


def test_a_file_that_is_named_itself_may_be_a_link(tmp_path: Path) -> None:
    sequence(tmp_path / "outside" / "x.fasta", "good")
    (tmp_path / "x.fasta").symlink_to("outside/x.fasta")
    assert [record.id for record in read_plasmids([tmp_path / "x.fasta"])] == ["good"]
