"""Files that accompany sequences: a label or a feature file in, a mapping by sequence id out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from vecattr.errors import InputError
from vecattr.plasmid import check_lab_name
from vecattr.readers.csv_table import CsvTable, Row, read_csv_table
from vecattr.readers.feature_columns import RESERVED_COLUMNS, FeatureParser
from vecattr.readers.input_files import open_input

T = TypeVar("T")

#: Every way a one-hot cell may be written.
_ONES = ("1", "1.0")
_ZEROS = ("0", "0.0")


def read_labels(path: str | Path) -> dict[str, str]:
    """Lab by sequence id, from a long table (`sequence_id, lab`) or a one-hot wide one.

    A wide table is the challenge's `train_labels.csv`: one column per lab, and one 1 in each row.
    Only the lab's name is kept of each row, so a table 1,315 columns wide costs no more memory
    than a long one. Raises InputError for a row without exactly one lab, an id that occurs twice,
    or a lab's name that is reserved.
    """
    with open_input(path) as opened:
        sheet = read_csv_table(opened)
        if "lab" in sheet.columns:
            return _long_labels(sheet)
        return _wide_labels(sheet)


def _long_labels(sheet: CsvTable) -> dict[str, str]:
    position = sheet.position("lab")
    labels: dict[str, str] = {}
    for row, name in _named_rows(sheet, labels):
        lab = check_lab_name(row.cells[position], where=sheet.place(row))
        labels[name] = sys.intern(lab)
    return _filled(labels, sheet)


def _wide_labels(sheet: CsvTable) -> dict[str, str]:
    skipped = sheet.position("sequence_id")
    if len(sheet.columns) < 2:
        raise InputError(
            "the label file has no column 'lab' and no column per lab",
            where=sheet.name,
            hint="give a table sequence_id,lab or one 0/1 column per lab",
        )
    labs = [
        "" if position == skipped else check_lab_name(column, where=f"{sheet.name}:1")
        for position, column in enumerate(sheet.columns)
    ]
    labels: dict[str, str] = {}
    for row, name in _named_rows(sheet, labels):
        row.cells[skipped] = "0"
        labels[name] = labs[_hot(row, sheet)]
    return _filled(labels, sheet)


def _hot(row: Row, sheet: CsvTable) -> int:
    """The position of the one 1 among zeros."""
    cells = row.cells
    ones = sum(map(cells.count, _ONES))
    zeros = sum(map(cells.count, _ZEROS))
    if ones != 1 or zeros != len(cells) - 1:
        other = next((cell for cell in cells if cell not in _ONES + _ZEROS), None)
        found = f"{ones} labs" if other is None else f"the cell {other!r}"
        raise InputError(
            f"the row has {found}, expected one 1 among zeros",
            where=sheet.place(row),
            hint="give a table sequence_id,lab or one 0/1 column per lab",
        )
    return cells.index("1") if "1" in cells else cells.index("1.0")


def read_features(path: str | Path) -> dict[str, Mapping[str, int] | None]:
    """Features by sequence id, from a table of `sequence_id` and 0/1 columns.

    Every column that is not reserved is a feature; an empty cell is not known. Raises InputError
    for any other cell, an id that occurs twice, or a table without a feature column.
    """
    with open_input(path) as opened:
        sheet = read_csv_table(opened)
        positions = tuple(
            position
            for position, column in enumerate(sheet.columns)
            if column and column not in RESERVED_COLUMNS
        )
        if not positions:
            raise InputError(
                "the feature file has no feature column",
                where=sheet.name,
                hint="give a table of sequence_id and 0/1 columns",
            )
        parse = FeatureParser(sheet.columns, positions)
        features: dict[str, Mapping[str, int] | None] = {}
        for row, name in _named_rows(sheet, features):
            try:
                features[name] = parse(row.cells)
            except InputError as error:
                raise InputError(error.what, where=sheet.place(row)) from error
        return _filled(features, sheet)


def _named_rows(sheet: CsvTable, known: Mapping[str, object]) -> Iterator[tuple[Row, str]]:
    """Each row with its id, which must be there, and new to `known`."""
    position = sheet.position("sequence_id")
    for row in sheet.rows:
        problem = sheet.count_problem(row)
        if problem is not None:
            raise problem
        name = row.cells[position].strip()
        if not name:
            raise InputError(
                "the row has no id", where=sheet.place(row), hint="fill the column sequence_id"
            )
        if name in known:
            raise InputError(
                f"the id {name!r} occurs twice",
                where=sheet.place(row),
                hint="keep one row for each id",
            )
        yield row, name


def _filled(mapping: dict[str, T], sheet: CsvTable) -> dict[str, T]:
    if not mapping:
        raise InputError(
            "the table has a header and no rows", where=sheet.name, hint="give at least one row"
        )
    return mapping
