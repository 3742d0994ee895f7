"""A table of any kind: an open file in; its header and a stream of rows of text out."""

from __future__ import annotations

from vecattr.formats.kinds import TABLES, Format, format_of
from vecattr.inputs.input_files import InputFile
from vecattr.readers.columns import BY_NAME, ColumnNames
from vecattr.readers.csv_table import read_csv_table
from vecattr.readers.table import Table


def is_table(file_format: Format) -> bool:
    """Whether a file of this format is a table: CSV, TSV, an Excel workbook or Parquet."""
    return file_format in TABLES


def read_any_table(file: InputFile, names: ColumnNames = BY_NAME) -> Table:
    """The header and rows of a CSV or TSV table, an Excel workbook or a Parquet file; errors as in
    `read_csv_table` and `read_binary_table`."""
    file_format = format_of(file)
    if is_table(file_format) and file_format is not TABLES[0]:
        from vecattr.readers.binary_tables import read_binary_table  # start-up

        return read_binary_table(file, file_format, names)
    return read_csv_table(file, names)
