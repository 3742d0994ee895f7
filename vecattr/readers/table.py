"""A table that is being read: its header, and rows of text with their places in the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vecattr.errors import InputError
from vecattr.readers.columns import BY_NAME, ColumnNames, Header, is_missing, known_columns

#: A cell that starts with one of these is run as a formula by spreadsheet programs; the full-width
#: forms by those of some languages. Where a list separator is a semicolon, they split cells there.
_FORMULA = re.compile(r"""(^|;[\s"]*)(?=[=+\-@＝＋－＠])""")
_ESCAPED = re.compile(r"""(^|;[\s"]*)'(?=[=+\-@＝＋－＠])""")


def escape_formula(text: str) -> str:
    """A = + - @ at the start or after a semicolon gets an apostrophe before it, so that a
    spreadsheet shows it as text.

    >>> escape_formula("=cmd()")
    "'=cmd()"
    """
    return text if text.isalnum() else _FORMULA.sub(r"\1'", text)


def unescape_formula(text: str) -> str:
    """The text that `escape_formula` was given, so that names in tables of vecattr are read as they
    are.

    >>> unescape_formula("'=cmd()")
    '=cmd()'
    """
    return _ESCAPED.sub(r"\1", text) if "'" in text else text


def filled_cell(cells: Sequence[str], position: int | None) -> str | None:
    """A cell without outer whitespace, as it was before `escape_formula`; None when its value is
    missing, or there is no such cell."""
    if position is None or position >= len(cells):
        return None
    cell = cells[position].strip()
    return None if is_missing(cell) else unescape_formula(cell)


class Row(NamedTuple):
    """One row: the line it begins on (1-based, the header's line counted) and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A table: unique, stripped column names, and the rows not read yet. The program that wrote it
    cuts cells to `longest_cell` characters (None: it does not)."""

    header: Header
    rows: Iterator[Row]
    longest_cell: int | None = None

    @property
    def name(self) -> str:
        """The file's."""
        return self.header.file

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, as the file has them."""
        return self.header.columns

    def position(self, column: str) -> int:
        """As `Header.position`."""
        return self.header.position(column)

    def place(self, row: Row) -> str:
        """`file:line` of a row."""
        return f"{self.name}:{row.line}"

    def cut_problem(self, cell: str) -> InputError | None:
        """The error of a sequence that was cut when the table was saved; None when it was not."""
        if self.longest_cell is None or len(cell) < self.longest_cell:
            return None
        return InputError(
            f"the sequence is cut: a cell of a workbook holds {self.longest_cell:,} characters",
            hint="give the plasmid as FASTA or GenBank, or the table as CSV from where it was made",
        )

    def count_problem(self, row: Row) -> InputError | None:
        """The error of a row that has more or fewer cells than the header; None without one."""
        if len(row.cells) == len(self.columns):
            return None
        return InputError(
            f"the row has {len(row.cells)} cells, the header {len(self.columns)}",
            where=self.place(row),
            hint="quote cells that hold the delimiter; a cut file ends in a short row",
        )

    def id_position(self) -> int:
        """Where the ids stand; InputError when there is no such column."""
        position = self.header.find("id")
        if position is None:
            raise InputError(
                "the table has no column of ids",
                where=f"{self.name}:1",
                hint="call it sequence_id, or name it with --id-column",
            )
        return position

    def rows_by_id(self) -> Iterator[tuple[str, Row]]:
        """Each row and its id.

        Raises InputError for a row without an id or with too few or many cells, an id that occurs
        twice, and a table without rows.
        """
        position = self.id_position()
        seen: set[str] = set()
        for row in self.rows:
            problem = self.count_problem(row)
            if problem is not None:
                raise problem
            name = filled_cell(row.cells, position)
            if name is None:
                raise InputError(
                    "the row has no id",
                    where=self.place(row),
                    hint=f"fill the column {self.columns[position]}",
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


def table_of(
    rows: Iterator[Row],
    file_name: str,
    names: ColumnNames = BY_NAME,
    *,
    longest_cell: int | None = None,
) -> Table:
    """The table whose first row is the header.

    Raises InputError when there is no row, no column is one that is needed, or a name occurs twice.
    """
    first = next(rows, None)
    if first is None:  # `open_input` rejects empty files, not blank rows
        raise InputError(
            "there is no header",
            where=file_name,
            hint="give a table with a header, its columns sequence_id and sequence",
        )
    columns = tuple(cell.strip() for cell in first.cells)
    check_header(columns, f"{file_name}:{first.line}", names)
    return Table(Header(columns, file_name, names), rows, longest_cell)


def check_header(columns: tuple[str, ...], place: str, names: ColumnNames = BY_NAME) -> None:
    """InputError when no column is one that is needed, or a name occurs twice."""
    if not known_columns(columns, names) & names.needed:
        raise InputError(
            f"the table has no header: its first line begins with {columns[0][:40]!r}",
            where=place,
            hint="the first line must name the columns, lab among them"
            if names.needed == {"lab"}
            else "the first line must name the columns, sequence_id and sequence among them; for "
            "other names give --id-column NAME and --sequence-column NAME",
        )
    counts = Counter(columns)  # `columns.count` for each would take the square of their number
    repeated = sorted(column for column, count in counts.items() if column and count > 1)
    if repeated:
        raise InputError(
            f"the column {repeated[0]!r} occurs twice",
            where=place,
            hint="give every column a name of its own",
        )
