"""The lab and group of every stored plasmid: the segments of an index in, one numbered list of rows
and labs out.

A *row* is the number of a plasmid in the concatenation of all segments, removed ones included, so
that a row of a segment needs only the segment's offset. A lab is a true lab by its present name;
pooled labs are counted one by one, and share a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, compress, repeat

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_schema import NO_NAME, joined_codes
from vecattr.plasmid import POOLED
from vecattr.sequences.postings import first_of_each
from vecattr.vectors import Codes, Mask, Rows

_Column = tuple[Sequence[str | None], NDArray[np.int32]]  # names, and codes into these (n,)

NO_ROWS: Rows = np.zeros(0, dtype=np.int64)

#: The lab of a removed row.
NO_LAB = -1

#: A lab with fewer plasmids is rare: the rule by which labs were pooled in the training data of the
#: shipped evidence ranker.
RARE_BELOW = 10


@dataclass(frozen=True)
class Catalogue:
    """The n rows, l labs and c classes of an index: its segments (s,), the first row of each (s,),
    the lab of each row (n,), NO_LAB for a removed one; the names of labs (l,) and classes (c,), and
    the class of each lab (l,). `known_publications`, where they are: as `lab_of_publication` and
    `publication_of_row`."""

    segments: Sequence[LiveSegment]
    starts: tuple[int, ...]
    labs: Codes
    lab_names: tuple[str, ...]
    class_names: tuple[str, ...]
    class_of_lab: Codes
    known_publications: tuple[Codes, NDArray[np.int32]] | None = None

    @classmethod
    def from_segments(
        cls, segments: Sequence[LiveSegment], class_names: Sequence[str]
    ) -> Catalogue:
        """Number the rows of all segments; `class_names` are those of the index, sorted."""
        lab_columns = [
            (segment.present_names(segment.stored.lab_names), segment.stored.lab_codes)
            for segment in segments
        ]
        names = tuple(sorted(_occurring(lab_columns)))
        class_of_lab = classes_of(names, class_names)
        if (class_of_lab < 0).any():
            lab = names[int(np.argmin(class_of_lab))]
            raise DamagedError(
                f"the lab {lab!r} has plasmids, and neither a vector nor a pool",
                where=next(
                    segment.stored.name for segment in segments if lab in segment.lab_sizes()
                ),
                hint="restore the index from a copy, or build it again",
            )
        return cls(
            segments,
            first_rows(segments),
            joined_codes(lab_columns, names),
            names,
            tuple(class_names),
            class_of_lab,
        )

    def __len__(self) -> int:
        return len(self.labs)

    @cached_property
    def groups(self) -> Codes:
        """The group of each row (n,), a group of its own for a row without one."""
        columns = [
            (segment.stored.group_names, segment.stored.group_codes) for segment in self.segments
        ]
        names = _occurring(columns)
        groups = joined_codes(columns, names)
        rows_without_group = np.flatnonzero(groups == NO_NAME)
        groups[rows_without_group] = len(names) + rows_without_group
        return groups

    @cached_property
    def plasmids(self) -> NDArray[np.int64]:
        """How many living plasmids each lab has (l,)."""
        return np.bincount(self.labs[self.labs != NO_LAB], minlength=len(self.lab_names))

    @cached_property
    def publications(self) -> NDArray[np.int64]:
        """From how many publications (groups) the plasmids of each lab come (l,)."""
        return np.bincount(self.lab_of_publication, minlength=len(self.lab_names))

    @property
    def lab_of_publication(self) -> Codes:
        """The lab of each of the p publications, those of one lab together, ascending (p,); a
        group that several labs share is a publication of each."""
        return self._by_publication[0]

    @property
    def publication_of_row(self) -> NDArray[np.int32]:
        """The publication of each row (n,), NO_LAB of a removed one."""
        return self._by_publication[1]

    @cached_property
    def _by_publication(self) -> tuple[Codes, NDArray[np.int32]]:
        if self.known_publications is not None:
            return self.known_publications
        living = self.labs != NO_LAB
        rows = None if living.all() else np.flatnonzero(living)  # those of all are not copied
        labs, groups = (
            column if rows is None else column[rows] for column in (self.labs, self.groups)
        )
        pairs = labs << 32 | groups
        order = np.argsort(pairs, kind="stable")
        ascending = pairs[order]
        is_first = first_of_each(ascending)
        numbers = np.full(len(self), NO_LAB, dtype=np.int32)
        numbers[order if rows is None else rows[order]] = np.cumsum(is_first, dtype=np.int32) - 1
        return ascending[is_first] >> 32, numbers

    @cached_property
    def are_pooled(self) -> Mask:
        """Which labs have no class of their own (l,)."""
        are_pool = [name == POOLED for name in self.class_names]
        return np.array(are_pool, dtype=bool)[self.class_of_lab]

    def are_rare(self, plasmids: NDArray[np.int64]) -> Mask:
        """Whether labs with so many plasmids and a class of their own count as pooled ones (m,).

        None does where there is a pool. Without a pool, small labs are usual and not the new labs
        that the evidence ranker takes them for, which it would rank before all others."""
        return (plasmids < RARE_BELOW) & (POOLED not in self.class_names)

    @cached_property
    def rows_by_lab(self) -> Rows:
        """The living rows, ordered by lab."""
        order = np.argsort(self.labs, kind="stable")
        return order[np.count_nonzero(self.labs == NO_LAB) :]

    @cached_property
    def _rows_of_publication(self) -> NDArray[np.int64]:
        """How many living rows each publication has (p,)."""
        living = self.publication_of_row[self.publication_of_row != NO_LAB]
        return np.bincount(living, minlength=len(self.lab_of_publication))

    def counts_without(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`plasmids` and `publications` without some of the living rows."""
        size = len(self.lab_names)
        plasmids = self.plasmids - np.bincount(self.labs[rows], minlength=size)
        touched, left_out = np.unique(self.publication_of_row[rows], return_counts=True)
        gone = touched[left_out == self._rows_of_publication[touched]]
        lost = np.bincount(self.lab_of_publication[gone], minlength=size)
        return plasmids, self.publications - lost


def first_rows(segments: Sequence[LiveSegment]) -> tuple[int, ...]:
    """The first row of each segment (s,)."""
    return tuple(accumulate((segment.stored.rows for segment in segments[:-1]), initial=0))


def classes_of(lab_names: Sequence[str], class_names: Sequence[str]) -> Codes:
    """The class of each lab, as a place among the classes (l,): its own, or the pool; -1 where
    there is neither."""
    codes = {name: code for code, name in enumerate(class_names)}
    return np.array([*map(codes.get, lab_names, repeat(codes.get(POOLED, -1)))], dtype=np.int64)


def _occurring(columns: Sequence[_Column]) -> list[str]:
    """The names that any code stands for, each once, in the order of the columns."""
    names: dict[str | None, None] = {}
    for column_names, codes in columns:
        is_used = np.bincount(codes[codes >= 0], minlength=len(column_names)) > 0
        used = column_names if is_used.all() else compress(column_names, is_used.tolist())
        names.update(dict.fromkeys(used))
    return [name for name in names if name is not None]
