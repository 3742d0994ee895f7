"""What stored plasmids say of a query: its k-mers and vector in, one column of numbers for each
kind of evidence about each lab out.

k-mers count by how few labs have them; those of common backbones tell nobody apart and are not
counted at all (`vecattr.indexes.storage.segment_kmers`). Everything is counted as if the rows that
are left out were not stored, so a plasmid can be asked about in the collection that holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.catalogue import NO_LAB, NO_ROWS, Catalogue, Rows
from vecattr.indexes.scoring.kmer_features import (
    SharedKmers,
    lab_columns,
    pairs_of,
    plasmid_columns,
    run_columns,
)
from vecattr.indexes.storage.kmer_schema import SCALED, K
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_kmers import SegmentKmers
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import Hashes, sampled_kmers

Column = NDArray[np.float64]

#: Inverse temperatures at which the plasmids of a lab vote by their cosines.
SHARPNESSES = (20, 40)


def log_votes(votes: Column, sharpness: int) -> Column:
    """Sums of exp(sharpness * (cosine - 1)) on the scale of cosines less 1, (l,) -> (l,)."""
    found: Column = np.log(votes + 1e-9) / sharpness
    return found


@dataclass(frozen=True)
class QueryKmers:
    """The sampled k-mers of a query in their order along it (t,), repeats included, and whether
    the last is followed by the first."""

    kmers: Hashes
    circular: bool

    @classmethod
    def from_plasmid(cls, plasmid: Plasmid) -> QueryKmers:
        """As segments sample them."""
        circular = plasmid.is_circular
        return cls(sampled_kmers(plasmid.sequence, k=K, scaled=SCALED, circular=circular), circular)

    @cached_property
    def _unique(self) -> tuple[Hashes, NDArray[np.int64]]:
        distinct, order = np.unique(self.kmers, return_inverse=True)
        return distinct, order

    @property
    def distinct(self) -> Hashes:
        """Each k-mer once, ascending (m,)."""
        return self._unique[0]

    @property
    def order(self) -> NDArray[np.int64]:
        """Where the k-mers along the query stand among these (t,)."""
        return self._unique[1]


class LabFeatures:
    """Of the plasmids of a catalogue that are stored with their k-mers and vectors."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self.catalogue = catalogue
        self._segments = segments
        self._kmers = [_kmers_of(segment) for segment in segments]

    @staticmethod
    def are_in(segments: Sequence[LiveSegment]) -> bool:
        """Do all segments have k-mers?"""
        return all(segment.stored.kmers is not None for segment in segments)

    def cosines(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of queries (q, d) with the living rows by lab, (q, n')."""
        stored = [segment.stored.vectors for segment in self._segments]
        found = np.concatenate([vectors @ rows.T for rows in stored], axis=1)  # (q, d) @ (d, n)
        return found[:, self.catalogue.rows_by_lab]

    @cached_property
    def _first_of_lab(self) -> NDArray[np.int64]:
        """Where each lab begins in `rows_by_lab` (l,)."""
        counts = self.catalogue.plasmids
        return np.cumsum(counts) - counts

    @cached_property
    def rare_sizes(self) -> NDArray[np.int64]:
        """How many k-mers of each row (n,) are not common."""
        return np.concatenate([kmers.rare_sizes for kmers in self._kmers])

    @cached_property
    def _all_alive(self) -> bool:
        return len(self.catalogue.rows_by_lab) == len(self.catalogue)

    @cached_property
    def _is_plain(self) -> bool:
        """Do postings come with the rows of a lab, and in it of a group, together?"""
        if len(self._segments) > 1:
            return False
        names = self._segments[0].stored.lab_names
        present = [self._segments[0].present(name) for name in names]
        kept = [name for name in present if name is not None]
        return kept == sorted(set(kept))

    def columns(
        self,
        reading: QueryKmers,
        vector: NDArray[np.float32],
        lab_cosines: Column,
        *,
        left_out: Rows = NO_ROWS,
        near: NDArray[np.float32] | None = None,
    ) -> dict[str, Column]:
        """Every kind of evidence about each lab, by name, (l,) each; `vector` (d,) is the query's,
        `lab_cosines` (c,) are its cosines with the classes, `near` (n',) those of `cosines`, made
        here unless given."""
        shared = self.shared(reading.distinct, left_out=left_out)
        return self.columns_of(shared, reading, vector, lab_cosines, left_out=left_out, near=near)

    def columns_of(
        self,
        shared: SharedKmers,
        reading: QueryKmers,
        vector: NDArray[np.float32],
        lab_cosines: Column,
        *,
        left_out: Rows = NO_ROWS,
        near: NDArray[np.float32] | None = None,
    ) -> dict[str, Column]:
        """The same, from what is shared."""
        near = self.cosines(vector[None, :])[0] if near is None else near
        catalogue = self.catalogue
        plasmids, works = catalogue.plasmids, catalogue.publications
        if len(left_out):
            plasmids, works = catalogue.counts_without(left_out)
        labs = len(catalogue.lab_names)
        rare = catalogue.are_pooled | catalogue.are_rare(plasmids)
        return {
            **lab_columns(shared, works, of=labs),
            **run_columns(shared, reading.order, labs=labs, circular=reading.circular),
            **plasmid_columns(shared, catalogue.labs, self.rare_sizes, labs=labs, of=labs),
            **self._vector_columns(near, left_out),
            "cosine": lab_cosines[catalogue.class_of_lab],
            "plasmids": np.log1p(plasmids),
            "publications": np.log1p(works),
            "kmers": np.full(labs, np.log1p(len(reading.distinct))),
            "known": np.full(labs, shared.known),
            "pooled": rare.astype(np.float64),
        }

    def shared(self, distinct: Hashes, *, left_out: Rows = NO_ROWS) -> SharedKmers:
        """What these ascending k-mers (m,) share with the catalogue."""
        common = np.zeros(len(distinct), dtype=bool)
        common_labs = np.zeros(len(distinct), dtype=np.int64)
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for start, kmers in zip(self.catalogue.starts, self._kmers, strict=True):
            places = kmers.find(distinct)
            mine = kmers.is_common(places)
            common |= mine
            common_labs[mine] += kmers.lab_counts(places[mine])
            which, rows = kmers.postings(places)
            found.append((which, rows + start if start else rows))
        which, rows = found[0]
        if len(found) > 1:
            which = np.concatenate([which for which, _ in found])
            rows = np.concatenate([rows for _, rows in found])
        if not self._all_alive or len(left_out) or len(found) > 1:  # common ones have no postings
            alive = self.catalogue.labs != NO_LAB
            alive[left_out] = False
            kept = alive[rows] & ~common[which]
            which, rows = which[kept], rows[kept]
        lab, group = self.catalogue.labs[rows], self.catalogue.groups[rows]
        if not self._is_plain:
            order = np.lexsort((group, lab, which))
            which, rows, lab, group = which[order], rows[order], lab[order], group[order]
        pairs, labs, works = pairs_of(which, lab, group)
        sizes = np.bincount(pairs, minlength=len(distinct))
        most = len(self.catalogue.lab_names)
        counts = np.where(common, np.minimum(common_labs, most), sizes)
        return SharedKmers(counts, common, pairs, labs, works, which, rows)

    def _vector_columns(self, near: NDArray[np.float32], left_out: Rows) -> dict[str, Column]:
        """The plasmids of each lab whose vectors are near; -1 of a lab without any."""
        cosines = near.astype(np.float64)
        if len(left_out):
            cosines[np.isin(self.catalogue.rows_by_lab, left_out)] = -1.0
        first = self._first_of_lab
        found = {"nearest": np.clip(np.maximum.reduceat(cosines, first), -1, 1)}
        for sharpness in SHARPNESSES:
            votes = np.add.reduceat(np.exp(sharpness * (cosines - 1)), first)
            found[f"votes{sharpness}"] = log_votes(votes, sharpness)
        return found


def _kmers_of(segment: LiveSegment) -> SegmentKmers:
    kmers = segment.stored.kmers
    assert kmers is not None, "only segments with k-mers hold evidence"
    return kmers
