"""The files of an index folder, its present manifest, and folders of folds: a folder in, paths and
validated manifests out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from vecattr.encoders.model_folder import (
    CONFIG_FILE,
    MODEL_FILES,
    REPLACED_FILES,
    TABLES_FILE,
    usual_name,
)
from vecattr.errors import ArtifactError, DamagedError, MissingError
from vecattr.files.atomic import TEMPORARY, is_temporary, read_file, translated_errors
from vecattr.files.entries import check_entries
from vecattr.files.fold_folder import FOLDS_FILE, fold_members, fold_path, is_folds
from vecattr.files.folder import AnyLocation, Entry, Location, OpenFolder
from vecattr.indexes.storage.manifest import Manifest, parse_manifest

MANIFEST_FILE = "manifest.json"
LOG_FILE = "log.jsonl"
LOCK_FILE = "LOCK"
HISTORY_FOLDER = "manifests"
SEGMENTS_FOLDER = "segments"
MODEL_FOLDER = "model"
#: What `verify --repair` did not trust; nothing reads it.
QUARANTINE_FOLDER = "quarantine"
#: How maps end, which are caches; every edit deletes them.
MAP_SUFFIX = ".map"

_MAP = re.compile(rf"[0-9a-f]{{20}}{re.escape(MAP_SUFFIX)}")

#: The name of a copy of a manifest, as `history_path` makes it.
_COPY = re.compile(r"(?=[0-9]{6}\.|[1-9])([0-9]{6,18})\.json", re.ASCII)
_TOP_FILES = frozenset((MANIFEST_FILE, LOG_FILE, LOCK_FILE))
_SEGMENT_FILE = re.compile(r"[0-9a-f]{20}\.(h5|faiss|cells|kmers|labs|map)", re.ASCII)
#: What `verify --repair` puts before the name of a file in quarantine.
_NUMBER = re.compile("[0-9]{3,}-", re.ASCII)
#: A fold in a folder of indexes of folds, and one that is not finished.
_FOLD = re.compile(
    rf"fold-[0-9]+|{re.escape(TEMPORARY)}fold-[0-9]+-[a-z0-9_]{{8}}(\.old)?", re.ASCII
)


def check_index_folder(path: Entry) -> None:
    """ArtifactError naming the entry when an index folder holds a link, a pipe, a device or a
    socket."""
    check_entries(path, (HISTORY_FOLDER, SEGMENTS_FOLDER, MODEL_FOLDER, QUARANTINE_FOLDER))


def is_segment_file(name: str) -> bool:
    """Whether a file beside segments has a name that vecattr gives: of a segment and what belongs
    to it, of what is known of labs, of a map."""
    return _SEGMENT_FILE.fullmatch(name) is not None


def is_made(names: tuple[str, ...]) -> bool:
    """Whether vecattr gives these names, on the way from the folder of an index, or of indexes of
    folds, to a file or a folder in it.

    >>> is_made(("segments", "0123456789abcdef0123.h5")), is_made(("segments", "notes.txt"))
    (True, False)
    """
    if _FOLD.fullmatch(names[0]):
        return len(names) == 1 or _is_of_index(names[1:])
    return names == (FOLDS_FILE,) or _is_of_index(names)


def _is_of_index(names: tuple[str, ...]) -> bool:
    if len(names) == 1:
        return names[0] in _TOP_FILES or names[0] in _MADE or is_temporary(names[0])
    folder, name = names[0], names[-1]
    return len(names) == 2 and folder in _MADE and (_MADE[folder](name) or is_temporary(name))


def _is_copy_name(name: str) -> bool:
    return _COPY.fullmatch(name) is not None


def _is_model_file(name: str) -> bool:
    return name in (*MODEL_FILES, TABLES_FILE) or usual_name(name) in REPLACED_FILES


def _is_quarantined(name: str) -> bool:
    """Of a file that vecattr made; what else lay in the index and was moved here is somebody's."""
    number = _NUMBER.match(name)
    rest = name[number.end() :] if number else ""
    made = (is_segment_file, _is_copy_name, _is_model_file, is_temporary, _TOP_FILES.__contains__)
    return bool(rest) and any(is_made_there(rest) for is_made_there in made)


#: The folders of an index, and whether a name is one of a file that vecattr makes there.
_MADE: dict[str, Callable[[str], bool]] = {
    HISTORY_FOLDER: _is_copy_name,
    SEGMENTS_FOLDER: is_segment_file,
    MODEL_FOLDER: _is_model_file,
    QUARANTINE_FOLDER: _is_quarantined,
}
FOLDERS = frozenset(_MADE)


@contextmanager
def opened_index(path: Location) -> Iterator[Entry]:
    """The folder of an index, as `open_index_folder` opens it; one that is open stays so."""
    if isinstance(path, Entry):
        yield path
    else:
        with open_index_folder(path) as folder:
            yield folder.root


def open_index_folder(path: Path) -> OpenFolder:
    """The folder of an index, opened, so that no link in it is followed. ArtifactError when it is a
    file, MissingError when nothing is there."""
    if path.is_file():
        raise ArtifactError(
            "is a file, and an index is a folder",
            where=str(path),
            hint="name the folder that `vecattr build-index` made",
        )
    if not path.is_dir():
        raise _no_index(path, "there is no index here")
    with translated_errors(path):
        return opened_folder(path)


def opened_folder(path: Location) -> OpenFolder:
    """A folder of the user's, or in an open one, opened; in a folder of folds no link is followed.
    OSError when there is none."""
    if isinstance(path, Entry):
        return OpenFolder.from_entry(path)
    return OpenFolder(path, follows_link=not is_folds(path.parent))


