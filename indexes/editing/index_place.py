"""The place of an index to be built: its path in, what may be replaced there out, or an error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vecattr.encoders.model_folder import MODEL_FILES, REPLACED_FILES, TABLES_FILE, usual_name
from vecattr.errors import ArtifactError, UsageError
from vecattr.files.atomic import TEMPORARY, is_temporary, translated_errors
from vecattr.files.fold_folder import FOLDS_FILE
from vecattr.files.folder import Entry
from vecattr.files.place import Place
from vecattr.indexes.editing.publish import StepHook, told_when_in_force
from vecattr.indexes.storage.index_folder import (
    HISTORY_FOLDER,
    MANIFEST_FILE,
    MODEL_FOLDER,
    QUARANTINE_FOLDER,
    SEGMENTS_FOLDER,
    open_index_folder,
    read_manifest,
)
from vecattr.indexes.storage.lock import LOCK_FILE, LockedFolder
from vecattr.indexes.storage.log import LOG_FILE

#: The names of the files that vecattr makes in an index folder and in the folders of it.
_MADE = {
    "": re.compile("|".join(map(re.escape, (MANIFEST_FILE, LOG_FILE, LOCK_FILE)))),
    HISTORY_FOLDER: re.compile(r"[0-9]{6,}\.json"),
    SEGMENTS_FOLDER: re.compile(r"[0-9a-f]{20}\.(h5|faiss|cells|labs|map)"),
    MODEL_FOLDER: re.compile("|".join(map(re.escape, (*MODEL_FILES, TABLES_FILE)))),
    QUARANTINE_FOLDER: re.compile("[0-9]{3,}-.*", re.DOTALL),
}
#: What commands that need no lock leave in an index: its lock file, maps, and unfinished ones.
_NO_CHANGE = rf"{re.escape(LOCK_FILE)}|[0-9a-f]{{20}}\.map|{re.escape(TEMPORARY)}[a-z0-9_]{{8}}"
_FOLD = re.compile("fold-[0-9]+")


def put_in_force(folder: LockedFolder, place: Place, step: StepHook) -> None:
    """Put a finished folder in place; errors as `Place.put`, AppliedError when the folder is there
    all the same."""
    new = os.fstat(folder.handle)
    with told_when_in_force(place.path, lambda: place.holds(new), partial(step, "move")):
        place.put(folder.path)
    step("move")


def index_place(path: Path) -> Place:
    """What is at the path of an index to be built; a lock file or a map that appears there is no
    change: others look at the old index meanwhile."""
    return Place(Path(path).resolve(), besides=_NO_CHANGE)


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
    for name, made in _MADE.items():
        folder = root / name if name else root
        for entry in sorted(folder.iterdir(), key=str) if folder.is_dir() else ():
            is_folder = not name and entry.name in _MADE and entry.is_dir()
            is_model_file = name == MODEL_FOLDER and (
                entry.name in listed or usual_name(entry.name) in REPLACED_FILES
            )
            is_made = made.fullmatch(entry.name) or is_temporary(entry.name) or is_model_file
            if not is_folder and (not is_made or (entry.is_dir() and name != QUARANTINE_FOLDER)):
                yield entry


def _listed_model_files(root: Entry) -> set[str]:
    """The files of the model that the manifest names; none when it is damaged."""
    try:
        return {name for name, _ in read_manifest(root).model_files}
    except ArtifactError:
        return set()
