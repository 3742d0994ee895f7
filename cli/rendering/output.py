"""Pieces of text in, standard output or one atomically written file out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from vecattr.cli.rendering.color import colored_table, takes_colors
from vecattr.cli.rendering.format_names import Format
from vecattr.errors import AppliedError, ArtifactError


def write_results(
    pieces: Iterable[str], output: Path | None, *, form: Format | None = None
) -> None:
    """Write to stdout as the pieces come, tables in colours where it takes them, or to a file that
    is written atomically."""
    if output is not None:
        write_file(output, utf8("".join(pieces)))
        return
    is_colored = form == "table" and takes_colors(sys.stdout)
    for piece in pieces:
        sys.stdout.write(colored_table(piece) if is_colored else piece)
        sys.stdout.flush()


def utf8(text: str) -> bytes:
    """The text as UTF-8; what cannot be encoded (lone surrogates of file names) is escaped."""
    return text.encode("utf-8", errors="backslashreplace")


def write_file(path: Path, data: bytes) -> None:
    """Replace a file atomically; a pipe or a device is written to, because it must not be
    replaced, and a link is followed.

    AppliedError when the file is there, and the disk failed after that."""
    from vecattr.files.atomic import atomic_write, write_in_place  # start-up

    if path.exists() and not path.is_file():
        write_in_place(path, data)
        return
    try:
        atomic_write(path.resolve(), data)
    except ArtifactError as error:
        if not _holds(path, data):
            raise
        raise AppliedError(
            f"the new file is in force, but the disk failed after that: {error.what}",
            where=str(path),
            hint="it may be lost if the machine stops before its disks have written everything",
        ) from error


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False
