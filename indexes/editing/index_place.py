"""The place of an index to be built: its path in, what may be replaced there out, or an error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vecattr.errors import ArtifactError, UsageError
from vecattr.files.atomic import TEMPORARY, is_temporary, translated_errors
from vecattr.files.fold_folder import FOLDS_FILE
from vecattr.files.folder import Entry, Location
from vecattr.files.place import Place
from vecattr.indexes.editing.publish import StepHook, told_when_in_force
from vecattr.indexes.storage.index_folder import (
    FOLDERS,
    LOCK_FILE,
    MANIFEST_FILE,
    MAP_SUFFIX,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    is_made,
    open_index_folder,
    read_manifest,
)
from vecattr.indexes.storage.lock import LockedFolder, delete_abandoned

#: What commands that need no lock leave in an index: its lock file, maps, and unfinished ones.
_NO_CHANGE = (
    rf"(fold-[0-9]+/)?({LOCK_FILE}|{SEGMENTS_FOLDER}/"
    rf"([0-9a-f]{{20}}{re.escape(MAP_SUFFIX)}|{re.escape(TEMPORARY)}[a-z0-9_]{{8}}))"
)
_FOLD = re.compile("fold-[0-9]+")


def put_in_force(new_folder: Entry, folder: LockedFolder, place: Place, step: StepHook) -> None:
    """Put a finished folder, which is locked, in place, and sweep beside it; errors as `Place.put`,
    AppliedError when it is there all the same."""
    new = os.fstat(folder.handle)
    with told_when_in_force(place.path, lambda: place.holds(new), partial(step, "move")):
        place.put(new_folder)
    step("move")
    delete_abandoned(new_folder.parent, place.path.name)


def index_place(path: Location) -> Place:
    """What is at the path of an index to be built; a lock file or a map that appears there is no
    change: others look at the old index meanwhile."""
    return Place(path if isinstance(path, Entry) else Path(path).resolve(), besides=_NO_CHANGE)


def check_place(path: Path, *, replace: bool) -> bool:
    """Whether an index is there, to be replaced; errors as in `build_index`, and UsageError when
    there are files beside it that vecattr did not make."""
    if path.exists() and not path.is_dir():
        raise ArtifactError(
            "is a file, and an index is a folder", where=str(path), hint="give another path"
        )
    if (path / MANIFEST_FILE).exists():
        if not replace:
            raise UsageError(
                "there is an index already",
                where=str(path),
                hint="add to it with `vecattr add-lab`, or build with --replace",
            )
        check_replaceable(path)
        return True
    if path.exists() and any(path.iterdir()):
        raise ArtifactError(
            "this folder holds something that is not an index",
            where=str(path),
            hint="give a new or an empty folder",
        )
    return False


def check_replaceable(path: Path) -> None:
    """UsageError naming the first file in an index folder that vecattr did not make: replacing the
    index would delete it."""
    with translated_errors(path), open_index_folder(path) as folder:
        _refuse_first(_foreign_entries(folder.root))


def check_folds_replaceable(path: Path) -> None:
    """As `check_replaceable`, of a folder of the indexes of folds and of these."""
    with translated_errors(path), open_index_folder(path) as folder:
        for entry in sorted(folder.root.iterdir(), key=str):
            if _FOLD.fullmatch(entry.name) and entry.is_dir():
                _refuse_first(_foreign_entries(entry))
            elif entry.name not in (FOLDS_FILE, LOCK_FILE) and not is_temporary(entry.name):
                _refuse_first(iter([entry]))


def _refuse_first(foreign: Iterator[Entry]) -> None:
    for entry in foreign:
        raise UsageError(
            "vecattr did not make this, and --replace would delete it; nothing was changed",
            where=str(entry),
            hint="move it away, or build at another path",
        )


def _foreign_entries(root: Entry) -> Iterator[Entry]:
    """What lies in an index folder and has no name that vecattr gives."""
    listed = _listed_model_files(root)
    for entry in sorted(root.iterdir(), key=str):
        if entry.name not in FOLDERS or not entry.is_dir():
            if entry.is_dir() or not is_made((entry.name,)) or entry.name in FOLDERS:
                yield entry
            continue
        for file in sorted(entry.iterdir(), key=str):
            is_listed = entry.name == MODEL_FOLDER and file.name in listed
            if file.is_dir() or not (is_listed or is_made((entry.name, file.name))):
                yield file


def _listed_model_files(root: Entry) -> set[str]:
    """The files of the model that the manifest names; none when it is damaged."""
    try:
        return {name for name, _ in read_manifest(root).model_files}
    except ArtifactError:
        return set()