def _no_index(path: Location, what: str) -> MissingError:
    return MissingError(
        what,
        where=str(path),
        hint=f"make one: vecattr build-index PLASMIDS --index {path}",
    )


def read_manifest(path: Location) -> Manifest:
    """The present manifest of the index at `path`.

    MissingError when there is no index, else as `opened_index` and `check_index_folder`.
    """
    with opened_index(path) as folder:
        return _read_manifest(folder)


def _read_manifest(path: Entry) -> Manifest:
    target = path / MANIFEST_FILE
    if target.exists():
        check_index_folder(path)
    if not target.exists() and is_folds(path):
        raise MissingError(
            "this folder holds several indexes, one of each fold",
            where=str(path),
            hint=f"name one of them, as {fold_path(path, 1)}; query and evaluate take all as one",
        )
    if not target.exists() and (kept := kept_generations(path)):
        raise MissingError(
            "the index's manifest is missing",
            where=str(target),
            hint=f"restore it with `vecattr verify --repair` ({history_path(path, kept[-1])} is a "
            "copy)",
        )
    if not target.exists():
        raise _no_index(path, "this folder holds no index")
    return parse_manifest(read_file(target), where=str(target))


def newest_manifest(path: Location) -> Manifest:
    """As `read_manifest`, for a writer that holds the lock: also DamagedError when it is not the
    newest."""
    manifest = read_manifest(path)
    check_is_newest(path, manifest)
    return manifest


def history_path(path: AnyLocation, generation: int) -> AnyLocation:
    """Where the manifest of a generation is kept."""
    return path / HISTORY_FOLDER / f"{generation:06d}.json"


def read_history(path: Location, generation: int) -> Manifest:
    """The manifest of a kept generation; DamagedError when the file holds anything else."""
    with opened_index(path) as folder:
        file = history_path(folder, generation)
        manifest = parse_manifest(read_file(file), where=str(file))
    if manifest.generation != generation:
        raise DamagedError(
            f"holds generation {manifest.generation}, expected {generation}",
            where=str(file),
            hint="restore it from a copy of the index",
        )
    return manifest


def kept_generations(path: Location) -> list[int]:
    """The generations whose manifests are kept, ascending (the folder may be absent)."""
    folder = path / HISTORY_FOLDER
    with translated_errors(folder):
        names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return sorted(int(match[1]) for match in map(_COPY.fullmatch, names) if match)


def kept_names(path: Location, *manifests: Manifest) -> tuple[set[str], set[str]]:
    """The names that these manifests and those of kept generations list: in the folder of segments,
    without suffixes, and in that of the model. Errors as in `read_history`."""
    listed = [*manifests, *(read_history(path, number) for number in kept_generations(path))]
    stored = {name for manifest in listed for name in manifest.stored_names}
    return stored, {name for manifest in listed for name, _ in manifest.model_files}


def check_is_newest(path: Location, manifest: Manifest) -> None:
    """DamagedError when a later generation than this manifest was published: a copy of a manifest
    is written after its commit, so `manifest.json` was put back by hand, or by a backup."""
    later = [number for number in kept_generations(path) if number > manifest.generation]
    if later:
        refuse_older(path, manifest, later)


def refuse_older(path: Location, manifest: Manifest, later: Sequence[int]) -> NoReturn:
    """The DamagedError of a manifest of which later generations were published."""
    raise DamagedError(
        f"is generation {manifest.generation}, and {HISTORY_FOLDER} has {later[-1]}",
        where=str(path / MANIFEST_FILE),
        hint="bring the newest back with `vecattr verify --repair`, and then go back with "
        "`vecattr rollback` if you want to",
    )


def segment_path(path: AnyLocation, name: str) -> AnyLocation:
    """Where a segment's HDF5 file lies."""
    return path / SEGMENTS_FOLDER / f"{name}.h5"


def faiss_path(path: AnyLocation, name: str) -> AnyLocation:
    """Where a segment's FAISS cache lies."""
    return path / SEGMENTS_FOLDER / f"{name}.faiss"


def cells_path(path: AnyLocation, name: str) -> AnyLocation:
    """Where the cells of a large segment lie."""
    return path / SEGMENTS_FOLDER / f"{name}.cells"


def joined_path(path: AnyLocation, name: str) -> AnyLocation:
    """Where the joined k-mers of several segments lie, of which the first has this name."""
    return path / SEGMENTS_FOLDER / f"{name}.kmers"


def lab_info_path(path: AnyLocation, name: str) -> AnyLocation:
    """Where what is known of labs lies."""
    return path / SEGMENTS_FOLDER / f"{name}.labs"


def map_path(path: AnyLocation, name: str) -> AnyLocation:
    """Where the points of a map lie that was drawn."""
    return path / SEGMENTS_FOLDER / f"{name}{MAP_SUFFIX}"


def is_map(name: str) -> bool:
    """Whether a file of this name, beside segments, is a map that was drawn."""
    return _MAP.fullmatch(name) is not None


def model_folds(model: Path) -> tuple[Path, ...]:
    """The models of a folder of folds; MissingError when one is missing or its training is not
    finished."""
    hint = "finish the training with `vecattr train --folds ... --resume`, or restore the folder"
    return fold_members(model, marker=CONFIG_FILE, hint=hint)


def index_folds(path: Path) -> tuple[Path, ...]:
    """The indexes of a folder of folds; MissingError when one is missing."""
    hint = "restore the folder from a copy, or build again with --replace"
    return fold_members(path, marker=MANIFEST_FILE, hint=hint)


def expand_folds(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The paths in order, each folder of folds replaced by its indexes; errors as `index_folds`."""
    for path in map(Path, paths):
        yield from index_folds(path) if is_folds(path) else (path,)
