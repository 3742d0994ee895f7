"""Columns of labs by name, some of them for few labs: what labs share with a query in; a number for
each lab, the largest, or that of one lab out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from vecattr.vectors import Codes, LabColumn


@dataclass(frozen=True, eq=False)
class LabColumns(Mapping[str, LabColumn]):
    """Columns of l labs by name. Those of `full` have a number for each lab (l,); those `of_few`
    have one for each of some `labs`, ascending, (m,), and 0 for the others: as a mapping they are
    written out, (l,)."""

    full: Mapping[str, LabColumn]
    of_few: Mapping[str, LabColumn]
    labs: Codes

    @classmethod
    def from_columns(cls, columns: Mapping[str, LabColumn], few: tuple[str, ...]) -> LabColumns:
        """From full columns, of which those named `few` are kept for labs where any is not 0;
        columns that are kept so are returned as they are."""
        if isinstance(columns, cls):
            return columns
        is_any = np.any([columns[name] != 0 for name in few], axis=0)
        labs = np.flatnonzero(is_any)
        full = {name: column for name, column in columns.items() if name not in few}
        return cls(full, {name: columns[name][labs] for name in few}, labs)

    @property
    def lab_count(self) -> int:
        """How many labs there are, l."""
        return len(next(iter(self.full.values())))

    def __getitem__(self, name: str) -> LabColumn:
        if name in self.full:
            return self.full[name]
        column = np.zeros(self.lab_count)
        column[self.labs] = self.of_few[name]
        return column

    def __contains__(self, name: object) -> bool:
        return name in self.full or name in self.of_few

    def __iter__(self) -> Iterator[str]:
        yield from self.of_few
        yield from self.full

    def __len__(self) -> int:
        return len(self.full) + len(self.of_few)

    def largest(self, name: str) -> float:
        """The largest number of a column; -inf without labs."""
        if name in self.full:
            return float(self.full[name].max(initial=-np.inf))
        others = 0.0 if len(self.labs) < self.lab_count else -np.inf
        return float(self.of_few[name].max(initial=others))

    def value(self, name: str, lab: int) -> float:
        """The number of one lab."""
        if name in self.full:
            return float(self.full[name][lab])
        place = int(np.searchsorted(self.labs, lab))
        is_here = place < len(self.labs) and self.labs[place] == lab
        return float(self.of_few[name][place]) if is_here else 0.0
