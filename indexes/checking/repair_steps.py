"""The steps of a repair: files to be written or moved in, what was done and what failed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vecattr.errors import AppliedError, ArtifactError, MovedError
from vecattr.files.atomic import atomic_write, translated_errors
from vecattr.files.folder import Entry
from vecattr.indexes.checking.file_check import holds
from vecattr.indexes.checking.quarantine import quarantine_place
from vecattr.indexes.editing.publish import StepHook, publish, told_when_in_force
from vecattr.indexes.storage.lock import LockedFolder
from vecattr.indexes.storage.manifest import Manifest


class RepairSteps:
    """The steps of one repair of one index, under its lock; `repairs` are sentences.

    Once it `has_begun`, files may have been changed; `warning` is what failed after a change that
    is in force, and `is_published` whether a repaired state is.
    """

    def __init__(self, folder: LockedFolder, step: StepHook) -> None:
        self.folder, self.root = folder, folder.root
        self.repairs: list[str] = []
        self.has_begun = self.is_published = False
        self.warning: AppliedError | None = None
        self._step = step

    def quarantine(self, file: Entry, why: str) -> None:
        """Move a file out of the way, durably."""
        self.has_begun = True
        target = quarantine_place(self.root, file.name)
        with self._going_on(lambda: target.exists() and not file.exists()), translated_errors(file):
            file.move_to(target)
        self.repairs.append(f"{file}: moved to {target} ({why})")

    def write(self, file: Entry, data: bytes) -> None:
        """Write a file."""
        self.has_begun = True
        with self._going_on(lambda: holds(file, data)):
            atomic_write(file, data, in_shared_folder=True)

    def publish(self, manifest: Manifest) -> None:
        """Publish a repaired state."""
        self.has_begun = True
        details = {"done": list(self.repairs)}
        try:
            publish(self.folder, manifest, action="repair", details=details, step=self._step)
        except AppliedError as error:
            self.warning = error
        self.is_published = True

    @contextmanager
    def _going_on(self, is_done: Callable[[], bool]) -> Iterator[None]:
        """A failure of a step that was done all the same is a warning."""
        try:
            with told_when_in_force(self.folder.path, is_done):
                yield
        except AppliedError as error:
            self.warning = error

    @contextmanager
    def says_what_is_done(self) -> Iterator[None]:
        """An error of the disk tells how far the repair is; once a repaired state is published, it
        is a warning."""
        try:
            yield
        except MovedError:
            raise
        except ArtifactError as error:
            if not self.has_begun or type(error) is not ArtifactError:  # its files, not the disk
                raise
            if self.is_published:
                self.warning = AppliedError.from_cause(error, where=error.where)
                return
            raise ArtifactError(
                f"the index is repaired in part ({len(self.repairs)} steps are done): {error.what}",
                where=error.where,
                hint=error.hint or "nothing is lost: try again when the disk can be written to",
            ) from error
