"""Rows of one segment on their way to a worker: labelled plasmids in, a file under the name of its
content out, and back.

Rows are lines of JSON, since tasks hold names and small tables alone. A file is checked against its
name when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from vecattr.errors import DamagedError
from vecattr.files.atomic import atomic_write, read_file, sha256_bytes
from vecattr.info import PlasmidInfo
from vecattr.plasmid import Plasmid

_INFO = ("publication", "year", "source_url")


def row_line(plasmid: Plasmid) -> bytes:
    """A plasmid with what a segment stores of it, as a line."""
    row = {
        "id": plasmid.id,
        "sequence": plasmid.sequence,
        "topology": plasmid.topology,
        "features": None if plasmid.features is None else dict(plasmid.features),
        "lab": plasmid.lab,
        "group": plasmid.group,
    }
    info = plasmid.info or PlasmidInfo()
    row |= {name: getattr(info, name) for name in _INFO}
    return json.dumps(row, sort_keys=True).encode("ascii") + b"\n"


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
    for line in data.splitlines():
        row = json.loads(line)
        info = PlasmidInfo(*(row.pop(key) for key in _INFO))
        yield Plasmid(**row, info=info if info else None)
