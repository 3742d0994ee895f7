"""The quarantine of an index: files that cannot be trusted in, the same files out of the way."""

from __future__ import annotations

from itertools import count

from vecattr.files.access import Access
from vecattr.files.atomic import translated_errors
from vecattr.files.disk import sync_folder
from vecattr.files.folder import Entry
from vecattr.indexes.storage.index_folder import QUARANTINE_FOLDER


def quarantine_place(path: Entry, name: str) -> Entry:
    """A free place for a file of this name in the quarantine of the index at `path`, which is made
    unless it is there. ArtifactError when the disk refuses."""
    folder = path / QUARANTINE_FOLDER
    with translated_errors(folder):
        make_folder(folder)
    return _free(folder, name)


def make_folder(folder: Entry) -> None:
    """Make a folder of an index, unless it is there, with mode and group of the index folder."""
    if not folder.exists():
        folder.make_folder()
        with folder.opened_folder() as handle:
            Access.from_path(folder.parent).give(handle)
        with folder.parent.opened_folder() as handle:
            sync_folder(handle)


def _free(folder: Entry, name: str) -> Entry:
    """A path in the folder that is not taken yet."""
    numbered = (folder / f"{number:03d}-{name}" for number in count(1))
    return next(path for path in numbered if not path.exists())
