"""A list of changes that `collect --update` wrote in; the ids to remove and to add out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vecattr.errors import InputError
from vecattr.inputs.input_files import open_input
from vecattr.readers.csv_table import read_csv_table
from vecattr.readers.table import unescape_formula

#: The values of the column `change` of rows whose plasmid is to be added, and to be removed.
ADDING = ("added", "changed")
REMOVING = ("changed", "withdrawn")

_KINDS = frozenset({*ADDING, *REMOVING})


def ids_to_add(path: str | Path) -> Iterator[str]:
    """The ids of plasmids that are new or have changed; errors as in `ids_to_remove`."""
    return _ids(path, ADDING, "sequence_id")


def ids_to_remove(path: str | Path) -> Iterator[str]:
    """The ids that changed and withdrawn plasmids had; InputError for a file that is no list of
    changes."""
    return _ids(path, REMOVING, "old_id")


def _ids(path: str | Path, kinds: tuple[str, ...], column: str) -> Iterator[str]:
    with open_input(path) as file:
        table = read_csv_table(file)
        if not {"change", "old_id"} <= set(table.columns):
            raise InputError(
                "this is no list of changes",
                where=table.name,
                hint="collect --update TABLE --changes FILE writes one",
            )
        kind_position, position = table.position("change"), table.position(column)
        for row in table.rows:
            problem = table.count_problem(row)
            if problem is not None:
                raise problem
            kind = row.cells[kind_position].strip()
            if kind not in _KINDS:
                raise InputError(
                    f"the change {kind!r} is none of {', '.join(sorted(_KINDS))}",
                    where=table.place(row),
                )
            if kind in kinds:
                yield unescape_formula(row.cells[position].strip())
