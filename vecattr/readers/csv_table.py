"""An open CSV or TSV file in; its header and a stream of rows with their line numbers out.

The standard library's parser is used because it streams, gives exact line numbers, and tells a
short row from an empty cell. Values stay text: `007` is an id, not a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vecattr.errors import InputError
from vecattr.readers.input_files import InputFile, first_line, kind_of
from vecattr.readers.limits import LimitedLines

#: The longest cell (characters): more than any sequence, less than a C long anywhere.
_LONGEST_CELL = 2**31 - 1

#: How many column names a message shows.
_SHOWN_COLUMNS = 8


class Row(NamedTuple):
    """One row: the line it begins on (1-based, the header's line counted) and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class CsvTable:
    """A table: unique, stripped column names and the rows still to be read."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Row]

    def position(self, column: str) -> int:
        """Where a column stands; InputError that names the columns when it is not there."""
        if column not in self.columns:
            shown = ", ".join(self.columns[:_SHOWN_COLUMNS])
            more = len(self.columns) - _SHOWN_COLUMNS
            raise InputError(
                f"the table has no column {column!r}",
                where=self.name,
                hint=f"its columns are: {shown}" + (f" and {more} more" if more > 0 else ""),
            )
        return self.columns.index(column)

    def place(self, row: Row) -> str:
        """`file:line` of a row."""
        return f"{self.name}:{row.line}"

    def count_problem(self, row: Row) -> InputError | None:
        """What is wrong with the number of cells of this row, if anything."""
        if len(row.cells) == len(self.columns):
            return None
        return InputError(
            f"the row has {len(row.cells)} cells, the header {len(self.columns)}",
            where=self.place(row),
            hint="quote cells that hold the delimiter; a cut file ends in a short row",
        )


def read_csv_table(opened: InputFile) -> CsvTable:
    """The header and rows of a table whose delimiter is told by its header.

    Raises InputError when the input is no table, its header lacks `sequence_id`, or a column
    occurs twice. Reading the rows raises InputError at broken quoting and text that is not UTF-8.
    """
    if kind_of(opened) != "table":
        raise InputError(
            "this is not a table", where=opened.name, hint="give a CSV or TSV file with a header"
        )
    csv.field_size_limit(_LONGEST_CELL)
    delimiter = _delimiter(first_line(opened.head))
    rows = _rows(opened, delimiter)
    header = next(rows, None)
    if header is None:  # `open_input` refuses empty files, not blank ones
        raise InputError(
            "there is no header", where=opened.name, hint="give a CSV or TSV file with a header"
        )
    columns = tuple(cell.strip() for cell in header.cells)
    _check_header(columns, opened.name)
    return CsvTable(opened.name, columns, rows)


def _delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns, those with our names first."""

    def promise(delimiter: str) -> tuple[bool, int]:
        columns = [part.strip().strip('"') for part in header.split(delimiter)]
        return "sequence_id" in columns or "sequence" in columns, len(columns)

    return max(",\t;", key=promise)


def _check_header(columns: tuple[str, ...], name: str) -> None:
    if "sequence_id" not in columns and "sequence" not in columns:
        raise InputError(
            f"the table has no header: its first line begins with {columns[0][:40]!r}",
            where=f"{name}:1",
            hint="the first line must name the columns, sequence_id among them",
        )
    if "sequence_id" not in columns:
        raise InputError(
            "the table has no column 'sequence_id'",
            where=f"{name}:1",
            hint="name the column that holds the ids sequence_id",
        )
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise InputError(
            f"the column {twice[0]!r} occurs twice",
            where=f"{name}:1",
            hint="give every column a name of its own",
        )


def _rows(opened: InputFile, delimiter: str) -> Iterator[Row]:
    text = io.TextIOWrapper(opened.records("table"), encoding="utf-8", newline="")
    most, error = opened.limits.record_bytes, opened.limits.too_long(None, where=opened.name)
    lines = LimitedLines(text, most=most, error=error)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 0
    try:
        for cells in reader:
            lines.reset()
            begin, line = line + 1, reader.line_num
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield Row(begin, cells)
    except csv.Error as error:
        raise InputError(
            f"the quoting is broken ({error})",
            where=f"{opened.name}:{line + 1}",
            hint="close every quote and double the quotes inside a quoted cell",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "the text is not UTF-8", where=f"{opened.name}:{line + 1}", hint="save it as UTF-8"
        ) from error
