"""The labs that answers of an index rank: stored labs and classes in, names and classes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from vecattr.indexes.joining.catalogue import classes_of
from vecattr.plasmid import POOLED
from vecattr.vectors import Codes, Rows


@dataclass(frozen=True)
class AnsweredLabs:
    """The n labs that answers rank: their `names`, sorted (n,); the class of each, as a place among
    the classes (n,); and as places which have a class, and so a vector, of their own (m,), and
    which have stored plasmids (l,)."""

    names: tuple[str, ...]
    classes: Codes
    with_vector: Rows
    stored: Rows

    @classmethod
    def from_labs(
        cls, stored: tuple[str, ...], class_names: Sequence[str], *, classes: Codes | None = None
    ) -> Self:
        """The labs of stored plasmids, pooled ones one by one, and classes that have none; the
        `classes` of the former, where they are known (l,)."""
        classes = classes_of(stored, class_names) if classes is None else classes
        pool = class_names.index(POOLED) if POOLED in class_names else -1
        names, places = stored, np.arange(len(stored))
        if np.count_nonzero(classes != pool) < len(class_names) - (pool >= 0):
            others = {*class_names}.difference(stored) - {POOLED}
            names = tuple(sorted((*stored, *others)))
            classes, places = classes_of(names, class_names), np.searchsorted(names, stored)
        return cls(names, classes, np.flatnonzero(classes != pool), places)
