"""Lab features from shared k-mers: the k-mers that a query shares with stored plasmids in, one
column of numbers (one number a lab) for each feature out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.products import on_grid
from vecattr.sequences.postings import first_of_each, joined_ranges, numbering, stable_order
from vecattr.vectors import Codes, Column, Mask, Rows

#: Values that are summed over k-mers are multiples of 2^-30, which is 2^(_SUM_EXPONENT - DIGITS).
_SUM_EXPONENT = -4


def _rarities(lab_counts: NDArray[np.int64], *, total_labs: int) -> Column:
    """The weight of k-mers that so many labs have (m,): like an inverse document frequency, largest
    for those that no lab has."""
    return _on_sum_grid(np.log1p(total_labs / np.maximum(lab_counts, 1)))


def _on_sum_grid(values: Column) -> Column:
    """Values of k-mers, rounded to 2^-30. K-mers count as whole numbers or quarters, so sums of
    such values up to 2^21 are exact, in whatever order and groups they are added."""
    return on_grid(values, exponent=_SUM_EXPONENT)


def _lab_sums(labs: Codes, values: Column, *, lab_count: int) -> Column:
    """Values (t,) summed over each lab (l,)."""
    return np.bincount(labs, values, minlength=lab_count).astype(np.float64)


def lab_columns(
    shared: SharedKmers, publications: NDArray[np.int64], *, total_labs: int
) -> dict[str, Column]:
    """Sums over the k-mers that each lab shares with the query, (l,); `publications` (l,) are those
    of each lab, `total_labs` counts also labs that have no column."""
    lab_counts, kmers, labs = shared.lab_counts, shared.pair_kmers, shared.pair_labs
    weights = 1 / np.maximum(lab_counts, 1)
    rarities = _rarities(lab_counts, total_labs=total_labs)
    overall_shares = np.maximum(lab_counts, 1) / max(1, total_labs)  # of labs with a k-mer, (m,)
    usage = shared.pair_publications / (0.5 + publications[labs])  # (p,)
    usage = _on_sum_grid(np.log1p(usage / overall_shares[kmers]))

    def lab_sums(values: Column, of_pairs: Column | Mask | None = None) -> Column:
        """Of each lab (l,), from values of k-mers (m,), and of pairs (p,) where there are any."""
        amounts = (_on_sum_grid(values) * shared.weights)[kmers]
        amounts = amounts if of_pairs is None else amounts * of_pairs
        return _lab_sums(labs, amounts, lab_count=len(publications))

    return {
        "sum": lab_sums(weights) / shared.rare_count,
        "sole_squares": lab_sums(weights**2) / shared.rare_count,
        "rarity": lab_sums(rarities) / shared.total(rarities),
        "sole": lab_sums((lab_counts == 1).astype(np.float64)),
        "few": lab_sums((lab_counts <= 3).astype(np.float64)),
        "usage": lab_sums(np.ones(len(weights)), usage),
        "recurrent": lab_sums(weights, shared.pair_publications >= 2),
    }


def run_columns(
    shared: SharedKmers, order: Codes, *, lab_count: int, circular: bool
) -> dict[str, Column]:
    """Runs, stretches of the query that a lab has without a gap; `order` (t,) are the distinct
    k-mers along the query, of which those that do not count make no gap. A run weighs the sum of
    1 / labs over its k-mers."""
    steps, step_amounts = shared.steps(order)
    run_of, labs, positions = _runs(shared, steps, lab_count=lab_count, circular=circular)
    kmers, amounts = steps[positions], step_amounts[positions]
    shares = _on_sum_grid(1 / np.maximum(shared.lab_counts, 1))
    weights = np.bincount(run_of, amounts * shares[kmers])
    sizes = np.bincount(run_of, amounts, minlength=len(weights))
    lab_of_run = np.zeros(len(weights), dtype=np.int64)
    lab_of_run[run_of] = labs
    is_run = np.flatnonzero(sizes)  # joined runs leave empty numbers behind
    lab_of_run, weights, sizes = lab_of_run[is_run], weights[is_run], sizes[is_run]
    longest = np.zeros(lab_count)
    np.maximum.at(longest, lab_of_run, weights)
    return {
        "runs": np.bincount(lab_of_run, minlength=lab_count).astype(np.float64),
        "run_weight": _lab_sums(lab_of_run, weights / sizes, lab_count=lab_count),
        "longest_run": longest,
        "run_roots": _lab_sums(lab_of_run, np.sqrt(weights), lab_count=lab_count),
    }


def _runs(
    shared: SharedKmers, order: Codes, *, lab_count: int, circular: bool
) -> tuple[Codes, Codes, Codes]:
    """Every occurrence of a pair's k-mer along the query, by lab and position (s,): the number of
    the run that it is in, its lab, its position. Of a circular query, a lab's last run and its
    first are one when they meet at the origin."""
    pairs_per_kmer = np.bincount(shared.pair_kmers, minlength=len(shared.lab_counts))  # (m,)
    first_pairs = np.cumsum(pairs_per_kmer) - pairs_per_kmer
    repeats = pairs_per_kmer[order]  # (t,)
    pairs = joined_ranges(first_pairs[order], repeats)  # (s,)
    positions = np.repeat(np.arange(len(order)), repeats)
    by_lab = stable_order(shared.pair_labs[pairs], count=lab_count)
    pairs, positions = pairs[by_lab], positions[by_lab]
    labs = shared.pair_labs[pairs]
    is_new_lab = first_of_each(labs)
    is_new_run = is_new_lab.copy()
    is_new_run[1:] |= positions[1:] != positions[:-1] + 1
    run_of = np.cumsum(is_new_run) - 1
    if circular and len(labs):
        first = np.flatnonzero(is_new_lab)
        last = np.append(first[1:], len(labs)) - 1
        crosses_origin = (positions[first] == 0) & (positions[last] == len(order) - 1)
        crosses_origin &= run_of[first] < run_of[last]
        joined = np.arange(run_of[-1] + 1)
        joined[run_of[last[crosses_origin]]] = run_of[first[crosses_origin]]
        run_of = joined[run_of]
    return run_of, labs, positions


def plasmid_columns(
    shared: SharedKmers,
    lab_of_row: Codes,
    rare_sizes: Column,
    *,
    lab_count: int,
    total_labs: int,
    place_of_lab: Codes | None = None,
) -> dict[str, Column]:
    """The largest overlaps of single plasmids of each lab with the query, (l,); of n rows, the lab
    (n,) and how much its k-mers count that are not common (n,). `total_labs` counts also labs that
    have no column; `place_of_lab` says which column a lab has where not all have one."""
    rarities = _rarities(shared.lab_counts, total_labs=total_labs)
    total_rarity = shared.total(rarities)
    postings = shared.postings
    amounts = shared.weights[postings.kmers]  # of each list (s,)
    candidates, places = _numbered(postings.rows, count=len(lab_of_row))

    def row_sums(values: Column) -> Column:
        """Of each candidate row (c,), from a value of each list (s,)."""
        of_each = np.repeat(values, postings.sizes)  # (e,)
        return np.bincount(places, of_each, minlength=len(candidates)).astype(np.float64)

    counts, weights = row_sums(amounts), row_sums(rarities[postings.kmers] * amounts)
    present = np.flatnonzero(counts)
    labs = lab_of_row[candidates[present]]
    labs = labs if place_of_lab is None else place_of_lab[labs]
    order = stable_order(labs, count=lab_count)
    present = present[order]
    rows, counts, weights = candidates[present], counts[present], weights[present]
    by_lab = _Groups.from_labs(labs[order], lab_count=lab_count)
    unions = shared.rare_count + rare_sizes[rows] - counts
    overlap = by_lab.largest(weights / total_rarity, n=3)
    jaccard = by_lab.largest(counts / np.maximum(unions, 1), n=2)
    return {
        "overlap": overlap[0],
        "overlap2": overlap[1],
        "overlap3": overlap[2],
        "shared": by_lab.largest(counts / shared.rare_count, n=1)[0],
        "jaccard": jaccard[0],
        "jaccard2": jaccard[1],
    }


def _numbered(rows: Rows, *, count: int) -> tuple[Rows, Rows]:
    """Those of so many rows that occur among these (e,), ascending (c,), and the place there of
    each of these; where there are few, all of them, which takes less time."""
    if count <= len(rows):
        return np.arange(count), rows
    occurring, places = numbering(rows, count=count)
    return occurring, places[rows]


@dataclass(frozen=True)
class _Groups:
    """Rows in order of their labs (t,): where those of each lab begin (g,), and which labs these
    are (g,), of so many."""

    starts: Rows
    labs: Codes
    size: int
    lab_count: int

    @classmethod
    def from_labs(cls, labs: Codes, *, lab_count: int) -> _Groups:
        """From the lab of each row, ascending (t,)."""
        starts = np.flatnonzero(first_of_each(labs))
        return cls(starts, labs[starts], len(labs), lab_count)

    def largest(self, values: Column, *, n: int) -> list[Column]:
        """The n largest values, none below 0, of each lab (l,), 0 where it has fewer; of one value
        for each row (t,)."""
        columns = [np.zeros(self.lab_count) for _ in range(n)]
        if not self.size:
            return columns
        left, sizes = values.copy(), np.diff(self.starts, append=self.size)
        groups = np.repeat(np.arange(len(self.starts)), sizes)
        for place, column in enumerate(columns):
            best = np.maximum.reduceat(left, self.starts)
            column[self.labs] = np.maximum(best, 0)
            if place + 1 < n:  # take one row of the best out of each group
                rows = np.flatnonzero(left == best[groups])
                left[rows[first_of_each(groups[rows])]] = -np.inf
        return columns
