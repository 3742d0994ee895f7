"""Who stored what: the living plasmids of all segments in, one numbered list of rows and labs out.

A *row* is the place of a plasmid in the segments one after the other, dead ones included, so that
what segments say of their rows needs only their offset. A lab is a true lab as named now; pooled
labs count one by one, and share a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.live import LiveSegment
from vecattr.plasmid import POOLED

Rows = NDArray[np.int64]
Codes = NDArray[np.int64]

#: The lab of a dead row.
NOBODY = -1


@dataclass(frozen=True)
class Catalogue:
    """Of n rows of l labs and c classes: the first row of each segment (s,), the lab of each row
    (n,), NOBODY for a dead one, and its group (n,), each row without a group being one of its own;
    the names of labs (l,) and classes (c,), and the class of each lab (l,)."""

    starts: tuple[int, ...]
    labs: Codes
    groups: Codes
    lab_names: tuple[str, ...]
    class_names: tuple[str, ...]
    class_of_lab: Codes

    @classmethod
    def of(cls, segments: Sequence[LiveSegment], class_names: Sequence[str]) -> Catalogue:
        """`class_names` are those of the index, sorted."""
        labs = [_labs_of(segment) for segment in segments]
        groups = [segment.stored.groups for segment in segments]
        sizes = [segment.stored.rows for segment in segments]
        names = sorted({name for mine in labs for name in mine if name is not None})
        place = {name: code for code, name in enumerate(names)}
        group_names = sorted({name for mine in groups for name in mine if name is not None})
        group_place = {name: code for code, name in enumerate(group_names)}
        flat_labs = [NOBODY if name is None else place[name] for mine in labs for name in mine]
        flat_groups = [
            len(group_names) + row if name is None else group_place[name]
            for row, name in enumerate(name for mine in groups for name in mine)
        ]
        column = {name: code for code, name in enumerate(class_names)}
        of_lab = [column[name] if name in column else column[POOLED] for name in names]
        return cls(
            tuple(np.cumsum([0, *sizes[:-1]]).tolist()),
            np.array(flat_labs, dtype=np.int64),
            np.array(flat_groups, dtype=np.int64),
            tuple(names),
            tuple(class_names),
            np.array(of_lab, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.labs)

    @cached_property
    def plasmids(self) -> NDArray[np.int64]:
        """How many living plasmids each lab has (l,)."""
        return np.bincount(self.labs[self.labs != NOBODY], minlength=len(self.lab_names))

    @cached_property
    def works(self) -> NDArray[np.int64]:
        """From how many groups they come (l,)."""
        alive = self.labs != NOBODY
        pairs = np.unique(np.stack([self.labs[alive], self.groups[alive]]), axis=1)
        return np.bincount(pairs[0], minlength=len(self.lab_names))

    @cached_property
    def by_lab(self) -> Rows:
        """The living rows, those of a lab together, labs in order."""
        order = np.argsort(self.labs, kind="stable")
        return order[np.count_nonzero(self.labs == NOBODY) :]

    def less(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`plasmids` and `works` as they were without some living rows."""
        plasmids = self.plasmids - np.bincount(self.labs[rows], minlength=len(self.lab_names))
        works = self.works.copy()
        touched = np.unique(np.stack([self.labs[rows], self.groups[rows]]), axis=1)
        gone = np.zeros(len(self), dtype=bool)
        gone[rows] = True
        for lab, group in touched.T.tolist():
            others = (self.labs == lab) & (self.groups == group) & ~gone
            works[lab] -= not others.any()
        return plasmids, works


def _labs_of(segment: LiveSegment) -> list[str | None]:
    """The true lab of each row as named now, None of a dead row."""
    names = [segment.present(name) for name in segment.stored.lab_names]
    return [names[code] for code in segment.stored.lab_codes.tolist()]
