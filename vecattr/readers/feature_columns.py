"""Columns of 0 and 1: cells in, a mapping from feature name to 0 or 1 out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vecattr.errors import InputError

#: Columns of a table that are never features, whatever they hold.
RESERVED_COLUMNS = frozenset(
    {"sequence_id", "sequence", "lab", "topology", "split", "publication", "year"}
)

#: The four ways tables write a feature's value.
BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


def feature_columns(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, reserved: Collection[str] = ()
) -> tuple[int, ...]:
    """Positions of the columns whose cells in these rows are all 0, 1 or empty, not all empty.

    Unnamed and reserved columns are never features.

    >>> feature_columns(["sequence_id", "amp", "note"], [["a", "1", "x"], ["b", "", "y"]])
    (1,)
    """
    found = []
    for position, column in enumerate(columns):
        if not column or column in RESERVED_COLUMNS or column in reserved:
            continue
        values = {row[position].strip() for row in rows if len(row) == len(columns)} - {""}
        if values and values <= BITS.keys():
            found.append(position)
    return tuple(found)


@dataclass(frozen=True)
class FeatureParser:
    """Turns a row's cells into its features, all or none: a row with an empty cell has none.

    (A value that is not known must not pass for 0, and no encoder reads half a row.) Rows with
    equal cells share one mapping: a big table holds few distinct ones.
    """

    columns: tuple[str, ...]
    positions: tuple[int, ...]
    _known: dict[tuple[str, ...], Mapping[str, int] | None] = field(default_factory=dict)

    def __call__(self, cells: Sequence[str]) -> Mapping[str, int] | None:
        """The features of one row, None when it has none; InputError for a cell that is neither."""
        key = tuple([cells[position] for position in self.positions])
        if key not in self._known:
            self._known[key] = self._parse(key)
        return self._known[key]

    def _parse(self, key: tuple[str, ...]) -> Mapping[str, int] | None:
        features = {}
        for position, cell in zip(self.positions, key, strict=True):
            value = cell.strip()
            if not value:
                return None
            if value not in BITS:
                raise InputError(
                    f"feature {self.columns[position]!r} is {value!r}, not 0 or 1",
                    hint="the column's first rows hold only 0 and 1, which makes it a feature;"
                    " mend the cell, or take the column out",
                )
            features[self.columns[position]] = BITS[value]
        return features or None
