"""Tables: an open file in; its header and a stream of rows of text with line numbers out.

CSV and TSV are read here, other kinds by `vecattr.readers.binary_tables`. The standard library's
parser is used because it streams, gives exact line numbers, and distinguishes a short row from an
empty cell. Values stay text: `007` is an id, not a number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from vecattr.errors import InputError
from vecattr.formats.kinds import TABLE, TABLES, first_line, format_of
from vecattr.inputs.input_files import InputFile
from vecattr.inputs.limits import LimitedLines
from vecattr.inputs.text import LENIENT
from vecattr.readers.columns import BY_NAME, ColumnNames, known_columns
from vecattr.readers.table import Row, Table, table_of

#: The longest cell (characters): longer than any sequence, and a C long on every platform.
_LONGEST_CELL = 2**31 - 1

#: The line by which spreadsheets are told the delimiter: `sep=;`.
_DELIMITER_LINE = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)


def read_any_table(file: InputFile, names: ColumnNames = BY_NAME) -> Table:
    """The header and rows of a CSV or TSV table, an Excel workbook or a Parquet file; errors as in
    `read_csv_table` and `read_binary_table`."""
    file_format = format_of(file)
    if file_format in TABLES and file_format is not TABLE:
        from vecattr.readers.binary_tables import read_binary_table  # start-up

        return read_binary_table(file, file_format, names)
    return read_csv_table(file, names)


def read_csv_table(file: InputFile, names: ColumnNames = BY_NAME) -> Table:
    """The header and rows of a table; a line `sep=`, else the header shows which delimiter it has.

    Raises InputError when the file is no table, its header has columns of neither ids nor
    sequences, or a column occurs twice. Reading the rows raises InputError at broken quoting.
    """
    if format_of(file) is not TABLE:
        raise InputError(
            "this is not a table", where=file.name, hint="give a CSV or TSV file with a header"
        )
    csv.field_size_limit(_LONGEST_CELL)
    first = first_line(file.head)
    stated = _DELIMITER_LINE.fullmatch(first)
    delimiter = stated[1] if stated else _delimiter(first, names)
    return table_of(_rows(file, delimiter, skips_line=stated is not None), file.name, names)


def _delimiter(header: str, names: ColumnNames) -> str:
    """The delimiter that gives most columns with names that are known, then most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        columns = [part.strip().strip('"') for part in header.split(delimiter)]
        return len(known_columns(columns, names)), len(columns)

    return max(",\t;", key=score)


def _rows(file: InputFile, delimiter: str, *, skips_line: bool) -> Iterator[Row]:
    # Excel writes Windows-1252 where it is asked for CSV; line ends inside of quotes stay.
    stream = file.limited(b"\n", b"\r")
    text = io.TextIOWrapper(stream, encoding="utf-8", errors=LENIENT, newline="")
    too_long = file.limits.too_long(None, where=file.name)
    lines = LimitedLines(text, most=file.limits.record_bytes, error=too_long)
    skipped = line = 0
    try:
        if skips_line:
            skipped = line = 1 + sum(1 for _ in _until_stated(lines))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        for cells in reader:
            lines.reset()
            first, line = line + 1, skipped + reader.line_num
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield Row(first, cells)
    except csv.Error as error:
        raise InputError(
            f"the quoting is broken ({error})",
            where=f"{file.name}:{line + 1}",
            hint="close every quote and double the quotes inside a quoted cell",
        ) from error


def _until_stated(lines: Iterator[str]) -> Iterator[str]:
    """The blank lines above the line that states the delimiter, which is read, too."""
    for line in lines:
        if line.strip():
            return
        yield line
