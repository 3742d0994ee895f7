"""A path of an index in, one state of it with its history out, as it was at one moment, whatever
writers do meanwhile."""

from __future__ import annotations

from typing import NamedTuple

from vecattr.errors import ArtifactError, MissingError
from vecattr.files.atomic import translated_errors
from vecattr.files.folder import Entry
from vecattr.indexes.editing.publish import KEPT_GENERATIONS
from vecattr.indexes.storage.index_folder import (
    history_path,
    kept_generations,
    read_history,
    read_manifest,
)
from vecattr.indexes.storage.manifest import Manifest


class PinnedState(NamedTuple):
    """One generation and its history: the copies of manifests up to it, or why one cannot be read,
    `lost` generations that should have a copy and have none, and `later` ones, whose copies were
    there before the manifest was read, so that it was put back from elsewhere."""

    manifest: Manifest
    history: dict[int, Manifest | ArtifactError]
    lost: tuple[int, ...]
    later: tuple[int, ...]

    def is_present(self, path: Entry) -> bool:
        """Whether the index in the folder is in this state still, and the folder at its path."""
        with translated_errors(path):
            return path.folder.is_in_place() and read_manifest(path) == self.manifest


def pin_state(path: Entry) -> PinnedState:
    """The present state of the index in a folder; errors as `read_manifest`."""
    read_manifest(path)  # says what is there instead of an index
    before = kept_generations(path)
    manifest = read_manifest(path)  # later than its copies: they are written after it
    kept = sorted({*before, *kept_generations(path)})
    history: dict[int, Manifest | ArtifactError] = {}
    for generation in kept:
        if generation <= manifest.generation:
            try:
                history[generation] = read_history(path, generation)
            except MissingError:
                continue  # deleted by a writer, since it was listed
            except ArtifactError as error:
                history[generation] = error
    return PinnedState(
        manifest,
        history,
        lost=_lost(path, manifest, history),
        later=tuple(number for number in before if number > manifest.generation),
    )


def _lost(
    path: Entry, manifest: Manifest, history: dict[int, Manifest | ArtifactError]
) -> tuple[int, ...]:
    """The generations that have no copy now, and that no writer may have deleted since."""
    expected = range(max(1, manifest.generation - KEPT_GENERATIONS), manifest.generation + 1)
    missing = [number for number in expected if number not in history]
    if not missing:
        return ()
    oldest = read_manifest(path).generation - KEPT_GENERATIONS
    return tuple(
        number for number in missing if number >= oldest and not history_path(path, number).exists()
    )
