"""Phenotype features by name: plasmids in, a 0/1 matrix with a "missing" flag out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError
from vecattr.plasmid import Plasmid


@dataclass(frozen=True)
class FeatureSpace:
    """The feature names that a model knows, in its own order.

    A plasmid without features is all zeros with the flag set, which is not the same as a plasmid
    whose features are all zero.
    """

    names: tuple[str, ...] = ()

    @classmethod
    def from_plasmids(cls, plasmids: Iterable[Plasmid]) -> FeatureSpace:
        """The names that every plasmid with features has, in the order of the first."""
        shared: dict[str, None] | None = None
        for plasmid in plasmids:
            if plasmid.features is None:
                continue
            if shared is None:
                shared = dict.fromkeys(plasmid.features)
            elif len(shared) > len(shared.keys() & plasmid.features.keys()):
                shared = {name: None for name in shared if name in plasmid.features}
        return cls(tuple(shared or ()))

    @property
    def columns(self) -> int:
        """Width of the matrix: one column a name and the flag."""
        return len(self.names) + 1

    def matrix(self, plasmids: Sequence[Plasmid]) -> NDArray[np.float32]:
        """One row a plasmid, (n, columns); the last column is 1 where no feature is known.

        Raises InputError when a plasmid has some of the names and lacks others. Names that the
        model does not know are ignored; a plasmid with none of the names has no features.
        """
        rows = np.zeros((len(plasmids), self.columns), dtype=np.float32)
        for row, plasmid in zip(rows, plasmids, strict=True):
            row[-1] = not self._fill(row, plasmid)
        return rows

    def _fill(self, row: NDArray[np.float32], plasmid: Plasmid) -> bool:
        """Write the plasmid's values; False when it has none of the names."""
        if plasmid.features is None:
            return False
        present = [name for name in self.names if name in plasmid.features]
        if present and len(present) < len(self.names):
            absent = [name for name in self.names if name not in plasmid.features]
            raise InputError(
                f"{len(present)} of the model's {len(self.names)} features are given; "
                f"absent: {', '.join(absent[:3])}{', …' if len(absent) > 3 else ''}",
                where=f"record {plasmid.id!r}",
                hint="give all of them, or none (--no-features)",
            )
        row[: len(present)] = [plasmid.features[name] for name in present]
        return bool(present)
