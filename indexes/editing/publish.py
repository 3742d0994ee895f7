"""Publishing a new state of an index: files first, the manifest last, then cleaning up.

The order is what makes it crash-safe. Segment files have new names, which no manifest lists yet.
Then the log is written; then `manifest.json` is replaced in one step (the commit); then its copy
for the history is written, and files that no kept manifest lists are deleted. A writer killed
before the commit leaves the old state and stray files, which the next writer deletes. Killed after
it, it leaves the new state, perhaps without its copy in the history, which the next writer adds.
So a copy of a later generation than `manifest.json` shows that `manifest.json` was put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from vecattr.encoders.model_folder import usual_name
from vecattr.errors import AppliedError, ArtifactError, MovedError, VecattrError
from vecattr.files.atomic import (
    atomic_write,
    is_temporary,
    read_file,
)
from vecattr.files.folder import Entry
from vecattr.indexes.storage.index_folder import (
    HISTORY_FOLDER,
    MANIFEST_FILE,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    history_path,
    is_segment_file,
    kept_generations,
    read_history,
)
from vecattr.indexes.storage.lock import LockedFolder, sweep_beside
from vecattr.indexes.storage.log import append_log
from vecattr.indexes.storage.manifest import Manifest, parse_manifest
from vecattr.version import __version__

#: How many earlier generations stay, with their segments, for rollback.
KEPT_GENERATIONS = 10

#: Called with the name of each step once it is done; tests raise in it to simulate a kill.
StepHook = Callable[[str], None]

#: The steps in their order; "manifest" is the commit.
STEPS = ("segment", "faiss", "log", "manifest", "history", "sweep")


def no_hook(step: str) -> None:
    """The hook that does nothing."""


def publish(
    folder: LockedFolder,
    manifest: Manifest,
    *,
    action: str,
    details: Mapping[str, object],
    step: StepHook = no_hook,
) -> None:
    """Make `manifest` the present state of a locked index; its segments must be written.

    MovedError when the folder was replaced meanwhile: then the index at its path is not changed.
    AppliedError when the manifest is in force, and something after it failed; a signal that comes
    then is raised after the hook was called with "manifest".
    """
    path, root = folder.path, folder.root
    data = replace(manifest, library=__version__).to_json()
    folder.check_in_place()
    _complete_history(folder)
    append_log(root, manifest, action, details)
    step("log")
    folder.check_in_place()
    with told_when_in_force(path, lambda: _is_published(folder, data), partial(step, "manifest")):
        atomic_write(root / MANIFEST_FILE, data, in_shared_folder=True)
    step("manifest")
    with told_when_in_force(path, lambda: True):
        folder.check_in_place()
    with contextlib.suppress(ArtifactError):  # published already; the next writer adds the copy
        atomic_write(history_path(root, manifest.generation), data, in_shared_folder=True)
    step("history")
    with told_when_in_force(path, lambda: True):
        folder.check_in_place()
        sweep(root, manifest)
        sweep_beside(folder)
    step("sweep")
    with told_when_in_force(path, lambda: True):
        folder.check_in_place()


@contextlib.contextmanager
def told_when_in_force(
    path: Path, is_in_force: Callable[[], bool], tell: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """An error of the system or of vecattr becomes AppliedError when the change of the index at
    `path` is in force all the same. `tell` is called before that, or a signal, is raised."""
    try:
        yield
    except MovedError:
        raise
    except AppliedError:
        tell()
        raise
    except (VecattrError, OSError) as error:
        if not is_in_force():
            raise
        tell()
        raise AppliedError.from_cause(error, where=str(path)) from error
    except BaseException:
        if is_in_force():
            tell()
        raise


@contextlib.contextmanager
def not_in_force_yet(path: Path) -> Iterator[None]:
    """What is in force in an unfinished folder counts for nothing yet: an AppliedError becomes
    ArtifactError, because the folder will not come to be at `path`."""
    try:
        yield
    except AppliedError as error:
        cause = error.__cause__
        what = cause.what if isinstance(cause, VecattrError) else str(cause)
        raise ArtifactError(
            f"nothing was built: {what}",
            where=str(path),
            hint="try again when the disk can be written to",
        ) from error


def _is_published(folder: LockedFolder, data: bytes) -> bool:
    """Whether these bytes are the present manifest of the index."""
    try:
        return folder.is_in_place() and read_file(folder.root / MANIFEST_FILE) == data
    except (VecattrError, OSError):
        return False


def _complete_history(folder: LockedFolder) -> None:
    """Write the copy of the present manifest, if a killed writer did not."""
    present = folder.root / MANIFEST_FILE
    if present.exists():
        data = read_file(present)
        generation = parse_manifest(data, where=str(present)).generation
        if not history_path(folder.root, generation).exists():
            atomic_write(history_path(folder.root, generation), data, in_shared_folder=True)


def sweep(path: Entry, manifest: Manifest) -> None:
    """Delete what no kept manifest lists: old generations, their segments, stray files.

    Only files with names that vecattr gives are deleted. A damaged manifest in the history stops
    the sweep, because what it lists is unknown; a file that cannot be deleted is left to the next
    writer.
    """
    oldest = manifest.generation - KEPT_GENERATIONS
    kept = [number for number in kept_generations(path) if oldest <= number <= manifest.generation]
    listed = manifest.stored_names
    models = {name for name, _ in manifest.model_files}
    try:
        for generation in kept:
            earlier = read_history(path, generation)
            listed |= earlier.stored_names
            models |= {name for name, _ in earlier.model_files}
    except ArtifactError:
        return
    for generation in set(kept_generations(path)) - set(kept):
        _delete(history_path(path, generation))
    for file in (path / SEGMENTS_FOLDER).iterdir():
        if file.stem not in listed and is_segment_file(file.name):
            _delete(file)
    for file in (path / MODEL_FOLDER).iterdir():
        if file.name not in models and usual_name(file.name) != file.name:
            _delete(file)
    for folder in (path, path / HISTORY_FOLDER, path / SEGMENTS_FOLDER, path / MODEL_FOLDER):
        for file in folder.iterdir():
            if is_temporary(file.name):
                _delete(file)


def _delete(file: Entry) -> None:
    with contextlib.suppress(OSError, ArtifactError):
        file.delete()
