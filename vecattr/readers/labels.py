"""A label file: a table beside the sequences in, a mapping from sequence id to lab out."""

from __future__ import annotations

import sys
from pathlib import Path

from vecattr.errors import InputError
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import check_lab_name
from vecattr.readers.csv_table import read_any_table
from vecattr.readers.table import Row, Table, filled_cell

#: Every way to write a one-hot cell.
_ONES = ("1", "1.0")
_ZEROS = ("0", "0.0")


def read_labels(path: str | Path, *, partial: bool = False) -> dict[str, str]:
    """Lab by sequence id, from a long table (`sequence_id, lab`) or a one-hot wide one.

    A wide table is the challenge's `train_labels.csv`: one column per lab, and one 1 in each row.
    Only the lab's name is kept of each row, so a table 1,315 columns wide costs no more memory
    than a long one. With `partial` rows of a long table that lack a lab are left out. Raises
    InputError for a row without exactly one lab, an id that occurs twice, or a lab's name that is
    reserved.
    """
    with open_input(path) as file:
        table = read_any_table(file)
        position = table.header.find("lab")
        if position is None:
            return _wide_labels(table)
        return _long_labels(table, position, partial=partial)


def _long_labels(table: Table, position: int, *, partial: bool) -> dict[str, str]:
    labels: dict[str, str] = {}
    for name, row in table.rows_by_id():
        lab = filled_cell(row.cells, position) or ""
        if partial and not lab:
            continue
        labels[name] = sys.intern(check_lab_name(lab, where=table.place(row)))
    return labels


def _wide_labels(table: Table) -> dict[str, str]:
    id_position = table.id_position()
    if len(table.columns) < 2:
        raise InputError(
            "the label file has no column 'lab' and no column per lab",
            where=table.name,
            hint="give a table sequence_id,lab or one 0/1 column per lab",
        )
    labs = [
        "" if position == id_position else check_lab_name(column, where=f"{table.name}:1")
        for position, column in enumerate(table.columns)
    ]
    labels: dict[str, str] = {}
    for name, row in table.rows_by_id():
        row.cells[id_position] = "0"
        labels[name] = labs[_position_of_one(row, table)]
    return labels


def _position_of_one(row: Row, table: Table) -> int:
    """The position of the one 1 among zeros."""
    cells = row.cells
    ones = sum(map(cells.count, _ONES))
    zeros = sum(map(cells.count, _ZEROS))
    if ones != 1 or zeros != len(cells) - 1:
        odd_cell = next((cell for cell in cells if cell not in _ONES + _ZEROS), None)
        content = f"{ones} labs" if odd_cell is None else f"the cell {odd_cell!r}"
        raise InputError(
            f"the row has {content}, expected one 1 among zeros",
            where=table.place(row),
            hint="give a table sequence_id,lab or one 0/1 column per lab",
        )
    return cells.index("1") if "1" in cells else cells.index("1.0")
