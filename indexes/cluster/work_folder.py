"""The folder in which workers write the segments of a new index: what vecattr makes there told from
what others put there, so that nothing else is deleted with it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from vecattr.errors import UsageError
from vecattr.files.atomic import is_temporary, translated_errors
from vecattr.files.disk import disk, make_folders
from vecattr.files.entries import check_entries
from vecattr.files.folder import Entry
from vecattr.indexes.storage.index_folder import SEGMENTS_FOLDER
from vecattr.indexes.storage.lock import LOCK_FILE

#: What lies in the work folder beside the segments.
ROWS, RECEIPTS = "rows", "receipts"

#: The names of the files in each folder in it.
_MADE = {
    SEGMENTS_FOLDER: re.compile(r"[0-9a-f]{20}\.(h5|faiss|cells)"),
    ROWS: re.compile("[0-9a-f]{64}"),
    RECEIPTS: re.compile("[0-9a-f]{64}"),
}


def work_folder(index: Path) -> Path:
    """Where workers write, beside the index."""
    index = index.resolve()
    return index.with_name(f"{index.name}.building")


def make_work_folder(work: Path) -> None:
    """Make the folder and those in it, unless they are there."""
    for name in _MADE:
        with translated_errors(work / name):
            make_folders(work / name)


def check_work_folder(work: Entry) -> None:
    """UsageError naming the first entry that vecattr did not make: it would be deleted at the end.
    ArtifactError for a link, a pipe or a device."""
    check_entries(work, _MADE)
    for entry in _foreign_entries(work):
        raise UsageError(
            "vecattr did not make this, and it lies where workers write and what they wrote is "
            "deleted; nothing was changed",
            where=str(entry),
            hint="move it away, or build at another path",
        )


def _foreign_entries(work: Entry) -> Iterator[Entry]:
    for entry in sorted(work.iterdir(), key=str):
        if entry.name in _MADE and entry.is_dir():
            yield from (file for file in entry.iterdir() if not _is_made(file))
        elif entry.name != LOCK_FILE and not is_temporary(entry.name):
            yield entry


def _is_made(file: Entry) -> bool:
    made = _MADE[file.parent.name]
    return file.is_file() and bool(made.fullmatch(file.name) or is_temporary(file.name))


def delete_work_folder(work: Entry) -> None:
    """Delete the folder with all that vecattr made in it; what else lies there stays."""
    with contextlib.suppress(OSError):
        for name in _MADE:
            for file in (work / name).iterdir():
                if _is_made(file):
                    file.delete()
            with work.opened_folder() as handle:
                disk().remove_folder(name, dir_fd=handle)
        for file in work.iterdir():
            if file.name == LOCK_FILE or is_temporary(file.name):
                file.delete()
        disk().remove_folder(work.path)
