"""Features of plasmids: 0/1 columns of a table in, a mapping from feature name to 0 or 1 out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vecattr.errors import InputError
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import Features
from vecattr.readers.columns import is_missing
from vecattr.readers.csv_table import read_any_table

#: Every way in which tables write a feature's value.
BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


def feature_columns(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, reserved: Collection[int] = ()
) -> tuple[int, ...]:
    """Positions of the columns whose cells in these rows are all 0, 1 or missing, not all missing.

    Unnamed columns, and those at reserved positions, are never features.

    >>> feature_columns(["name", "amp", "note"], [["a", "1", "x"], ["b", "NA", "y"]])
    (1,)
    """
    whole_rows = [row for row in rows if len(row) == len(columns)]
    positions = []
    for position, column in enumerate(columns):
        if not column or position in reserved:
            continue
        values = {row[position].strip() for row in whole_rows}
        bits = values & BITS.keys()
        if bits and all(map(is_missing, values - bits)):
            positions.append(position)
    return tuple(positions)


@dataclass(frozen=True)
class FeatureParser:
    """Turns a row's cells into its features, all or none: a row that lacks a value has none.

    (An unknown value must not pass for 0, and no encoder reads part of a row.) Rows with equal
    cells share one mapping: a large table holds few distinct ones.
    """

    columns: tuple[str, ...]
    positions: tuple[int, ...]
    _parsed_cells: dict[tuple[str, ...], Features | None] = field(default_factory=dict)

    def __call__(self, cells: Sequence[str]) -> Features | None:
        """The features of one row, None when it has none; InputError for a cell not 0 or 1."""
        key = tuple([cells[position] for position in self.positions])
        if key not in self._parsed_cells:
            self._parsed_cells[key] = self._parse(key)
        return self._parsed_cells[key]

    def _parse(self, key: tuple[str, ...]) -> Features | None:
        features = {}
        for position, cell in zip(self.positions, key, strict=True):
            value = cell.strip()
            if is_missing(value):
                return None
            if value not in BITS:
                raise InputError(
                    f"feature {self.columns[position]!r} is {value!r}, not 0 or 1",
                    hint="the column's first rows hold only 0 and 1, which makes it a feature;"
                    " correct the cell, or remove the column",
                )
            features[self.columns[position]] = BITS[value]
        return features or None


def read_features(path: str | Path) -> dict[str, Features | None]:
    """Features by sequence id, from a feature file: a table of `sequence_id` and 0/1 columns.

    Every column is a feature that does not hold ids, sequences, labs, topologies, publications,
    splits or years; an empty cell is an unknown value. Raises InputError for any other cell, an id
    that occurs twice, or a table without a feature column.
    """
    with open_input(path) as file:
        table = read_any_table(file)
        reserved = table.header.reserved()
        positions = tuple(
            position
            for position, column in enumerate(table.columns)
            if column and position not in reserved
        )
        if not positions:
            raise InputError(
                "the feature file has no feature column",
                where=table.name,
                hint="give a table of sequence_id and 0/1 columns",
            )
        parse = FeatureParser(table.columns, positions)
        features: dict[str, Features | None] = {}
        for name, row in table.rows_by_id():
            try:
                features[name] = parse(row.cells)
            except InputError as error:
                raise InputError(error.what, where=table.place(row)) from error
        return features
