"""Making a new state of an index real: files first, the manifest last, then the sweeping up.

The order is what survives a crash. Segment files are new names that nobody reads yet; then the
log, then `manifest.json` is replaced in one step (the commit); then its copy for the history is
written, and files are deleted that no kept manifest names. Killed before the commit: the old state,
and some stray files that the next writer sweeps up. Killed after it: the new state, perhaps without
its copy, which the next writer makes up for. So a copy of a later generation than `manifest.json`
tells that this is not the file that was written last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from vecattr.errors import ArtifactError
from vecattr.files.atomic import (
    TEMPORARY,
    atomic_write,
    read_file,
)
from vecattr.indexes.storage.index_folder import (
    HISTORY_FOLDER,
    MANIFEST_FILE,
    SEGMENTS_FOLDER,
    history_path,
    kept_generations,
    read_history,
)
from vecattr.indexes.storage.lock import collect
from vecattr.indexes.storage.log import append_log
from vecattr.indexes.storage.manifest import Manifest, parse_manifest
from vecattr.version import __version__

#: How many earlier generations stay, with their segments, for rollback.
KEPT_GENERATIONS = 10

#: Called with the name of each step once it is done; tests raise in it to play a killed writer.
StepHook = Callable[[str], None]

#: The steps in their order; "manifest" is the commit.
STEPS = ("segment", "faiss", "log", "manifest", "history", "sweep")


def no_hook(step: str) -> None:
    """The checkpoint that does nothing."""


def publish(
    path: Path,
    manifest: Manifest,
    *,
    action: str,
    details: Mapping[str, object],
    after_step: StepHook = no_hook,
) -> None:
    """Make `manifest` the present state; its segments are written, and the lock is held."""
    data = replace(manifest, library=__version__).to_json()
    _make_up_for_copy(path)
    append_log(path, manifest, action, details)
    after_step("log")
    atomic_write(path / MANIFEST_FILE, data)
    after_step("manifest")
    with contextlib.suppress(ArtifactError):  # it is published; the next writer makes up for this
        atomic_write(history_path(path, manifest.generation), data)
    after_step("history")
    sweep(path, manifest)
    collect(path)
    after_step("sweep")


def _make_up_for_copy(path: Path) -> None:
    """Write the copy of the present manifest that a writer left out who was killed."""
    present = path / MANIFEST_FILE
    if present.exists():
        data = read_file(present)
        copy = history_path(path, parse_manifest(data, where=str(present)).generation)
        if not copy.exists():
            atomic_write(copy, data)


def sweep(path: Path, manifest: Manifest) -> None:
    """Delete what no kept manifest names: old generations, their segments, stray files.

    A damaged manifest in the history stops the sweep, for nobody knows what it still names; a
    file that cannot be deleted is left to the next writer.
    """
    oldest = manifest.generation - KEPT_GENERATIONS
    kept = [g for g in kept_generations(path) if oldest <= g <= manifest.generation]
    named = {entry.name for entry in manifest.segments}
    try:
        for generation in kept:
            named |= {entry.name for entry in read_history(path, generation).segments}
    except ArtifactError:
        return
    for generation in set(kept_generations(path)) - set(kept):
        _delete(history_path(path, generation))
    for file in sorted((path / SEGMENTS_FOLDER).iterdir()):
        if file.stem not in named:
            _delete(file)
    for folder in (path, path / HISTORY_FOLDER):
        for file in folder.glob(f"{TEMPORARY}*"):
            _delete(file)


def _delete(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()
