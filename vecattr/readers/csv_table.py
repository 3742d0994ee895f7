"""CSV and TSV tables: an open file in; its header and a stream of rows with line numbers out.

The standard library's parser is used because it streams, gives exact line numbers, and
distinguishes a short row from an empty cell. Values stay text: `007` is an id, not a number.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vecattr.errors import InputError
from vecattr.formats.kinds import TABLE, first_line, format_of
from vecattr.inputs.input_files import InputFile
from vecattr.inputs.limits import LimitedLines

#: The longest cell (characters): longer than any sequence, and a C long on every platform.
_LONGEST_CELL = 2**31 - 1

#: How many column names a message shows.
_SHOWN_COLUMNS = 8


class Row(NamedTuple):
    """One row: the line it begins on (1-based, the header's line counted) and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class CsvTable:
    """A table: unique, stripped column names, and the rows not read yet."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Row]

    def position(self, column: str) -> int:
        """Where a column stands; InputError that lists the columns when it is missing."""
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
        """The error of a row that has more or fewer cells than the header; None without one."""
        if len(row.cells) == len(self.columns):
            return None
        return InputError(
            f"the row has {len(row.cells)} cells, the header {len(self.columns)}",
            where=self.place(row),
            hint="quote cells that hold the delimiter; a cut file ends in a short row",
        )

    def rows_by_id(self) -> Iterator[tuple[str, Row]]:
        """Each row and its id.

        Raises InputError for a row without an id or with too few or many cells, an id that occurs
        twice, and a table without rows.
        """
        position = self.position("sequence_id")
        seen: set[str] = set()
        for row in self.rows:
            problem = self.count_problem(row)
            if problem is not None:
                raise problem
            name = row.cells[position].strip()
            if not name:
                raise InputError(
                    "the row has no id", where=self.place(row), hint="fill the column sequence_id"
                )
            if name in seen:
                raise InputError(
                    f"the id {name!r} occurs twice",
                    where=self.place(row),
                    hint="keep one row for each id",
                )
            seen.add(name)
            yield name, row
        if not seen:
            raise self.no_rows()

    def no_rows(self) -> InputError:
        """The error of a table without rows."""
        return InputError(
            "the table has a header and no rows", where=self.name, hint="give at least one row"
        )


def read_csv_table(file: InputFile) -> CsvTable:
    """The header and rows of a table; the header shows which delimiter it has.

    Raises InputError when the file is no table, its header lacks `sequence_id`, or a column
    occurs twice. Reading the rows raises InputError at broken quoting and text that is not UTF-8.
    """
    if format_of(file) is not TABLE:
        raise InputError(
            "this is not a table", where=file.name, hint="give a CSV or TSV file with a header"
        )
    csv.field_size_limit(_LONGEST_CELL)
    delimiter = _delimiter(first_line(file.head))
    rows = _rows(file, delimiter)
    header = next(rows, None)
    if header is None:  # `open_input` rejects empty files, not blank rows
        raise InputError(
            "there is no header", where=file.name, hint="give a CSV or TSV file with a header"
        )
    columns = tuple(cell.strip() for cell in header.cells)
    _check_header(columns, file.name)
    return CsvTable(file.name, columns, rows)


def _delimiter(header: str) -> str:
    """The delimiter that gives an id or sequence column, then the one that gives most columns."""

    def score(delimiter: str) -> tuple[bool, int]:
        columns = [part.strip().strip('"') for part in header.split(delimiter)]
        return "sequence_id" in columns or "sequence" in columns, len(columns)

    return max(",\t;", key=score)


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
    counts = Counter(columns)  # `columns.count` for each would take the square of their number
    repeated = sorted(column for column, count in counts.items() if column and count > 1)
    if repeated:
        raise InputError(
            f"the column {repeated[0]!r} occurs twice",
            where=f"{name}:1",
            hint="give every column a name of its own",
        )


def _rows(file: InputFile, delimiter: str) -> Iterator[Row]:
    text = io.TextIOWrapper(file.limited(b"\n", b"\r"), encoding="utf-8", newline="")
    too_long = file.limits.too_long(None, where=file.name)
    lines = LimitedLines(text, most=file.limits.record_bytes, error=too_long)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 0
    try:
        for cells in reader:
            lines.reset()
            first, line = line + 1, reader.line_num
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield Row(first, cells)
    except csv.Error as error:
        raise InputError(
            f"the quoting is broken ({error})",
            where=f"{file.name}:{line + 1}",
            hint="close every quote and double the quotes inside a quoted cell",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "the text is not UTF-8", where=f"{file.name}:{line + 1}", hint="save it as UTF-8"
        ) from error
