"""An edit over the service is told as what it did, also when the disk fails after it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.serving.adding import Addition
from vecattr.cli.serving.results import Results
from vecattr.cli.serving.settings import Keeping, RequestLimits
from vecattr.cli.serving.views import Change, added_page, trial_page
from vecattr.errors import ArtifactError
from vecattr.files.disk import Disk, using
from vecattr.indexes.index import open_panel
from vecattr.indexes.storage.index_folder import read_manifest
from vecattr.inputs.input_files import HeldFile


class UnsureDisk(Disk):
    """A disk that confirms no names in folders from the commit of an index on, or at all."""

    def __init__(self, index: Path, *, after_commit: bool) -> None:
        self.index, self.before = index, read_manifest(index).generation
        self.after_commit = after_commit

    def sync(self, file: int) -> None:
        is_committed = read_manifest(self.index).generation > self.before
        if stat.S_ISDIR(os.fstat(file).st_mode) and is_committed >= self.after_commit:
            raise OSError(errno.EIO, "Input/output error")
        super().sync(file)


def silent(words: str) -> None:
    pass


def addition_to(index: Path, shelf: Any) -> Addition:
    """Plasmids of a new lab, confirmed for the present state of the index."""
    records = "".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in shelf.newcomers)
    files = (HeldFile("new.fa", records.encode()),)
    return Addition(files, "New lab", read_manifest(index).identity)


@pytest.fixture
def index(tmp_path: Path, shelf: Any) -> Path:
    return Path(shutil.copytree(shelf.index, tmp_path / "i"))


def test_a_disk_that_fails_after_the_edit_is_a_warning_beside_the_report(
    index: Path, shelf: Any
) -> None:
    addition = addition_to(index, shelf)
    with using(UnsureDisk(index, after_commit=True)):
        report = addition.run(open_panel([index]), RequestLimits(), silent)
    assert report["new_labs"] == ("New lab",)
    assert report["generation"] == read_manifest(index).generation
    assert report["identity"] == read_manifest(index).identity
    assert "the change is in force" in str(report["warning"])
    assert str(index) not in str(report)
    assert "Do not add them again" in added_page(Change.of(report))


def test_a_disk_that_fails_before_the_edit_leaves_the_index(index: Path, shelf: Any) -> None:
    addition, before = addition_to(index, shelf), read_manifest(index)
    with using(UnsureDisk(index, after_commit=False)), pytest.raises(ArtifactError):
        addition.run(open_panel([index]), RequestLimits(), silent)
    assert read_manifest(index) == before


def test_labs_that_differ_only_in_what_is_not_seen_are_noted(index: Path, shelf: Any) -> None:
    known = shelf.plasmids[0].lab
    twin = known.replace(" ", "  ")
    addition = replace(addition_to(index, shelf), lab=twin, identity=None)
    report = addition.run(open_panel([index]), RequestLimits(), silent)
    assert report["look_alikes"] == [tuple(sorted((known, twin)))]
    assert "differ only in blanks" in trial_page(Change.of(report), "1")
    confirmed = replace(addition, identity=read_manifest(index).identity)
    assert confirmed.run(open_panel([index]), RequestLimits(), silent)["look_alikes"]


def test_kept_results_and_no_file_of_a_persons_are_deleted(tmp_path: Path) -> None:
    results = Results(Keeping(days=1, folder=tmp_path))
    names = {"a" * 22: '{"documents": {"json": "[]"}, "told": []}', "b" * 22: '{"mine": 1}'}
    names["c" * 22] = "[" * 10**5 + "]" * 10**5
    for name, text in names.items():
        (tmp_path / f"{name}.json").write_text(text)
        os.utime(tmp_path / f"{name}.json", (0, 0))
    for name in (".vecattr-abcd_f12", ".vecattr-notes"):  # of a killed service, and a person's
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".vecattr-00000000").write_text("being written")
    results.forget("b" * 22)
    assert results.delete_old_files() == 2
    hidden = {file.name for file in tmp_path.iterdir() if file.name.startswith(".")}
    assert hidden == {".vecattr-notes", ".vecattr-00000000"}
    for name in hidden:
        (tmp_path / name).unlink()
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["b" * 22, "c" * 22]
