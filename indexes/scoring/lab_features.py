"""Lab features, the inputs of the evidence ranker: the k-mers and vector of a query in, one column
of numbers (one number a lab) for each feature out.

k-mers weigh more the fewer labs have them. Those of common backbones, which more than MOST_LABS
labs of all segments have (a lab counted in every segment that it is in), do not count at all, so
that what a query costs does not follow the number of labs. Where all segments have the finer
sample, more k-mers are read that few labs have; each counts for as much less. Rows that are left
out count as if they were not stored, so a stored plasmid can be scored leave-one-out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.catalogue import NO_LAB, NO_ROWS, Catalogue
from vecattr.indexes.joining.joined_kmers import JoinedKmers, PlacedJoin
from vecattr.indexes.scoring.kmer_features import lab_columns, plasmid_columns, run_columns
from vecattr.indexes.scoring.shared_kmers import KmerCounts, SharedKmers, pairs_by_publication
from vecattr.indexes.storage.kmer_schema import FINE_SCALED, FINENESS, FIRST_FINE, SCALED, K
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_kmers import NO_PLACE, KmerTable, SegmentKmers
from vecattr.plasmid import Plasmid
from vecattr.ranking.lab_columns import LabColumns
from vecattr.sequences.kmers import Hashes, sampled_kmers
from vecattr.sequences.postings import Postings, distinct_places, numbering
from vecattr.vectors import Codes, Column, LabColumn, Mask, Rows


@dataclass(frozen=True)
class QueryKmers:
    """The sampled k-mers of a query in their order along it (t,), repeats included, and whether
    it is circular, so that the first follows the last."""

    kmers: Hashes
    circular: bool

    @classmethod
    def from_plasmid(cls, plasmid: Plasmid, *, scaled: int = SCALED) -> QueryKmers:
        """The k-mers of a plasmid, one in `scaled`: SCALED, or FINE_SCALED with the finer
        sample."""
        circular = plasmid.is_circular
        return cls(sampled_kmers(plasmid.sequence, k=K, scaled=scaled, circular=circular), circular)

    @cached_property
    def _unique(self) -> tuple[Hashes, Codes]:
        examples, order = distinct_places(self.kmers)
        return self.kmers[examples], order

    @property
    def distinct(self) -> Hashes:
        """Each k-mer once, ascending (m,)."""
        return self._unique[0]

    @property
    def count(self) -> int:
        """How many different k-mers there are, without those of the finer sample."""
        return int(np.searchsorted(self.distinct, FIRST_FINE))

    @property
    def order(self) -> Codes:
        """The k-mers along the query, as places in `distinct` (t,)."""
        return self._unique[1]


class _Source(NamedTuple):
    """Segments next to each other whose k-mers are looked up at once: the first of their rows, and
    the tables of both samples."""

    start: int
    tables: tuple[KmerTable, KmerTable | None]


class _Part(NamedTuple):
    """A sample of one source: which `kmers` of a query it may have, and their places."""

    source: int
    table: KmerTable
    kmers: slice
    places: NDArray[np.int64]


class _LabSizes(NamedTuple):
    """From how many publications the plasmids of each lab come (l,), and the columns that only
    sizes of labs make, by name (l,)."""

    publications: NDArray[np.int64]
    columns: dict[str, LabColumn]


class LabFeatures:
    """Lab features from the plasmids of a catalogue, stored with their k-mers and vectors; of the
    segments whose k-mers are `joined` these are looked up at once."""

    def __init__(
        self,
        catalogue: Catalogue,
        segments: Sequence[LiveSegment],
        joined: Sequence[PlacedJoin] = (),
    ) -> None:
        self.catalogue = catalogue
        self.segments = segments
        self._kmers = [_kmers_of(segment) for segment in segments]
        self._sources = list(self._divided(dict(joined)))

    @staticmethod
    def are_in(segments: Sequence[LiveSegment]) -> bool:
        """Whether all segments have k-mers."""
        return all(segment.stored.kmers is not None for segment in segments)

    @cached_property
    def scaled(self) -> int:
        """One in how many k-mers of a query are compared: FINE_SCALED where all segments have the
        finer sample, SCALED else."""
        return SCALED if any(kmers.fine is None for kmers in self._kmers) else FINE_SCALED

    @cached_property
    def rare_sizes(self) -> Column:
        """How much the k-mers of each row (n,) count that are not common."""
        if self.scaled == SCALED:
            return np.concatenate([kmers.rare_sizes for kmers in self._kmers]).astype(np.float64)
        units = [kmers.fine.units for kmers in self._kmers if kmers.fine is not None]
        return np.concatenate(units) / FINENESS

    @cached_property
    def _all_alive(self) -> bool:
        return len(self.catalogue.rows_by_lab) == len(self.catalogue)

    def _divided(self, joined: Mapping[int, JoinedKmers]) -> Iterator[_Source]:
        """What the segments are looked up in, in their order."""
        first = 0
        while first < len(self.segments):
            join, start = joined.get(first), self.catalogue.starts[first]
            if join is not None:
                yield _Source(start, (join.kmers, join.fine))
            else:
                yield _Source(start, (self._kmers[first], self._kmers[first].fine))
            first += 1 if join is None else len(join)

    @cached_property
    def _postings_are_in_order(self) -> bool:
        """Whether stored postings are in order of lab and group by their present names."""
        if len(self._sources) > 1:
            return False
        if all(segment.is_unchanged for segment in self.segments):
            return True
        present = {
            (name, segment.present(name))
            for segment in self.segments
            for name in segment.stored.lab_names
        }
        names = [now for _, now in sorted(present, key=lambda pair: pair[0]) if now is not None]
        return names == sorted(set(names))

    def columns(
        self,
        shared: SharedKmers,
        kmers: QueryKmers,
        lab_cosines: Column,
        *,
        left_out: Rows = NO_ROWS,
        total_labs: int | None = None,
    ) -> LabColumns:
        """Every feature of each lab that shared k-mers and classes give, by name, (l,) each;
        `lab_cosines` (c,) are those of the query with the classes, `total_labs` counts also labs
        that are not in the catalogue."""
        catalogue = self.catalogue
        labs = len(catalogue.lab_names)
        total_labs = labs if total_labs is None else total_labs
        sizes = self._sizes(left_out) if len(left_out) else self._all_sizes
        few, place_of_lab = numbering(shared.pair_labs, count=labs)
        placed = replace(shared, pair_labs=place_of_lab[shared.pair_labs])
        of_few = {
            **lab_columns(placed, sizes.publications[few], total_labs=total_labs),
            **run_columns(placed, kmers.order, lab_count=len(few), circular=kmers.circular),
            **plasmid_columns(
                placed,
                catalogue.labs,
                self.rare_sizes,
                lab_count=len(few),
                total_labs=total_labs,
                place_of_lab=place_of_lab,
            ),
        }
        of_query = {"kmers": np.log1p(kmers.count), "known": shared.known, "told": shared.few}
        full: dict[str, LabColumn] = {
            "cosine": lab_cosines.astype(np.float32)[catalogue.class_of_lab],
            **sizes.columns,
            **{name: np.broadcast_to(np.float64(fact), labs) for name, fact in of_query.items()},
        }
        return LabColumns(full, of_few, few)

    @cached_property
    def _all_sizes(self) -> _LabSizes:
        return self._sizes(NO_ROWS)

    def _sizes(self, left_out: Rows) -> _LabSizes:
        """Of each lab without rows that are left out."""
        catalogue = self.catalogue
        plasmids, publications = catalogue.plasmids, catalogue.publications
        if len(left_out):
            plasmids, publications = catalogue.counts_without(left_out)
        are_rare = catalogue.are_pooled | catalogue.are_rare(plasmids)
        columns = {
            "plasmids": np.log1p(plasmids).astype(np.float32),
            "publications": np.log1p(publications).astype(np.float32),
            "pooled": are_rare.astype(np.float32),
        }
        return _LabSizes(publications, columns)

    def shared(self, distinct: Hashes, *, left_out: Rows = NO_ROWS) -> SharedKmers:
        """The k-mers, of these ascending ones (m,), that the query shares with the catalogue."""
        return self.shared_and_counts(distinct, left_out=left_out)[0]

    def shared_and_counts(
        self,
        distinct: Hashes,
        *,
        left_out: Rows = NO_ROWS,
        counted: Sequence[bool] | None = None,
        together: bool = False,
    ) -> tuple[SharedKmers, KmerCounts]:
        """The same, and the counts of labs that add up over shards; `counted` says whose stored
        counts are among them, segment by segment (None: all). `together`: k-mers that the same
        rows have count as one, where they are looked up in one table of each sample."""
        parts = self._parts_of(distinct)
        stored = np.zeros((len(self._sources), len(distinct)), dtype=np.int64)
        for part in parts:
            stored[part.source, part.kmers] = part.table.lab_counts(part.places)
        are_fine = distinct >= FIRST_FINE if self.scaled == FINE_SCALED else None
        no_counts = np.zeros(len(distinct), dtype=np.int64)
        # A lab counts in every segment that it is in.
        counts = KmerCounts(stored.sum(axis=0), no_counts, are_fine)
        is_common, weights = counts.are_common, counts.weights
        numbers = chosen = np.arange(len(distinct))
        if together and len(self._sources) == 1:
            chosen, numbers = _alike(parts, counts)
        postings = self._living(self._postings(parts, chosen, is_common), left_out)
        publications = self.catalogue.publication_of_row[postings.rows]
        if not self._postings_are_in_order:
            order = np.argsort(postings.kmer_of_each << 32 | publications, kind="stable")
            postings, publications = postings.merged(order), publications[order]
        pair_kmers, pair_labs, pair_publications = pairs_by_publication(
            postings, publications, self.catalogue.labs
        )
        living = np.bincount(pair_kmers, minlength=len(chosen))
        counts = replace(counts, living=living[numbers])
        shared = SharedKmers(
            counts.labs(total=len(self.catalogue.lab_names))[chosen],
            is_common[chosen],
            np.bincount(numbers, weights, minlength=len(chosen)).astype(np.float64),
            pair_kmers,
            pair_labs,
            pair_publications,
            postings,
            numbers,
            weights,
        )
        if counted is not None:
            assert len(stored) == len(counted), "of a shard each segment is looked up by itself"
            counts = replace(counts, stored=stored[np.array(counted, dtype=bool)].sum(axis=0))
        return shared, counts

    def _parts_of(self, distinct: Hashes) -> list[_Part]:
        """Where all tables have these ascending k-mers (m,), in order of segments and k-mers; those
        of a sample that no k-mer is of are left out."""
        first_fine = int(np.searchsorted(distinct, FIRST_FINE))
        samples = slice(0, first_fine), slice(first_fine, len(distinct))
        parts = []
        for number, source in enumerate(self._sources):
            for table, part in zip(source.tables, samples, strict=True):
                if table is not None and part.start < part.stop:
                    parts.append(_Part(number, table, part, table.find(distinct[part])))
        return parts

    def _postings(self, parts: Sequence[_Part], chosen: Codes, is_common: Mask) -> Postings:
        """Of some of the query's k-mers by their numbers (m,), those of one part after those of
        another; the postings number them from 0."""
        lists = []
        for part in parts:
            own = np.flatnonzero((chosen >= part.kmers.start) & (chosen < part.kmers.stop))
            places = part.places[chosen[own] - part.kmers.start]
            found = part.table.postings(np.where(is_common[chosen[own]], NO_PLACE, places))
            start = self._sources[part.source].start
            rows = found.rows + start if start else found.rows
            lists.append(Postings(own[found.kmers], found.sizes, rows))
        return Postings.joined(lists)

    def _living(self, postings: Postings, left_out: Rows) -> Postings:
        """Without those of removed rows and of rows that are left out."""
        if self._all_alive and not len(left_out):
            return postings
        alive = self.catalogue.labs != NO_LAB
        alive[left_out] = False
        return postings.where(alive[postings.rows])


def _kmers_of(segment: LiveSegment) -> SegmentKmers:
    kmers = segment.stored.kmers
    assert kmers is not None, "only segments with k-mers give lab features"
    return kmers


def _alike(parts: Sequence[_Part], counts: KmerCounts) -> tuple[Codes, Codes]:
    """Of the d distinct k-mers of a query, looked up in one table of each sample: one of those that
    share a posting list, or that have none and are in as many labs, in order of samples and lists
    (m,), and which of these each of the d is (d,)."""
    keys = -1 - counts.stored
    for sample, part in enumerate(parts):
        places = np.where(counts.are_common[part.kmers], NO_PLACE, part.places)
        lists = part.table.lists_of(places)
        is_listed = np.flatnonzero(lists != NO_PLACE)
        keys[part.kmers.start + is_listed] = lists[is_listed] + (sample << 32)
    return distinct_places(keys)
