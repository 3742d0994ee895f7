"""Claims about the file of plasmids: what comes in comes out, as often as it is asked for."""

from __future__ import annotations

import errno
import os
import stat
from itertools import chain, repeat
from pathlib import Path

import pytest

from vecattr.datasets.plasmid_file import PlasmidFile
from vecattr.errors import ArtifactError
from vecattr.files.disk import Disk, Name, using
from vecattr.info import PlasmidInfo
from vecattr.plasmid import Plasmid

#: More than is written and read at once.
LONG = "ACGTTGCA" * 100_000
PLASMIDS = [
    Plasmid("a", "ACGTN", "linear", {"x": 1, "y": 0}, lab="Müller lab", group="p1"),
    Plasmid("b", LONG, lab="B", group="p1"),
    Plasmid("c", LONG[::-1], features={}, lab="B"),
    Plasmid("d", "AC", lab="B", info=PlasmidInfo("123", 2019, "https://example.org/d")),
]


class FullDisk(Disk):
    """A disk that takes no more bytes."""

    def write(self, file: int, data: bytes | memoryview) -> int:
        raise OSError(28, "No space left on device")


def test_plasmids_come_out_as_they_came_in_and_more_than_once(tmp_path: Path) -> None:
    with PlasmidFile(tmp_path) as kept:
        kept.add_all(PLASMIDS[:3])
        kept.add_all(PLASMIDS[3:])
        assert list(kept) == list(kept) == PLASMIDS
        assert [plasmid.info for plasmid in kept] == [plasmid.info for plasmid in PLASMIDS]
        twice = list(chain.from_iterable(zip(kept, kept, strict=True)))
        assert twice == list(chain.from_iterable(map(repeat, PLASMIDS, [2] * 4)))
        assert (len(kept), kept.labs["B"], kept.groups["p1"], kept.groups[None]) == (4, 3, 2, 2)


def test_nothing_is_to_be_seen_of_it(tmp_path: Path) -> None:
    with PlasmidFile(tmp_path) as kept:
        kept.add_all(PLASMIDS)
        assert not list(tmp_path.iterdir())


class LastingDisk(Disk):
    """A disk that deletes nothing, and notes the file that was opened."""

    def open_temporary(self, folder: Path | int, prefix: str) -> tuple[int, Path]:
        self.file, path = super().open_temporary(folder, prefix)
        self.mode = stat.S_IMODE(os.fstat(self.file).st_mode)
        return self.file, path

    def unlink(self, path: Name, *, dir_fd: int | None = None) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_a_file_that_keeps_its_name_is_private_empty_and_closed(tmp_path: Path) -> None:
    disk = LastingDisk()
    with using(disk), pytest.raises(ArtifactError, match="Input/output error"):
        PlasmidFile(tmp_path)
    assert disk.mode == 0o600
    assert [file.stat().st_size for file in tmp_path.iterdir()] == [0]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(disk.file)


class LateDisk(Disk):
    """A disk that tells of failed writes when a file is closed, as those of networks do."""

    def close(self, file: int) -> None:
        super().close(file)
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_a_disk_that_fails_when_all_was_read_does_not_matter(tmp_path: Path) -> None:
    with using(LateDisk()), PlasmidFile(tmp_path) as kept:
        kept.add_all(PLASMIDS)
        assert list(kept) == PLASMIDS


def test_without_plasmids_none_come_out(tmp_path: Path) -> None:
    with PlasmidFile(tmp_path) as kept:
        kept.add_all([])
        assert (len(kept), list(kept)) == (0, [])


def test_a_disk_that_is_full_is_told_with_the_folder(tmp_path: Path) -> None:
    with (
        PlasmidFile(tmp_path) as kept,
        using(FullDisk()),
        pytest.raises(ArtifactError, match="No space") as caught,
    ):
        kept.add_all(PLASMIDS)
    assert caught.value.where == str(tmp_path)
