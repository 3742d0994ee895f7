"""The k-mers that a query shares with stored plasmids, and how many labs have each: postings in,
pairs of k-mers and labs out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.storage.kmer_schema import FINE_MOST_LABS, FINENESS, MOST_LABS
from vecattr.mosaic import FEW_LABS
from vecattr.sequences.postings import Postings, first_of_each
from vecattr.vectors import Codes, Column, Mask


@dataclass(frozen=True)
class KmerCounts:
    """Of m k-mers (m,): how many labs of segments have each, as `stored` (removed labs included,
    and a lab counted in every segment that it is in), and how many `living` labs, where postings
    were read. Counts of disjoint sets of labs, and of segments, add up. `are_fine` (m,) are of the
    finer sample; None where it is not read."""

    stored: NDArray[np.int64]
    living: NDArray[np.int64]
    are_fine: Mask | None = None

    def plus(self, other: KmerCounts) -> KmerCounts:
        """The counts of both together."""
        stored, living = self.stored + other.stored, self.living + other.living
        return KmerCounts(stored, living, self.are_fine)

    @property
    def count(self) -> int:
        """How many k-mers there are, without those of the finer sample."""
        return len(self.stored) - (0 if self.are_fine is None else int(self.are_fine.sum()))

    @property
    def are_common(self) -> Mask:
        """Which k-mers too many labs have, so that they do not count."""
        if self.are_fine is None:
            return np.asarray(self.stored > MOST_LABS)
        return np.asarray(self.stored > np.where(self.are_fine, FINE_MOST_LABS, MOST_LABS))

    @property
    def weights(self) -> Column:
        """How much each k-mer counts (m,): with a finer sample FINENESS of those that few labs have
        are read instead of one, and of the others none."""
        if self.are_fine is None:
            return np.ones(len(self.stored))
        of_many = np.where(self.are_fine, 0.0, 1.0)
        return np.where(self.stored > FINE_MOST_LABS, of_many, 1 / FINENESS)

    def labs(self, *, total: int) -> NDArray[np.int64]:
        """How many labs have each, of so many in all."""
        counts: NDArray[np.int64] = np.where(
            self.are_common, np.minimum(self.stored, total), self.living
        )
        return counts


@dataclass(frozen=True)
class SharedKmers:
    """The k-mers that a query shares with the catalogue, without rows that are left out.

    Of m k-mers of the query: `lab_counts` (m,), how many labs have each; `is_common` (m,), which
    too many labs have, so that they are in no pair and no posting; `weights` (m,), how much each
    counts.
    A pair is a k-mer and a lab that has it, in order of both: `pair_kmers`, `pair_labs`, and
    `pair_publications`, from how many publications (groups) of the lab the k-mer is known, (p,).
    `postings` say which rows have which k-mers.

    Of the d distinct k-mers of the query those that the same rows have may count together, as one
    of the m: `counted_as` says as which of the m each of the d counts (d,), and `own_weights` how
    much it does by itself (d,).
    """

    lab_counts: NDArray[np.int64]
    is_common: Mask
    weights: Column
    pair_kmers: Codes
    pair_labs: Codes
    pair_publications: NDArray[np.int64]
    postings: Postings
    counted_as: Codes
    own_weights: Column

    def steps(self, order: Codes) -> tuple[Codes, Column]:
        """The k-mers along the query that count, of distinct ones along it (t,), and how much each
        does; those next to each other that count together are one, (s,) both."""
        order = order[self.own_weights[order] > 0]
        kmers, amounts = self.counted_as[order], self.own_weights[order]
        starts = np.flatnonzero(first_of_each(kmers))
        return kmers[starts], np.add.reduceat(amounts, starts) if len(starts) else amounts

    def among(self, counts: KmerCounts, *, total_labs: int) -> SharedKmers:
        """The same where other labs, so many in all, share the query's k-mers, too; `counts` are
        of all of them."""
        is_common = counts.are_common
        assert len(is_common) == len(self.weights), "k-mers that count together"
        pairs = ~is_common[self.pair_kmers]
        return SharedKmers(
            counts.labs(total=total_labs),
            is_common,
            counts.weights,
            self.pair_kmers[pairs],
            self.pair_labs[pairs],
            self.pair_publications[pairs],
            self.postings.select(~is_common[self.postings.kmers]),
            self.counted_as,
            counts.weights,
        )

    @property
    def known(self) -> float:
        """The share of the query's k-mers that any plasmid has."""
        return self._share_of(self.lab_counts > 0)

    @property
    def few(self) -> float:
        """The share of the query's k-mers that some labs have, FEW_LABS at most."""
        are_few = (self.lab_counts > 0) & (self.lab_counts <= FEW_LABS) & ~self.is_common
        return self._share_of(are_few)

    def _share_of(self, kmers: Mask) -> float:
        total = float(self.weights.sum())
        return float(self.weights[kmers].sum()) / total if total else 0.0

    def total(self, rarities: Column) -> float:
        """The rarities (m,) of the query's k-mers summed, as each counts; above 0."""
        return max(float((self.weights * rarities).sum()), 1e-9)

    @property
    def rare_count(self) -> float:
        """How much the query's k-mers count that are not common; at least 1."""
        return max(1.0, float(self.weights[~self.is_common].sum()))


def pairs_by_publication(
    postings: Postings, publications: NDArray[np.integer], lab_of_row: Codes
) -> tuple[Codes, Codes, NDArray[np.int64]]:
    """The k-mers and labs of pairs, and from how many publications each comes, (p,), of postings
    in order of k-mer, lab and publication, the publication of each (e,), one of each lab, and the
    lab of each row (n,)."""
    of_publications = postings.where(postings.first_of_each(publications))
    labs = lab_of_row[of_publications.rows]
    is_first = of_publications.first_of_each(labs)
    pairs = of_publications.where(is_first)
    counts = np.diff(np.flatnonzero(is_first), append=len(labs))
    return pairs.kmer_of_each, labs[is_first], counts
