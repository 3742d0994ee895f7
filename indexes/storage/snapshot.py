"""A path of an index in, one consistent generation of it out, whatever writers do meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from vecattr.calibration.calibration import Calibration
from vecattr.errors import ArtifactError
from vecattr.files.folder import Entry, Location, OpenFolder
from vecattr.indexes.storage.index_folder import check_is_newest, open_index_folder, read_manifest
from vecattr.indexes.storage.index_model import SMALL_FILE, check_model_files, index_calibration
from vecattr.indexes.storage.live_segment import LiveSegment, open_segments
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.stored_info import LabInfoFile, open_lab_info

#: How often opening starts again when a writer publishes meanwhile.
_ATTEMPTS = 5


class Snapshot(NamedTuple):
    """One generation of an index; its files have passed the checks of opening. `lab_info` is what
    is known of labs."""

    manifest: Manifest
    segments: tuple[LiveSegment, ...]
    calibration: Calibration | None
    lab_info: LabInfoFile | None


def open_snapshot(path: Path) -> Snapshot:
    """The present state of the index at `path`; errors as `open_present`."""
    folder, snapshot = open_present(path)
    folder.close()
    return snapshot


def open_present(path: Path) -> tuple[OpenFolder, Snapshot]:
    """The folder of the index at `path`, open, and its present state; starts again when the index
    is changed or replaced meanwhile.

    Raises MissingError, DamagedError, MismatchError or ArtifactError naming the file.
    """
    for _ in range(_ATTEMPTS):
        folder = open_index_folder(path)
        try:
            return folder, _snapshot(folder.root)
        except BaseException as error:
            is_replaced = isinstance(error, ArtifactError) and not folder.is_in_place()
            folder.close()
            if not is_replaced:
                raise
    raise _changed(path)


def _snapshot(path: Entry) -> Snapshot:
    manifest = read_manifest(path)
    for _ in range(_ATTEMPTS):
        try:
            check_is_newest(path, manifest)
            segments = open_segments(path, manifest)
            check_model_files(path, manifest, hashed_up_to=SMALL_FILE)
            lab_info = open_lab_info(path, manifest)
            return Snapshot(manifest, segments, index_calibration(path, manifest), lab_info)
        except ArtifactError:
            current = read_manifest(path)
            if current == manifest:
                raise
            manifest = current
    raise _changed(path)


def _changed(path: Location) -> ArtifactError:
    return ArtifactError("changed all the while it was opened", where=str(path))
