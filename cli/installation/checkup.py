"""A place of an index in, what a person should know of vecattr here out: one finding a check.

Nothing is changed: a lock is tried on a file of its own, which is deleted again.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vecattr.errors import VecattrError
from vecattr.extras import EXTRAS, install_command, is_installed
from vecattr.files.disk import disk
from vecattr.posix import HAS_POSIX
from vecattr.version import __version__

if TYPE_CHECKING:
    from vecattr.indexes.storage.snapshot import Snapshot

State = Literal["good", "note", "wrong"]

#: The versions of Python that vecattr is tested with.
TESTED = ("3.11", "3.12", "3.13")

#: What each extra is for.
PURPOSES = {
    "train": "training, GPUs",
    "viz": "maps and clusters",
    "serve": "a service for colleagues",
    "cluster": "workers of a Dask cluster",
    "excel": "Excel workbooks",
    "parquet": "Parquet files",
    "biopython": "GenBank as output, Gene Construction Kit files as input",
    "pandas": "data frames from Python",
}

#: The core's distributions whose versions matter when something is reported.
_CORE = ("numpy", "h5py", "faiss-cpu", "click")


@dataclass(frozen=True)
class Finding:
    """What one check found: `good`, a `note` that needs nothing done, or `wrong`; and the next
    step, if there is one."""

    check: str
    state: State
    what: str
    next_step: str | None = None


def findings(path: Path) -> Iterator[Finding]:
    """All checks of this installation and of the index at `path`, in the order of reading."""
    yield from _environment()
    yield from map(_extra, sorted(set(EXTRAS.values())))
    yield _lock(path)
    yield _disk(path)
    yield from _index(path)


def _environment() -> Iterator[Finding]:
    python = ".".join(platform.python_version_tuple()[:2])
    what = f"vecattr {__version__}, Python {platform.python_version()}, {platform.system()}"
    if python in TESTED:
        yield Finding("python", "good", what)
    else:
        tested = ", ".join(TESTED)
        yield Finding("python", "note", f"{what}; tested are {tested}", "use one of these")
    hint = "use Linux; on Windows that is the Windows Subsystem for Linux (wsl --install)"
    lacks = Finding("system", "wrong", "this system has no file locks that indexes need", hint)
    yield Finding("system", "good", f"{platform.platform()}") if HAS_POSIX else lacks
    yield Finding("libraries", "good", ", ".join(f"{name} {_version(name)}" for name in _CORE))


def _version(distribution: str) -> str:
    try:
        return version_of(distribution)
    except PackageNotFoundError:
        return "(version unknown)"


def _extra(extra: str) -> Finding:
    libraries = sorted(library for library, name in EXTRAS.items() if name == extra)
    missing = [library for library in libraries if not is_installed(library)]
    purpose = PURPOSES[extra]
    if not missing:
        return Finding(f"extra {extra}", "good", f"installed: {purpose}")
    what = f"not installed, for {purpose} (missing: {', '.join(missing)})"
    return Finding(f"extra {extra}", "note", what, install_command(extra))


def _place(path: Path) -> Path:
    """The folder in which the index is, or would be built, or the nearest one that is there."""
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def _lock(path: Path) -> Finding:
    """Whether a file that is locked cannot be locked again, in the folder of the index."""
    folder = _place(path)
    try:
        first, file = disk().open_temporary(folder, ".vecattr-doctor-")
    except OSError as error:
        what = f"{folder} cannot be written to ({error.strerror})"
        return Finding("lock", "note", what, "enough to ask an index; to change one, use another")
    try:
        second = disk().open(file, os.O_RDWR)
        try:
            disk().lock(first)
            disk().lock(second)
        except BlockingIOError:
            return Finding("lock", "good", f"two writers keep out of each other's way in {folder}")
        except (OSError, VecattrError) as error:
            what = f"files in {folder} cannot be locked ({error})"
            return Finding("lock", "wrong", what, "keep indexes on a local disk")
        finally:
            disk().close(second)
    finally:
        disk().close(first)
        with suppress(OSError):
            disk().unlink(file)
    what = f"locks have no effect in {folder}: two writers could change an index at once"
    return Finding("lock", "wrong", what, "keep indexes on a local disk")


def _disk(path: Path) -> Finding:
    """Whether there is space for another copy of the index, which building again takes."""
    free = shutil.disk_usage(_place(path)).free
    size = sum(_sizes(path))
    what = f"{free / 1e9:,.1f} GB free"
    if not size:
        return Finding("disk", "good", what)
    what = f"{what}, the index takes {size / 1e9:,.3f} GB"
    if free > 2 * size:
        return Finding("disk", "good", what)
    return Finding("disk", "wrong", f"{what}, and an edit may need as much again", "free some")


def _sizes(folder: Path) -> Iterator[int]:
    """The sizes of the files in a folder; what a writer deletes meanwhile is left out."""
    for inner, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield os.lstat(os.path.join(inner, name)).st_size


def _index(path: Path) -> Iterator[Finding]:
    """What there is to say of the index at `path`."""
    from vecattr.indexes.storage.log import read_log  # start-up
    from vecattr.indexes.storage.snapshot import open_present  # start-up

    if not path.exists():
        next_step = "vecattr build-index TABLE makes one; -i or $VECATTR_INDEX names another"
        yield Finding("index", "note", f"there is none at {path}", next_step)
        return
    try:
        folder, snapshot = open_present(path)
        with folder:
            log = read_log(folder.root, generation=snapshot.manifest.generation)
    except VecattrError as error:
        yield Finding("index", "wrong", f"{error.where or path}: {error.what}", error.hint)
        return
    manifest = snapshot.manifest
    what = f"{path}: {manifest.plasmids:,} plasmids of {manifest.labs:,} labs"
    made = f"generation {manifest.generation}, {_age(log[-1] if log else {})}"
    by = f"by vecattr {manifest.library or '0.1.0 or older'}"
    next_step = f"vecattr verify -i {path} checks every byte"
    yield Finding("index", "good", f"{what}; {made}, {by}", next_step)
    yield _calibration(snapshot, log)


def _calibration(snapshot: Snapshot, log: list[dict[str, object]]) -> Finding:
    """How old the calibration is, and how much changed since."""
    from vecattr.indexes.answering.info import ANEW, MUCH_CHANGED  # start-up
    from vecattr.indexes.storage.log import calibrated_at, changed_since_calibration  # start-up

    if snapshot.calibration is None:
        what = "none: answers have no probabilities, and the verdict no threshold"
        return Finding("calibration", "note", what, "build from a larger collection, or train")
    changed = changed_since_calibration(log)
    share = changed / max(1, snapshot.manifest.plasmids)
    what = f"fitted {_age(calibrated_at(log))}; {changed:,} plasmids changed since ({share:.0%})"
    if share < MUCH_CHANGED:
        return Finding("calibration", "good", what)
    what = f"{what}, so probabilities and verdicts may be off"
    parts = (part for segment in snapshot.segments for part in segment.parts)
    return Finding(
        "calibration", "wrong", what, ANEW[any(part.origin == "learned" for part in parts)]
    )


def _age(entry: Mapping[str, object]) -> str:
    """When an entry of the log was written, in words."""
    try:
        then = datetime.fromisoformat(str(entry["time"]))
    except (KeyError, ValueError):
        return "at an unknown time"
    days = (datetime.now(UTC) - then).days
    return f"on {then:%Y-%m-%d} ({'today' if days < 1 else f'{days} days ago'})"
