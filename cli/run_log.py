"""Events of a command in; lines of a log file out, by standard logging.

What a command tells on stderr is logged, with -q, too: what was done, what was wrong, how far it is
and how it ended. No event holds bases.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from vecattr.cli.log_format import Level, LogFormat
from vecattr.files.disk import disk, write_all
from vecattr.version import __version__

Fields = Mapping[str, str | int | float | None]


class RunLog:
    """The log of one command; lines are appended, so that runs follow each other in one file."""

    def __init__(self, path: Path, *, form: LogFormat, command: str) -> None:
        handler = _Appender(path)
        handler.setFormatter(_JsonLines(command) if form == "json" else _Lines(command))
        self._logger = logging.Logger(f"vecattr {command}", level=logging.DEBUG)
        self._logger.addHandler(handler)
        self._handler = handler
        self._start = time.monotonic()
        self.event("info", f"vecattr {__version__} starts", version=__version__)

    def event(self, level: Level, message: str, **fields: str | int | float | None) -> None:
        """One line; `fields` stand in JSON lines alone."""
        self._logger.log(
            logging.getLevelNamesMapping()[level.upper()], "%s", message, extra={"fields": fields}
        )

    def close(self, exit_code: int) -> None:
        """The last line: how the command ended, and after how long."""
        seconds = round(time.monotonic() - self._start, 3)
        level: Level = "error" if exit_code else "info"
        message = f"ends with exit code {exit_code} after {seconds:.1f} s"
        self.event(level, message, exit_code=exit_code, seconds=seconds)
        self._handler.close()


class _Appender(logging.Handler):
    """A file that is appended to; what cannot be written is told once on stderr.

    OSError when it cannot be opened."""

    _is_told = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = disk().open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        super().__init__()  # after that it is closed at exit

    def emit(self, record: logging.LogRecord) -> None:
        try:
            write_all(self._file, f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except OSError:
            self._tell()

    def close(self) -> None:
        super().close()
        try:
            disk().close(self._file)
        except OSError:
            self._tell()

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            print(f"vecattr: warning: {self._path}: the log is not written", file=sys.stderr)


class _Lines(logging.Formatter):
    """`2026-01-02T03:04:05.678Z INFO query: message`."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage().replace("\n", " ")
        return f"{_time(record)} {record.levelname} {self._command}: {message}"


class _JsonLines(_Lines):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        value: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "command": self._command,
            "message": record.getMessage(),
        }
        return json.dumps({**value, **getattr(record, "fields", {})})


def _time(record: logging.LogRecord) -> str:
    """The time of an event, UTC, ISO 8601 with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
