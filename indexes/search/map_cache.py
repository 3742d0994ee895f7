"""Maps that were drawn of an index: the points of one in, kept beside its segments; out again."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import ArtifactError
from vecattr.files.array_directory import Attribute
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.files.atomic import atomic_write, sha256_bytes
from vecattr.files.folder import Entry, Location
from vecattr.indexes.storage.index_folder import (
    SEGMENTS_FOLDER,
    is_map,
    map_path,
    opened_index,
)

MAP_FORMAT = "vecattr-map"
MAP_VERSION = 1

#: Maps that are kept of an index; the oldest goes when another one is drawn.
KEPT_MAPS = 8


def map_name(identity: str, **made_with: object) -> str:
    """What the map of an index of this identity is called, made with these parameters: another
    identity or parameter is another name."""
    content = json.dumps({"identity": identity, **made_with}, sort_keys=True)
    return sha256_bytes(content.encode())[:20]


def read_map(path: Location, name: str, *, points: int) -> NDArray[np.float64] | None:
    """The so many points (n, 2) of a map of the index at `path`; None when it was not kept, or what
    was kept is damaged or no map."""
    try:
        with opened_index(path) as folder:
            file = map_path(folder, name)
            if not file.exists():
                return None
            kept = ArrayFile(file, format=MAP_FORMAT, version=MAP_VERSION)
            if kept.layout("points") != ("<f8", (points, 2)):
                return None
            values = cast("NDArray[np.float64]", kept.array("points"))
    except ArtifactError:
        return None
    return np.array(values) if np.isfinite(values).all() else None


def map_fault(file: Entry) -> str | None:
    """What is wrong with the file of a map; None when nothing is."""
    try:
        kept = ArrayFile(file, format=MAP_FORMAT, version=MAP_VERSION)
        kept.check_all()
        return None if kept.layout("points")[0] == "<f8" else "holds no points"
    except ArtifactError as error:
        return error.what


def keep_map(path: Path, name: str, points: NDArray[np.float64]) -> None:
    """Keep the points (n, 2) of a map, if the folder of the index can be written to, and of all
    maps the KEPT_MAPS newest."""
    facts: dict[str, Attribute] = {"format": MAP_FORMAT, "version": MAP_VERSION}
    data = write_arrays({"points": np.array(points, dtype=np.float64)}, facts)
    with contextlib.suppress(ArtifactError), opened_index(path) as folder:
        atomic_write(map_path(folder, name), data, in_shared_folder=True)
        _delete_oldest(folder, newest=name)


def _delete_oldest(folder: Entry, *, newest: str) -> None:
    """Delete all maps but the newest ones; another process may do the same."""
    stamps = []
    for file in (folder / SEGMENTS_FOLDER).iterdir():
        if is_map(file.name) and file.stem != newest:
            with contextlib.suppress(OSError):
                stamps.append((file.stat().st_mtime_ns, file.name))
    for _, name in sorted(stamps)[: -(KEPT_MAPS - 1)]:
        with contextlib.suppress(OSError, ArtifactError):
            (folder / SEGMENTS_FOLDER / name).delete()
