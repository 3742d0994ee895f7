"""The files of an index folder and its present manifest: a folder in, paths and validated manifests
out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from vecattr.errors import ArtifactError, DamagedError, MissingError
from vecattr.files.entries import check_entries, read_entry
from vecattr.files.fold_folder import fold_path, is_folds
from vecattr.indexes.storage.manifest import Manifest, parse_manifest

MANIFEST_FILE = "manifest.json"
HISTORY_FOLDER = "manifests"
SEGMENTS_FOLDER = "segments"
MODEL_FOLDER = "model"


def check_index_folder(path: Path) -> None:
    """ArtifactError naming the entry when an index folder holds a link, a pipe, a device or a
    socket: following it would lead out of the index. The path itself may be a link."""
    check_entries(path, (HISTORY_FOLDER, SEGMENTS_FOLDER, MODEL_FOLDER))


def read_manifest(path: Path) -> Manifest:
    """The present manifest of the index at `path`.

    MissingError when there is no index, ArtifactError when `path` is a file, or as
    `check_index_folder`.
    """
    if path.is_file():
        raise ArtifactError(
            "is a file, and an index is a folder",
            where=str(path),
            hint="name the folder that `vecattr build-index` made",
        )
    target = path / MANIFEST_FILE
    if os.path.lexists(target):
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
        raise MissingError(
            "this folder holds no index" if path.is_dir() else "there is no index here",
            where=str(path),
            hint=f"make one: vecattr build-index PLASMIDS --model MODEL --index {path}",
        )
    return parse_manifest(read_entry(target), where=str(target))


def newest_manifest(path: Path) -> Manifest:
    """As `read_manifest`, for a writer that holds the lock: also DamagedError when it is not the
    newest."""
    manifest = read_manifest(path)
    check_is_newest(path, manifest)
    return manifest


def history_path(path: Path, generation: int) -> Path:
    """Where the manifest of a generation is kept."""
    return path / HISTORY_FOLDER / f"{generation:06d}.json"


def read_history(path: Path, generation: int) -> Manifest:
    """The manifest of a kept generation; DamagedError when the file holds anything else."""
    file = history_path(path, generation)
    manifest = parse_manifest(read_entry(file), where=str(file))
    if manifest.generation != generation:
        raise DamagedError(
            f"holds generation {manifest.generation}, expected {generation}",
            where=str(file),
            hint="restore it from a copy of the index",
        )
    return manifest


def kept_generations(path: Path) -> list[int]:
    """The generations whose manifests are kept, ascending (the folder may be absent)."""
    folder = path / HISTORY_FOLDER
    names = [file.stem for file in folder.glob("*.json")] if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal())


def check_is_newest(path: Path, manifest: Manifest) -> None:
    """DamagedError when a later generation than this manifest was published: a copy of a manifest
    is written after its commit, so `manifest.json` was put back by hand, or by a backup."""
    later = [number for number in kept_generations(path) if number > manifest.generation]
    if later:
        refuse_older(path, manifest, later)


def refuse_older(path: Path, manifest: Manifest, later: Sequence[int]) -> NoReturn:
    """The DamagedError of a manifest of which later generations were published."""
    raise DamagedError(
        f"is generation {manifest.generation}, and {HISTORY_FOLDER} has {later[-1]}",
        where=str(path / MANIFEST_FILE),
        hint="bring the newest back with `vecattr verify --repair`, and then go back with "
        "`vecattr rollback` if you want to",
    )


def segment_path(path: Path, name: str) -> Path:
    """Where a segment's HDF5 file lies."""
    return path / SEGMENTS_FOLDER / f"{name}.h5"


def faiss_path(path: Path, name: str) -> Path:
    """Where a segment's FAISS cache lies."""
    return path / SEGMENTS_FOLDER / f"{name}.faiss"


def cells_path(path: Path, name: str) -> Path:
    """Where the cells of a large segment lie."""
    return path / SEGMENTS_FOLDER / f"{name}.cells"
