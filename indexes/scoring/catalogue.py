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

from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import POOLED
from vecattr.sequences.kmers import distinct

Rows = NDArray[np.int64]
Codes = NDArray[np.int64]

NO_ROWS: Rows = np.zeros(0, dtype=np.int64)

#: The lab of a dead row.
NO_LAB = -1

#: A lab with fewer plasmids is rare: the rule by which the labs of the shipped fusion's questions
#: were pooled.
RARE_BELOW = 10


@dataclass(frozen=True)
class Catalogue:
    """Of n rows of l labs and c classes: the first row of each segment (s,), the lab of each row
    (n,), NO_LAB for a dead one, and its group (n,), each row without a group being one of its own;
    the names of labs (l,) and classes (c,), and the class of each lab (l,)."""

    starts: tuple[int, ...]
    labs: Codes
    groups: Codes
    lab_names: tuple[str, ...]
    class_names: tuple[str, ...]
    class_of_lab: Codes

    @classmethod
    def from_segments(
        cls, segments: Sequence[LiveSegment], class_names: Sequence[str]
    ) -> Catalogue:
        """`class_names` are those of the index, sorted."""
        sizes = [segment.stored.rows for segment in segments]
        names, labs = _joined(
            [(_lab_names(segment), segment.stored.lab_codes) for segment in segments]
        )
        group_names, groups = _joined(
            [(segment.stored.group_names, segment.stored.group_codes) for segment in segments]
        )
        alone = np.flatnonzero(groups == NO_LAB)
        groups[alone] = len(group_names) + alone
        column = {name: code for code, name in enumerate(class_names)}
        of_lab = [column[name] if name in column else column[POOLED] for name in names]
        return cls(
            tuple(np.cumsum([0, *sizes[:-1]]).tolist()),
            labs,
            groups,
            names,
            tuple(class_names),
            np.array(of_lab, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.labs)

    @cached_property
    def plasmids(self) -> NDArray[np.int64]:
        """How many living plasmids each lab has (l,)."""
        return np.bincount(self.labs[self.labs != NO_LAB], minlength=len(self.lab_names))

    @cached_property
    def publications(self) -> NDArray[np.int64]:
        """From how many groups they come (l,)."""
        alive = self.labs != NO_LAB
        pairs = self.labs[alive].astype(np.uint64) << np.uint64(32)
        pairs = distinct(pairs | self.groups[alive].astype(np.uint64))
        return np.bincount((pairs >> np.uint64(32)).astype(np.int64), minlength=len(self.lab_names))

    @cached_property
    def are_pooled(self) -> NDArray[np.bool_]:
        """Which labs have no class of their own (l,)."""
        names = np.array(self.class_names, dtype=object)[self.class_of_lab]
        return np.asarray(names != np.array(self.lab_names, dtype=object), dtype=bool)

    def are_rare(self, plasmids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Are labs with so many plasmids, of a class of their own, rare as pooled ones are (m,)?

        Not where a pool says which labs are. Without one, small labs are the rule and not the
        newcomers that a fusion takes them for, which it would put before all others."""
        return (plasmids < RARE_BELOW) & (POOLED not in self.class_names)

    @cached_property
    def rows_by_lab(self) -> Rows:
        """The living rows, those of a lab together, labs in order."""
        order = np.argsort(self.labs, kind="stable")
        return order[np.count_nonzero(self.labs == NO_LAB) :]

    def counts_without(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`plasmids` and `publications` as they were without some living rows."""
        plasmids = self.plasmids - np.bincount(self.labs[rows], minlength=len(self.lab_names))
        works = self.publications.copy()
        touched = np.unique(np.stack([self.labs[rows], self.groups[rows]]), axis=1)
        gone = np.zeros(len(self), dtype=bool)
        gone[rows] = True
        for lab, group in touched.T.tolist():
            others = (self.labs == lab) & (self.groups == group) & ~gone
            works[lab] -= not others.any()
        return plasmids, works


def _lab_names(segment: LiveSegment) -> list[str | None]:
    """The labs that the codes of a segment count into, as named now; None for a removed one."""
    return [segment.present(name) for name in segment.stored.lab_names]


def _joined(
    columns: Sequence[tuple[Sequence[str | None], NDArray[np.int32]]],
) -> tuple[tuple[str, ...], Codes]:
    """Columns of codes into names of their own as one: the names that occur, sorted, and codes into
    them (n,), NO_LAB for no name and for a code below 0."""
    used = [np.bincount(codes[codes >= 0], minlength=len(names)) > 0 for names, codes in columns]
    pairs = list(zip(columns, used, strict=True))
    found = sorted(
        {
            name
            for (names, _), mine in pairs
            for name, occurs in zip(names, mine.tolist(), strict=True)
            if occurs and name is not None
        }
    )
    place: dict[str | None, int] = {name: code for code, name in enumerate(found)}
    joined = [np.zeros(0, dtype=np.int64)]
    for names, codes in columns:
        # One more at the end, which is where the code -1 points.
        new = np.array([*(place.get(name, NO_LAB) for name in names), NO_LAB], dtype=np.int64)
        joined.append(new[codes])
    return tuple(found), np.concatenate(joined)
