"""A table that was collected before in; its rows as records whose labs are settled out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vecattr.collection.collected import COLUMNS, UNREADABLE, Collected
from vecattr.collection.settled import Settled
from vecattr.errors import InputError
from vecattr.formats.kinds import first_line
from vecattr.inputs.input_files import InputFile, open_input
from vecattr.inputs.limits import Limits
from vecattr.plasmid import Plasmid, Topology
from vecattr.readers.csv_table import read_csv_table
from vecattr.readers.table import Row, Table, unescape_formula

#: Columns that no other table has together.
_MARKS = frozenset({"sequence_id", "sequence", "lab", "lab_source", "lab_sure"})


def is_collected(head: bytes) -> bool:
    """Whether a file's first bytes are the header of a table that was collected.

    >>> is_collected(b"sequence_id,sequence,topology,lab,lab_source,lab_sure"), is_collected(b">a")
    (True, False)
    """
    line = first_line(head)
    names = {name.strip().strip('"') for name in line.replace("\t", ",").split(",")}
    return names >= _MARKS


def read_collected(file: InputFile) -> Iterator[Collected]:
    """The rows of the table; a row that is no plasmid has a reason. InputError for a table without
    the columns, and for broken quoting."""
    table = read_csv_table(file)
    positions = {name: table.position(name) for name in COLUMNS if name in table.columns}
    for row in table.rows:
        yield _record(table, row, positions)


def unread_columns(path: Path, limits: Limits) -> list[str]:
    """The columns of a table that no table of `collect` has."""
    with open_input(path, limits=limits) as file:
        columns = read_csv_table(file).columns
    return [name for name in columns if name and name not in COLUMNS]


def _record(table: Table, row: Row, positions: dict[str, int]) -> Collected:
    place = table.place(row)
    problem = table.count_problem(row)
    if problem is not None:
        return Collected("(no id)", place, table.name, reason=UNREADABLE, detail=problem.what)
    cells = {
        name: unescape_formula(row.cells[position].strip()) for name, position in positions.items()
    }
    try:
        plasmid = Plasmid(
            cells["sequence_id"],
            cells["sequence"],
            topology=_topology(cells.get("topology") or "circular"),
            lab=cells["lab"],
        )
    except InputError as error:
        name = cells["sequence_id"] or "(no id)"
        return Collected(name, place, table.name, reason=UNREADABLE, detail=error.what)
    lab = Settled(plasmid.lab or "", cells["lab_source"], cells["lab_sure"])
    year = cells.get("year", "")
    return Collected(
        plasmid.id,
        place,
        cells.get("source", ""),
        cells.get("source_url", ""),
        sequence=plasmid.sequence,
        topology=plasmid.topology,
        publication=cells.get("publication", ""),
        year=year,
        deposited=year,
        designer=lab.to_text(),
    )


def _topology(text: str) -> Topology:
    return "linear" if text.lower() == "linear" else "circular"
