"""Excel workbooks and Parquet files: an open file in; its header and a stream of rows of text out.

Both have their directory at the end, so that the file is first copied to a place where it can be
read from anywhere; the copy is in memory or, if it is large, on disk.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from vecattr.errors import InputError
from vecattr.extras import require
from vecattr.formats.kinds import EXCEL, Format
from vecattr.inputs.input_files import InputFile
from vecattr.readers.columns import BY_NAME, ColumnNames, known_columns
from vecattr.readers.table import Row, Table, table_of

#: A larger copy of a file lies on disk (bytes).
_IN_MEMORY = 1 << 26

#: Excel cuts every text to this length (characters).
_EXCEL_LIMIT = 32_767

#: The most that the texts of a workbook, which are in memory at once, may unpack to (bytes).
_MOST_TEXT = 1 << 30

#: Rows of a Parquet file that are in memory at once.
_PARQUET_ROWS = 1024


def read_binary_table(file: InputFile, file_format: Format, names: ColumnNames = BY_NAME) -> Table:
    """The header and rows of an Excel workbook (its first sheet whose columns are known) or of a
    Parquet file.

    Raises MissingExtraError when the library that reads it is not installed, and InputError for a
    damaged file, one that unpacks to more than the limits allow, and what is wrong with the header.
    """
    if file_format is EXCEL:
        rows = _excel_rows(file, names)
        return table_of(rows, file.name, names, longest_cell=_EXCEL_LIMIT)
    return table_of(_parquet_rows(file), file.name, names)


@contextmanager
def _copied(file: InputFile) -> Iterator[IO[bytes]]:
    """A copy of the file that can be read from anywhere."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as copy:
        shutil.copyfileobj(file.stream, copy)
        copy.seek(0)
        yield copy


def _excel_rows(file: InputFile, names: ColumnNames) -> Iterator[Row]:
    require("openpyxl", what="an Excel workbook", where=file.name)
    from openpyxl import load_workbook  # extra

    with _copied(file) as copy, _translated(file, "Excel workbook"):
        _check_size(copy, file)
        workbook = load_workbook(copy, read_only=True, data_only=True)
        sheets = workbook.worksheets
        sheet = next((sheet for sheet in sheets if _is_known(sheet, names)), sheets[0])
        sheet.reset_dimensions()  # which programs write wrongly
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = [_text(value) for value in values]
            if any(cells):
                yield Row(number, cells)


def _is_known(sheet: Any, names: ColumnNames) -> bool:
    """Whether the first row of a sheet that is not blank has columns with names that are known."""
    sheet.reset_dimensions()
    for values in sheet.iter_rows(values_only=True):
        cells = [_text(value) for value in values]
        if any(cells):
            return bool(known_columns(cells, names) & names.needed)
    return False


def _check_size(copy: IO[bytes], file: InputFile) -> None:
    """InputError when the workbook unpacks to more than the limits allow."""
    with zipfile.ZipFile(copy) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    if sum(sizes.values()) > file.limits.unpacked:
        raise file.limits.too_much(where=file.name)
    if sizes.get("xl/sharedStrings.xml", 0) > _MOST_TEXT:
        raise InputError(
            "the workbook holds more text than fits into memory",
            where=file.name,
            hint="save it as CSV",
        )
    copy.seek(0)


def _parquet_rows(file: InputFile) -> Iterator[Row]:
    require("pyarrow", what="a Parquet file", where=file.name)
    from pyarrow.parquet import ParquetFile  # extra

    with _copied(file) as copy, _translated(file, "Parquet file"):
        table = ParquetFile(copy)
        names = [str(name) for name in table.schema_arrow.names]
        yield Row(1, names)
        number = 1
        for batch in table.iter_batches(batch_size=_PARQUET_ROWS):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield Row(number, [_text(value) for value in values])


def _text(value: object) -> str:
    """A cell's value as CSV would hold it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


@contextmanager
def _translated(file: InputFile, kind: str) -> Iterator[None]:
    """The errors of a library as an InputError that names the file; each has classes of its own."""
    try:
        yield
    except (InputError, MemoryError, GeneratorExit):
        raise
    except Exception as error:
        raise InputError(
            f"the {kind} cannot be read ({error})",
            where=file.name,
            hint="copy or download it again, or save it as CSV",
        ) from error
