"""What happened in, lines of JSON out: the log on stderr, and the audit of answers in a file.

Neither holds bases or names that a user gave. A line is one JSON document in ASCII, so nothing
that a stranger sends can begin another line.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vecattr.cli.rendering.formats import plain
from vecattr.cli.serving.messages import Failure, frames_of
from vecattr.errors import InputError, UsageError, VecattrError
from vecattr.files.disk import closed_after, disk, write_all

if TYPE_CHECKING:
    from vecattr.cli.serving.question import Reply

#: Longer texts of a stranger are cut in a line.
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Asker:
    """Who asks: the address, the name of the token, and the number of the request."""

    address: str
    name: str | None
    request: str


class UnwrittenError(VecattrError):
    """An answer could not be written down, and so is not given."""


@dataclass
class Journal:
    """The log, and the audit of answers when there is a file for it."""

    audit: Path | None = None
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def log(self, event: str, /, *, level: str = "info", **facts: object) -> None:
        """One line; work goes on when it cannot be written."""
        line = _line({"time": _now(), "level": level, "event": event, **facts})
        with self._lock:
            try:
                self.stream.write(line)
                self.stream.flush()
            except (OSError, ValueError):
                return

    def answered(self, reply: Reply, asker: Asker) -> None:
        """A line of the audit for each answer, on disk before the answers are given;
        UnwrittenError when the disk refuses."""
        if self.audit is None:
            return
        lines = [
            _line(
                {
                    "time": _now(),
                    "request": asker.request,
                    "client": asker.address,
                    "who": asker.name,
                    **asdict(facts),
                    "index": reply.identity,
                    "generation": reply.generation,
                }
            )
            for facts in reply.answers
        ]
        try:
            with self._lock:
                self._append("".join(lines).encode())
        except OSError as error:
            self.log("audit failed", level="error", reason=error.strerror)
            raise UnwrittenError(
                "the answers could not be written down, and so are not given",
                hint="tell whoever runs the service that the audit cannot be written",
            ) from error

    def crashed(self, error: Exception, *, request: str) -> None:
        """A line for a fault of the service: its kind and the places in the code, no message."""
        kind, frames = type(error).__name__, frames_of(error)
        self.log("error", level="error", request=request, kind=kind, frames=frames)

    def check(self) -> None:
        """UsageError when the file of the audit cannot be written to."""
        if self.audit is None:
            return
        try:
            self._append(b"")
        except OSError as error:
            raise UsageError(
                f"the audit cannot be written ({error.strerror})", where=str(self.audit)
            ) from error

    def failed(self, failure: Failure) -> None:
        """A line for an error of a worker process that is no fault of whoever asked."""
        error = failure.error
        if not isinstance(error, InputError | UsageError):
            self.log(
                "failure", level="error", what=error.what, where=error.where, frames=failure.frames
            )

    def _append(self, data: bytes) -> None:
        """Opened for each line, so that the file can be moved away while the service runs."""
        assert self.audit is not None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        handle = disk().open(self.audit, flags, 0o600)
        with closed_after(handle):
            write_all(handle, data)
            disk().sync(handle)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _line(facts: Mapping[str, object]) -> str:
    return json.dumps(plain({key: _cut(value) for key, value in facts.items()})) + "\n"


def _cut(value: object) -> object:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value
