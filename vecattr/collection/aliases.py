"""The file of aliases: an editable table of names in; what a person decided, and all names, out.

A row says which lab a spelling is, and why. Who changes the `lab` of a row decides: such a row
differs from what was `suggested`, and stays as it is when the file is written anew.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from vecattr.collection.table_file import table_writer
from vecattr.designers.lab_names import MergedName, Spelling
from vecattr.errors import InputError
from vecattr.formats.kinds import first_line
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import check_lab_name, composed
from vecattr.readers.table import unescape_formula

#: The columns of the file, in order; a file of a person needs only the first two.
ALIAS_COLUMNS = ("spelling", "lab", "institute", "publication", "suggested", "records", "why")


@dataclass(frozen=True)
class Aliases:
    """What a person decided: `rows` by spelling, institute and publication (empty: any)."""

    rows: Mapping[Spelling, MergedName]
    suggested: Mapping[Spelling, str]

    @property
    def labs(self) -> dict[Spelling, str]:
        """The lab of each spelling."""
        return {spelling: row.lab for spelling, row in self.rows.items()}


def read_aliases(path: Path) -> Aliases:
    """What a person decided in a file of aliases; nothing when there is no file. InputError for a
    file without `spelling` and `lab`, a name that no lab can have, or two labs for one spelling."""
    rows: dict[Spelling, MergedName] = {}
    suggested: dict[Spelling, str] = {}
    for place, cells in _cells(path) if path.exists() else ():
        lab = check_lab_name(cells["lab"], where=place)
        spelling = (
            composed(cells["spelling"]),
            composed(cells.get("institute", "")),
            cells.get("publication", ""),
        )
        if lab == cells.get("suggested"):
            continue
        if spelling in rows and rows[spelling].lab != lab:
            raise InputError(
                f"{spelling[0]!r} is {rows[spelling].lab!r} in an earlier row, and {lab!r} here",
                where=place,
                hint="keep one row for each spelling, institute and publication",
            )
        rows[spelling] = MergedName(lab, *spelling, 0, cells.get("why", ""))
        suggested[spelling] = cells.get("suggested", "")
    return Aliases(rows, suggested)


def _cells(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The place of each row, and its cells by column."""
    with open_input(path) as file:
        delimiter = max(",;\t", key=first_line(file.head).count)
        text = io.TextIOWrapper(file.stream, encoding="utf-8", newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            columns = [name.strip() for name in next(reader)]
            _check_columns(columns, path)
            for cells in reader:
                place = f"{path}:{reader.line_num}"
                if len(cells) > 1:
                    values = [unescape_formula(cell.strip()) for cell in cells]
                    yield place, dict(zip_longest(columns, values[: len(columns)], fillvalue=""))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"this is no table of aliases ({error})",
                where=f"{path}:{reader.line_num}",
                hint="save it as CSV in UTF-8",
            ) from error


def unread_columns(path: Path) -> list[str]:
    """The columns of a file of aliases that no row of a new one has."""
    with open_input(path) as file:
        line = first_line(file.head)
    [columns] = csv.reader([line], delimiter=max(",;\t", key=line.count))
    return [name for name in map(str.strip, columns) if name and name not in ALIAS_COLUMNS]


def _check_columns(columns: Sequence[str], path: Path) -> None:
    for name in ("spelling", "lab"):
        if name not in columns:
            raise InputError(
                f"the file of aliases has no column {name!r}",
                where=f"{path}:1",
                hint=f"its columns are: {', '.join(ALIAS_COLUMNS)}",
            )


def write_aliases(path: Path, names: Sequence[MergedName], aliases: Aliases) -> None:
    """Write all names with their labs: the rows that a person decided as they are, the others as
    they come."""
    counts = {row_key(row): row.records for row in names}
    decided = [
        replace(row, records=counts.get(spelling, 0)) for spelling, row in aliases.rows.items()
    ]
    others = [row for row in names if row_key(row) not in aliases.rows]
    with table_writer(path, ALIAS_COLUMNS) as write:
        for row in sorted([*decided, *others]):
            suggested = aliases.suggested.get(row_key(row), row.lab)
            cells = row.spelling, row.lab, row.institute, row.publication, suggested
            write([*cells, row.records, row.why])


def row_key(row: MergedName) -> Spelling:
    """What a row is about."""
    return row.spelling, row.institute, row.publication
