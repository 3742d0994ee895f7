"""Rows in; a CSV or TSV file, packed as its name says, out; it is there when it is whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vecattr.errors import UsageError
from vecattr.files.atomic import atomic_stream
from vecattr.readers.table import escape_formula

#: How a name ends for each way of packing.
_PACKINGS = (".gz", ".bz2", ".xz", ".zst")

#: The delimiter for each kind of table.
_DELIMITERS = {".csv": ",", ".tsv": "\t"}

#: Fixed, so that the same rows give the same bytes with any version of the libraries' defaults.
_LEVELS = {".gz": 6, ".bz2": 9, ".xz": 6, ".zst": 3}

WriteRow = Callable[[Sequence[object]], None]


def check_table_name(path: Path) -> tuple[str, str | None]:
    """Delimiter and packing of a table of this name; UsageError when the name tells neither.

    >>> check_table_name(Path("plasmids.csv.zst"))
    (',', '.zst')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packing = suffixes.pop() if suffixes and suffixes[-1] in _PACKINGS else None
    kind = suffixes[-1] if suffixes else ""
    if kind not in _DELIMITERS:
        raise UsageError(
            f"what kind of table {path.name!r} is cannot be told from its name",
            where=str(path),
            hint="end it in .csv or .tsv, and .zst, .xz, .bz2 or .gz to pack it",
        )
    return _DELIMITERS[kind], packing


@contextmanager
def table_writer(path: Path, columns: Sequence[str]) -> Iterator[WriteRow]:
    """A function that writes a row, in which a spreadsheet runs nothing; the table with all rows is
    at `path` at the end, or what was there before. The same rows give the same bytes. UsageError as
    in `check_table_name`."""
    delimiter, packing = check_table_name(path)
    with atomic_stream(path.resolve()) as file:
        if packing is None:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
            yield _started(text, columns, delimiter)
            text.flush()
            text.detach()
            return
        from xopen import xopen  # start-up

        level = _LEVELS[packing]
        with xopen(file, "wb", threads=0, format=packing[1:], compresslevel=level) as packed:
            text = io.TextIOWrapper(packed, encoding="utf-8", errors="backslashreplace", newline="")
            yield _started(text, columns, delimiter)
            text.flush()
            text.detach()


def _started(text: io.TextIOWrapper, columns: Sequence[str], delimiter: str) -> WriteRow:
    write: WriteRow = csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow
    write(columns)
    return lambda row: write(
        [escape_formula(cell) if isinstance(cell, str) else cell for cell in row]
    )
