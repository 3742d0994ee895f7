"""Evidence for a lab: a query and segments in, stretches of the query and their sources out.

A *window* is 21 bases of the query, A, C, G and T alone, over the origin of a circle, too. Of some
windows, the *sampled* ones, the index knows how many labs have their bases on either strand. They
are the k-mers that rank labs (`vecattr.indexes.scoring.lab_features`): one in two of those that few
labs have, and one in eight of the others, or of all where a segment lacks the finer sample. A
window is *rare* when 1 to N labs have it, and *common* when more do.

- A `support` stretch is as many neighbouring windows as possible that all occur, base by base
  and on either strand, in chosen plasmids of the lab (each window in at least one of them), with no
  common one and at least one rare one among them.
- A `common` stretch goes from a common window to the next sampled one, which is common, too, and so
  on; no ambiguous base lies inside. Nothing is known of the windows in between.

All bases of its windows belong to a stretch, so neighbours may overlap by 20. The chosen plasmids
are the SOURCES that together hold most of the query's rare windows, each window weighing 1 / labs,
a quarter of it where four are sampled for one: one after the other the one that adds most, and once
nothing can be added, those that hold most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, partial

import numpy as np

from vecattr.attribution import LabSupport, Stretch, Stretches
from vecattr.errors import UsageError
from vecattr.indexes.evidence.mosaic import MosaicFinder, SampledWindows, whole_unknown
from vecattr.indexes.evidence.query_windows import QueryWindows, SourceWindows, WindowIndex
from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.lab_features import LabFeatures
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.indexes.storage.kmer_schema import FIRST_FINE, K
from vecattr.indexes.storage.live_segment import LiveSegment, living_rows
from vecattr.mosaic import FEW_LABS
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import Windows, is_sampled, windows_of
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import Codes, Mask

#: A stretch that more labs have is common property, unless another number is asked for.
COMMON_LABS = FEW_LABS
#: Source plasmids of a lab that stretches are looked for in.
SOURCES = 12
#: Stretches of each kind in an answer.
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
    """Finds evidence in the plasmids of some segments, all stored with their bases and k-mers.

    >>> from vecattr import Index, read_plasmids
    >>> index = Index.open("my.index")
    >>> finder = StretchFinder(index.segments, index.lab_names)
    >>> [plasmid] = read_plasmids(["query.fasta"])
    >>> [stretch.bases for stretch in finder.find(plasmid, "Lab 02").support][:1]
    [1026]
    """

    def __init__(
        self,
        segments: Sequence[LiveSegment],
        class_names: Sequence[str],
        *,
        catalogue: Catalogue | None = None,
        features: LabFeatures | None = None,
    ) -> None:
        self._segments = tuple(segments)
        self._class_names = class_names
        self._given = catalogue, features

    @cached_property
    def _features(self) -> LabFeatures:
        """The given ones, or those that the segments give; with the given catalogue, or theirs."""
        catalogue, features = self._given
        if features is not None:
            return features
        if catalogue is None:
            catalogue = Catalogue.from_segments(self._segments, self._class_names)
        return LabFeatures(catalogue, self._segments)

    @property
    def _catalogue(self) -> Catalogue:
        return self._features.catalogue

    @cached_property
    def _mosaics(self) -> MosaicFinder:
        return MosaicFinder(self._catalogue, self._ids, are_repeated=len(self._segments) > 1)

    def find(
        self,
        plasmid: Plasmid,
        lab: str | None,
        *,
        common_labs: int = COMMON_LABS,
        left_out: Collection[str] = (),
        others: Sequence[str] = (),
    ) -> Stretches:
        """The stretches of a plasmid that speak for a lab or a class (None: for no lab) and for
        each of the `others`, and the mosaic of the plasmid, as if the plasmids with the ids
        `left_out` were not stored. The name of the pool stands for all its labs."""
        if not self._segments:
            unsupported = tuple(LabSupport(other, (), 0) for other in others)
            parts = whole_unknown(len(plasmid))
            return Stretches(lab, common_labs, (), (), 0, parts, unsupported)
        windows = windows_of(plasmid.sequence, k=K, circular=plasmid.is_circular)
        sampled, kmers, shared = self._sampled(windows, left_out)
        query = QueryWindows.from_shared(
            plasmid, windows, sampled, kmers, shared, common_labs=common_labs
        )
        support_of = partial(self._support, query, WindowIndex.from_windows(windows), shared)
        sampled_windows = SampledWindows.from_masks(
            windows.clean, sampled, kmers, length=len(plasmid), closed=plasmid.is_circular
        )
        common, support = query.common(), support_of(lab)
        return Stretches(
            lab,
            common_labs,
            tuple(support[:MOST]),
            tuple(common[:MOST]),
            len(common[MOST:]) + len(support[MOST:]),
            self._mosaics.find(sampled_windows, shared, common_labs=common_labs),
            tuple(_lab_support(other, support_of(other)) for other in others),
        )

    def _sampled(
        self, windows: Windows, left_out: Collection[str]
    ) -> tuple[Mask, Codes, SharedKmers]:
        """Which of w windows are sampled (w,), the k-mer of each of these as a number (t,), and
        what the catalogue shares of the k-mers. A k-mer of the finer sample that many labs have is
        not told lab by lab, so its windows are not sampled."""
        hashes = windows.hashes
        sampled = windows.clean & is_sampled(hashes, scaled=self._features.scaled)
        distinct, kmers = np.unique(hashes[sampled], return_inverse=True)
        rows_left_out = list(living_rows(self._segments, sorted(left_out)).values())
        shared = self._features.shared(distinct, left_out=np.array(rows_left_out, dtype=np.int64))
        is_told = (~shared.is_common | (distinct < FIRST_FINE))[kmers]  # (t,)
        sampled[sampled] = is_told
        return sampled, kmers[is_told], shared

    def _support(
        self, query: QueryWindows, window_index: WindowIndex, shared: SharedKmers, lab: str | None
    ) -> list[Stretch]:
        """The stretches of a query that a lab or a class has."""
        rows = self._source_rows(shared, self._codes_of(lab), common_labs=query.common_labs)
        return query.support([self._source_windows(window_index, row) for row in rows])

    def _codes_of(self, lab: str | None) -> Codes:
        """The code of a lab, or those of the true labs of a class."""
        if lab is None:
            return np.zeros(0, dtype=np.int64)
        if lab in self._catalogue.lab_names:
            return np.array([self._catalogue.lab_names.index(lab)])
        if lab not in self._catalogue.class_names:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(
            self._catalogue.class_of_lab == self._catalogue.class_names.index(lab)
        )

    def _source_rows(self, shared: SharedKmers, codes: Codes, *, common_labs: int) -> list[int]:
        """At most SOURCES rows of these labs, by all rare k-mers that they hold, the fullest
        first. Greedy: one after the other the row that adds most."""
        rare = (shared.lab_counts <= common_labs) & ~shared.is_common
        postings = shared.postings.select(rare[shared.postings.kmers])
        postings = postings.where(np.isin(self._catalogue.labs[postings.rows], codes))
        kmers = postings.kmer_of_each
        rows, candidates = np.unique(postings.rows, return_inverse=True)
        weights = shared.weights / np.maximum(shared.lab_counts, 1)  # (m,)
        totals = np.bincount(candidates, weights[kmers], minlength=len(rows))  # (r,)
        chosen: dict[str, int] = {}  # by id: several segments may hold one plasmid
        is_open = np.ones(len(rows), dtype=bool)
        while len(chosen) < SOURCES and is_open.any():
            gains = np.bincount(candidates, weights[kmers], minlength=len(rows))
            order = np.lexsort((np.arange(len(rows)), -totals, -gains, ~is_open))
            best = int(order[0])
            segment, segment_row = self._place_of(int(rows[best]))
            [plasmid_id] = segment.stored.ids([segment_row])
            chosen.setdefault(plasmid_id, best)
            is_open[best] = False
            weights[kmers[candidates == best]] = 0
        by_total = sorted(chosen.values(), key=lambda best: (-totals[best], best))
        return [int(rows[best]) for best in by_total]

    def _ids(self, rows: Sequence[int]) -> list[str]:
        """The ids of these rows, in their order."""
        places = [self._place_of(row) for row in rows]
        return [segment.stored.ids([row])[0] for segment, row in places]

    def _place_of(self, row: int) -> tuple[LiveSegment, int]:
        """The segment of a row, and its row there."""
        number = int(np.searchsorted(self._catalogue.starts, row, side="right")) - 1
        return self._segments[number], row - self._catalogue.starts[number]

    def _source_windows(self, window_index: WindowIndex, row: int) -> SourceWindows:
        segment, segment_row = self._place_of(row)
        bases = unpack_bases(segment.stored.bases(segment_row))
        circular = segment.stored.topology(segment_row) == "circular"
        forward, backward = window_index.found_in(windows_of(bases, k=K, circular=circular))
        [plasmid_id] = segment.stored.ids([segment_row])
        return SourceWindows(plasmid_id, segment.lab(segment_row), forward, backward)


def _lab_support(lab: str, support: Sequence[Stretch]) -> LabSupport:
    """The first of these stretches, and how many more there are."""
    return LabSupport(lab, tuple(support[:MOST]), len(support[MOST:]))
