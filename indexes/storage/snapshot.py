"""A path of an index in, one consistent generation of it out, whatever writers do meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from vecattr.calibration.calibration import Calibration
from vecattr.errors import ArtifactError
from vecattr.indexes.storage.index_folder import check_is_newest, read_manifest
from vecattr.indexes.storage.index_model import SMALL_FILE, check_model_files, index_calibration
from vecattr.indexes.storage.live_segment import LiveSegment, open_segments
from vecattr.indexes.storage.manifest import Manifest

#: How often opening starts again when a writer publishes meanwhile.
_ATTEMPTS = 5


class Snapshot(NamedTuple):
    """One generation of an index; its files have passed the checks of opening."""

    manifest: Manifest
    segments: tuple[LiveSegment, ...]
    calibration: Calibration | None


def open_snapshot(path: Path) -> Snapshot:
    """The present state of the index at `path`; starts again when a writer publishes meanwhile.

    Raises MissingError, DamagedError, MismatchError or ArtifactError naming the file.
    """
    manifest = read_manifest(path)
    for _ in range(_ATTEMPTS):
        try:
            check_is_newest(path, manifest)
            segments = open_segments(path, manifest)
            check_model_files(path, manifest, hashed_up_to=SMALL_FILE)
            return Snapshot(manifest, segments, index_calibration(path, manifest))
        except ArtifactError:
            current = read_manifest(path)
            if current == manifest:
                raise
            manifest = current
    raise ArtifactError("changed all the while it was opened", where=str(path))
