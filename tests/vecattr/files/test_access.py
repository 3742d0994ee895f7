"""Mode and group: an edit leaves them as they were, whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.rendering.output import write_file
from vecattr.files.access import Access, access_of_replaced, give_to_tree
from vecattr.files.atomic import atomic_write
from vecattr.files.entries import append_line
from vecattr.files.folder import OpenFolder
from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def modes(path: Path) -> dict[str, int]:
    """The mode of everything in a folder, itself included."""
    return {str(file.relative_to(path)): mode_of(file) for file in [path, *path.rglob("*")]}


@pytest.mark.parametrize("mode", [0o664, 0o640, 0o600, 0o444, 0o666])
@pytest.mark.parametrize("mask", [0o077, 0o022, 0])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int, mask: int) -> None:
    file = tmp_path / "out.tsv"
    file.write_text("old")
    file.chmod(mode)
    with umask(mask):
        atomic_write(file, b"new")
        write_file(file, b"newer")
    assert (file.read_bytes(), mode_of(file)) == (b"newer", mode)


def test_what_a_link_leads_to_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o660)
    (tmp_path / "link").symlink_to("real")
    with umask(0o077):
        write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert mode_of(tmp_path / "real") == 0o660


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o002])
def test_a_new_file_has_the_mode_that_the_umask_gives_unless_its_folder_is_shared(
    tmp_path: Path, mask: int
) -> None:
    tmp_path.chmod(0o2775)
    with umask(mask):
        atomic_write(tmp_path / "own", b"x")
        atomic_write(tmp_path / "shared", b"x", in_shared_folder=True)
        append_line(OpenFolder(tmp_path).root / "log", "x")
    assert mode_of(tmp_path / "own") == 0o666 & ~mask
    assert mode_of(tmp_path / "shared") == mode_of(tmp_path / "log") == 0o664


def test_the_mode_of_a_program_or_a_privileged_file_is_not_given_to_data(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("old")
    file.chmod(0o4755)
    access = access_of_replaced(file, in_shared_folder=False)
    assert access is not None
    assert access.mode == 0o755


def test_a_group_that_cannot_be_kept_gets_no_more_than_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError("not a member")

    monkeypatch.setattr(os, "chown", refuse)
    file = tmp_path / "x"
    file.write_text("x")
    other_group = file.stat().st_gid + 1
    Access(0o664, other_group).give(file)
    assert mode_of(file) == 0o644
    Access(0o660, other_group).give(file)
    assert mode_of(file) == 0o600


def test_a_tree_gets_the_access_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    (tmp_path / "outside").chmod(0o600)
    with umask(0o077):
        (tmp_path / "tree" / "inner").mkdir(parents=True)
        (tmp_path / "tree" / "inner" / "file").write_text("x")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "outside")
    give_to_tree(OpenFolder(tmp_path).root / "tree", Access(0o2775, os.getgid()))
    assert mode_of(tmp_path / "tree") == mode_of(tmp_path / "tree" / "inner") == 0o2775
    assert mode_of(tmp_path / "tree" / "inner" / "file") == 0o664
    assert mode_of(tmp_path / "outside") == 0o600


@pytest.mark.parametrize("mode", [0o775, 0o750, 0o777])
def test_every_edit_leaves_a_shared_index_as_shared_as_it_was(
    tmp_path: Path, workshop: Any, mode: int
) -> None:
    path = tmp_path / "shared.index"
    with umask(~mode & 0o777):
        workshop.build(path, workshop.plasmids(["Ash", "Birch"]))
    assert set(modes(path).values()) == {mode, mode & 0o666}
    with umask(0o077):
        (path / "log.jsonl").unlink()
        add_labs(path, workshop.plasmids(["Fir"], seed=1), embedder=workshop.embedder)
        rename_lab(path, "Fir", "Oak")
        remove_lab(path, "Ash")
        compact(path)
        rollback(path)
        after = modes(path)
        workshop.build(path, workshop.plasmids(["Ash"]), replace=True)
    assert set(after.values()) == set(modes(path).values()) == {mode, mode & 0o666}
