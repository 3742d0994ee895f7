"""The quarantine of an index: files that cannot be trusted in, the same files out of the way."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from vecattr.files.access import Access
from vecattr.files.atomic import translated_errors
from vecattr.files.disk import disk, sync_folder
from vecattr.indexes.storage.index_folder import QUARANTINE_FOLDER


def quarantine(path: Path, file: Path) -> Path:
    """Move a file of the index at `path` into its quarantine, durably; where it is now.
    ArtifactError when the disk refuses."""
    folder = path / QUARANTINE_FOLDER
    with translated_errors(file):
        make_folder(folder)
        target = _free(folder, file.name)
        disk().replace(file, target)
        for changed in (folder, file.parent):  # in this order the file has a name at any time
            sync_folder(changed)
    return target


def make_folder(folder: Path) -> None:
    """Make a folder of an index, unless it is there, with mode and group of the index folder."""
    if not folder.exists():
        disk().make_folder(folder)
        Access.from_path(folder.parent).give(folder)
        sync_folder(folder.parent)


def _free(folder: Path, name: str) -> Path:
    """A path in the folder that is not taken yet."""
    numbered = (folder / f"{number:03d}-{name}" for number in count(1))
    return next(path for path in numbered if not path.exists())
