"""Rows of one segment on their way to a worker: lines of labelled plasmids in, a file under the
name of its content out, and the plasmids back.

Rows are files, since tasks hold names and small tables alone. A file is checked against its name
when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vecattr.datasets.rows import row_plasmid
from vecattr.errors import DamagedError
from vecattr.files.atomic import atomic_write, read_file, sha256_bytes
from vecattr.plasmid import Plasmid


def write_rows(folder: Path, lines: Iterable[bytes]) -> str:
    """The name of the file that holds these lines, written unless it is there."""
    data = b"".join(lines)
    name = sha256_bytes(data)
    path = folder / name
    if not path.exists():
        atomic_write(path, data)
    return name


def read_rows(folder: Path, name: str) -> Iterator[Plasmid]:
    """The plasmids of a file; DamagedError when its content is not what it is named after."""
    data = read_file(folder / name)
    if sha256_bytes(data) != name:
        raise DamagedError(
            "rows that are not what was written", where=str(folder / name), hint="build again"
        )
    yield from map(row_plasmid, data.splitlines())
