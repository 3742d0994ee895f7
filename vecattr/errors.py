"""The tree of errors: what is wrong, where and the next step, as data; each has an exit code.

VecattrError                 1   something unexpected inside vecattr
├── UsageError               2   options that do not fit together
│   └── MissingExtraError    2   a library of an extra is not installed; an ImportError, too
├── InputError               3   the user's data is wrong: file, record, position
│   └── LimitError           3   it is larger than the limits that were set
├── ArtifactError            4   an index or a model cannot be used
│   ├── MissingError         4   it does not exist
│   ├── DamagedError         4   its content is not what was written
│   ├── MismatchError        4   it is intact, but does not belong to what it is used with
│   └── MovedError           4   its folder was moved, replaced or deleted since it was opened
├── LockedError              5   another process is writing
└── AppliedError             0   the change is in force, and something after it failed

A message shows a wrong value beside the value that was expected.
"""

from __future__ import annotations

from collections.abc import Callable


class VecattrError(Exception):
    """Any error that vecattr itself raises.

    `what` is the problem, `where` a `file:line`, path or record id, `hint` the next step.

    >>> from vecattr import Index
    >>> try:
    ...     Index.open("no.index")
    ... except VecattrError as error:
    ...     print(error.what, error.where, error.exit_code)
    there is no index here no.index 4
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[Callable[..., VecattrError], tuple[object, ...]]:
        return _restored, (type(self), self.what, self.where, self.hint)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.hint}" if self.hint else head


def _restored(
    kind: type[VecattrError], what: str, where: str | None, hint: str | None
) -> VecattrError:
    """An error from its pickled parts, as another process raised it."""
    return kind(what, where=where, hint=hint)


class UsageError(VecattrError):
    """Options or arguments that do not fit together."""

    exit_code = 2


class MissingExtraError(UsageError, ImportError):
    """Something needs an optional library that is not installed; the hint has the command."""


class InputError(VecattrError):
    """The user's data is wrong."""

    exit_code = 3


class LimitError(InputError):
    """The user's data is larger than the limits that were set."""


class ArtifactError(VecattrError):
    """An index or a model cannot be used."""

    exit_code = 4


class MissingError(ArtifactError):
    """An index, a model or one of their files does not exist."""


class DamagedError(ArtifactError):
    """The content of a file of an index or a model is not what was written."""


class MismatchError(ArtifactError):
    """Two artifacts, each intact, do not belong together."""


class MovedError(ArtifactError):
    """The folder of an opened index or model is no longer at its path."""


class LockedError(VecattrError):
    """Another process is writing to the same index."""

    exit_code = 5


class AppliedError(VecattrError):
    """The change is in force, and something after it failed: do not make it again. `report` is what
    the edit would have returned, where it tells."""

    exit_code = 0
    report: object = None

    @classmethod
    def from_cause(cls, cause: Exception, *, where: str | None) -> AppliedError:
        """Of an error that came after the change of the index at `where`."""
        what = cause.what if isinstance(cause, VecattrError) else str(cause)
        return cls(
            f"the change is in force, but what came after it failed: {what or repr(cause)}",
            where=where,
            hint="do not make it again; it may be lost if the machine stops before its disks have "
            "written everything",
        )
