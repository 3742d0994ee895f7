"""The largest values of columns over labs: columns of some labs in, one number for each name out.

Inputs of the evidence ranker are taken relative to the best of all labs. Where labs are divided
among shards, the largest value of all is the largest of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from vecattr.ranking.lab_columns import LabColumns
from vecattr.vectors import LabColumn

#: By name; -inf where there is no lab.
Maxima = Mapping[str, float]


def column_maxima(columns: Mapping[str, LabColumn], names: Iterable[str]) -> Maxima:
    """Of the columns (l,) of these names that are there."""
    present = [name for name in names if name in columns]
    if isinstance(columns, LabColumns):
        return {name: columns.largest(name) for name in present}
    return {name: float(columns[name].max(initial=-np.inf)) for name in present}


def joined_maxima(parts: Iterable[Maxima]) -> Maxima:
    """Over the labs of all parts, which have the same names."""
    joined: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            joined[name] = max(joined.get(name, -np.inf), value)
    return joined
