"""Which stretches of a query speak for a lab: a query and segments in, stretches and their sources
out.

A *window* is 21 bases of the query, A, C, G and T alone, over the origin of a circle, too. Of one
window in eight, a *sampled* one (`vecattr.indexes.storage.segment_kmers`), the index knows how many
labs have its bases on either strand. It is *rare* when 1 to N labs do, and *common* when more do.

- A `support` stretch is as many neighbouring windows as possible that all occur, letter by letter
  and on either strand, in chosen plasmids of the lab (each window in at least one of them), with no
  common one and at least one rare one among them.
- A `common` stretch goes from a common window to the next sampled one, which is common, too, and so
  on; no ambiguous letter lies inside. Nothing is known of the windows in between.

All bases of its windows belong to a stretch, so neighbours may overlap by 20. The chosen plasmids
are the SOURCES that together hold most of the query's rare windows, each window weighing 1 / labs:
one after the other the one that adds most, and once nothing can be added, those that hold most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

import numpy as np

from vecattr.attribution import Stretches
from vecattr.errors import UsageError
from vecattr.indexes.evidence.query_windows import UNSAMPLED, Held, Needles, QueryWindows
from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.kmer_features import SharedKmers
from vecattr.indexes.scoring.lab_features import LabFeatures
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.storage.kmer_schema import SCALED, K
from vecattr.indexes.storage.live_segment import LiveSegment, living_rows
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import is_sampled, windows_of
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import Codes

#: A stretch that more labs have is common property, unless another number is asked for.
COMMON_LABS = 20
#: So many plasmids of a lab are looked at.
SOURCES = 12
#: So many stretches of each kind are told.
MOST = 10


def check_kmers_kept(indexes: Iterable[OpenedIndex]) -> None:
    """UsageError when a segment of an index has no k-mers, so that no stretch can be told."""
    for index in indexes:
        if not LabFeatures.are_in(index.segments):
            raise UsageError(
                f"the index {index.path} keeps no k-mers, so there is no evidence to show",
                hint="build it again without --no-sequences, or leave out --evidence",
            )


class StretchFinder:
    """Of the plasmids of some segments that are all stored with their bases and k-mers."""

    def __init__(self, segments: Sequence[LiveSegment], class_names: Sequence[str]) -> None:
        self._segments = tuple(segments)
        self._class_names = class_names

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue.from_segments(self._segments, self._class_names)

    @cached_property
    def _evidence(self) -> LabFeatures:
        return LabFeatures(self._catalogue, self._segments)

    def find(
        self,
        plasmid: Plasmid,
        lab: str | None,
        *,
        common_labs: int = COMMON_LABS,
        left_out: Collection[str] = (),
    ) -> Stretches:
        """What of a plasmid speaks for a class (None: for nobody), as if the plasmids of the ids
        `left_out` were not stored; the labs of the pool are meant by its name."""
        if not self._segments:
            return Stretches(lab, common_labs, (), (), 0)
        windows = windows_of(plasmid.sequence, k=K, circular=plasmid.is_circular)
        hashes = windows.hashes
        sampled = windows.clean & is_sampled(hashes, scaled=SCALED)
        distinct, order = np.unique(hashes[sampled], return_inverse=True)
        gone = list(living_rows(self._segments, sorted(left_out)).values())
        shared = self._evidence.shared(distinct, left_out=np.array(gone, dtype=np.int64))
        labs = np.full(len(windows), UNSAMPLED, dtype=np.int64)
        labs[sampled] = shared.lab_counts[order]
        read = QueryWindows(plasmid, windows, labs, common_labs)
        rows = self._chosen(shared, self._codes_of(lab), common_labs=common_labs)
        common = read.common()
        needles = Needles.of(windows)
        support = read.support([self._held(needles, row) for row in rows])
        told = len(common[:MOST]) + len(support[:MOST])
        return Stretches(
            lab,
            common_labs,
            tuple(support[:MOST]),
            tuple(common[:MOST]),
            len(common) + len(support) - told,
        )

    def _codes_of(self, lab: str | None) -> Codes:
        """The true labs of a class."""
        if lab is None:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(
            self._catalogue.class_of_lab == self._catalogue.class_names.index(lab)
        )

    def _chosen(self, shared: SharedKmers, codes: Codes, *, common_labs: int) -> list[int]:
        """At most SOURCES rows of these labs, by all that they hold, the fullest first."""
        rare = (shared.lab_counts <= common_labs) & ~shared.is_common
        mine = rare[shared.posting_kmers] & np.isin(
            self._catalogue.labs[shared.posting_rows], codes
        )
        which = shared.posting_kmers[mine]
        rows, place = np.unique(shared.posting_rows[mine], return_inverse=True)  # (r,), (e,)
        weight = 1 / np.maximum(shared.lab_counts, 1)  # (m,)
        total = np.bincount(place, weight[which], minlength=len(rows))
        chosen: dict[str, int] = {}  # several segments may hold one plasmid
        open_rows = np.ones(len(rows), dtype=bool)
        while len(chosen) < SOURCES and open_rows.any():
            gain = np.bincount(place, weight[which], minlength=len(rows))
            order = np.lexsort((np.arange(len(rows)), -total, -gain, ~open_rows))
            best = int(order[0])
            segment, at = self._segment_of(int(rows[best]))
            [name] = segment.stored.ids([at])
            chosen.setdefault(name, best)
            open_rows[best] = False
            weight[which[place == best]] = 0
        return [int(rows[best]) for best in sorted(chosen.values(), key=lambda b: (-total[b], b))]

    def _segment_of(self, row: int) -> tuple[LiveSegment, int]:
        """Where a row lies: its segment and its row there."""
        number = int(np.searchsorted(self._catalogue.starts, row, side="right")) - 1
        return self._segments[number], row - self._catalogue.starts[number]

    def _held(self, needles: Needles, row: int) -> Held:
        segment, place = self._segment_of(row)
        bases = unpack_bases(segment.stored.bases(place))
        circular = segment.stored.topology(place) == "circular"
        forward, backward = needles.found_in(windows_of(bases, k=K, circular=circular))
        [name] = segment.stored.ids([place])
        return Held(name, segment.lab(place), forward, backward)
