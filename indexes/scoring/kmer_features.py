"""What a query shares with stored plasmids: its k-mers that labs have in, one column of numbers for
each kind of evidence about each lab out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.storage.segment_kmers import first_of_each, joined_ranges

Column = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class SharedKmers:
    """The k-mers that a query shares with the catalogue, without rows that are left out.

    Of the m distinct k-mers of the query: `lab_counts` (m,), how many labs have each; `is_common`
    (m,), which too many labs have, so that they are in no pair and no posting.
    A pair is a k-mer and a lab that has it, in order of both: `pair_kmers`, `pair_labs`, and
    `pair_publications`, from how many publications (groups) of the lab the k-mer is known, (p,).
    A posting is a k-mer and a row that has it: `posting_kmers`, `posting_rows`, (e,).
    """

    lab_counts: Codes
    is_common: NDArray[np.bool_]
    pair_kmers: Codes
    pair_labs: Codes
    pair_publications: Codes
    posting_kmers: Codes
    posting_rows: Codes

    @property
    def known(self) -> float:
        """The share of the query's k-mers that any plasmid has."""
        return float(np.count_nonzero(self.lab_counts) / max(1, len(self.lab_counts)))


def pairs_of(which: Codes, lab: Codes, group: Codes) -> tuple[Codes, Codes, Codes]:
    """The pairs of a k-mer and a lab, and from how many groups each comes, (p,), of postings by
    k-mer, lab and group, (e,)."""
    fresh_lab = first_of_each(which) | first_of_each(lab)
    fresh_group = fresh_lab | first_of_each(group)
    starts = np.flatnonzero(fresh_lab)
    works = np.add.reduceat(fresh_group.astype(np.int64), starts) if len(starts) else starts
    return which[starts], lab[starts], works


def _rarity(counts: Codes, *, labs: int) -> Column:
    """How much a k-mer tells that so many of all labs have (m,): most when none has it."""
    rarity: Column = np.log1p(labs / np.maximum(counts, 1))
    return rarity


def _sums(lab: Codes, values: Column, *, labs: int) -> Column:
    """The values (t,) of each lab together (l,)."""
    found: Column = np.bincount(lab, values, minlength=labs).astype(np.float64)
    return found


def _sorting(lab: Codes, *, labs: int) -> Codes:
    """What sorts codes of so many labs (t,), equal ones as they stand."""
    small = lab.astype(np.int16) if labs < 1 << 15 else lab  # which numpy sorts faster
    return np.argsort(small, kind="stable")


def lab_columns(shared: SharedKmers, works: Codes, *, of: int) -> dict[str, Column]:
    """Sums over the k-mers that each lab shares with the query, of labs from so many groups (l,);
    there are `of` labs in all."""
    counts, kmer, lab = shared.lab_counts, shared.pair_kmers, shared.pair_labs
    weight = 1 / np.maximum(counts, 1)  # (m,)
    rarity = _rarity(counts, labs=of)
    mine = max(1, int(np.count_nonzero(~shared.is_common)))
    usual = np.maximum(counts, 1) / max(1, of)  # the share of labs that have a k-mer, (m,)
    usage = np.log1p(shared.pair_publications / (0.5 + works[lab]) / usual[kmer])  # (p,)

    def total(values: Column) -> Column:
        """Of the pairs' values (p,), for each lab (l,)."""
        return _sums(lab, values, labs=len(works))

    return {
        "sum": total(weight[kmer]) / mine,
        "sole_squares": total(weight[kmer] ** 2) / mine,
        "rarity": total(rarity[kmer]) / max(float(rarity.sum()), 1e-9),
        "sole": total((counts[kmer] == 1).astype(np.float64)),
        "few": total((counts[kmer] <= 3).astype(np.float64)),
        "usage": total(usage),
        "recurrent": total(weight[kmer] * (shared.pair_publications >= 2)),
    }


def run_columns(
    shared: SharedKmers, order: Codes, *, labs: int, circular: bool
) -> dict[str, Column]:
    """Stretches of the query that a lab has without a gap; `order` (t,) are the k-mers along it.

    A stretch weighs the sum of 1 / labs over its k-mers.
    """
    pairs = np.bincount(shared.pair_kmers, minlength=len(shared.lab_counts))  # of each k-mer, (m,)
    before = np.cumsum(pairs) - pairs
    times = pairs[order]  # (t,)
    at = joined_ranges(before[order], times)
    place = np.repeat(np.arange(len(order)), times)
    by_lab = _sorting(shared.pair_labs[at], labs=labs)
    at, place = at[by_lab], place[by_lab]
    lab = shared.pair_labs[at]
    fresh_lab = first_of_each(lab)
    fresh = fresh_lab.copy()
    fresh[1:] |= place[1:] != place[:-1] + 1
    run = np.cumsum(fresh) - 1
    if circular and len(lab):
        first = np.flatnonzero(fresh_lab)
        last = np.append(first[1:], len(lab)) - 1
        closed = (place[first] == 0) & (place[last] == len(order) - 1) & (run[first] < run[last])
        joined = np.arange(run[-1] + 1)
        joined[run[last[closed]]] = run[first[closed]]
        run = joined[run]
    weights = np.bincount(run, (1 / np.maximum(shared.lab_counts, 1))[shared.pair_kmers[at]])
    sizes = np.bincount(run, minlength=len(weights))
    owner = np.zeros(len(weights), dtype=np.int64)
    owner[run] = lab
    real = np.flatnonzero(sizes)
    owner, weights, sizes = owner[real], weights[real], sizes[real]
    longest = np.zeros(labs)
    np.maximum.at(longest, owner, weights)
    return {
        "runs": np.bincount(owner, minlength=labs).astype(np.float64),
        "run_weight": _sums(owner, weights / sizes, labs=labs),
        "longest_run": longest,
        "run_roots": _sums(owner, np.sqrt(weights), labs=labs),
    }


def plasmid_columns(
    shared: SharedKmers, lab_of_row: Codes, rare_sizes: Codes, *, labs: int, of: int
) -> dict[str, Column]:
    """The plasmids of each of some labs, `labs` of them, that share most with the query; of n rows
    the lab (n,) and the number of k-mers that are not common (n,). There are `of` labs in all."""
    rarity = _rarity(shared.lab_counts, labs=of)
    total = max(float(rarity.sum()), 1e-9)
    counts = np.bincount(shared.posting_rows, minlength=len(lab_of_row))
    weights = np.bincount(
        shared.posting_rows, rarity[shared.posting_kmers], minlength=len(lab_of_row)
    )
    touched = np.flatnonzero(counts)
    mine = max(1, int(np.count_nonzero(~shared.is_common)))
    union = mine + rare_sizes[touched] - counts[touched]
    lab = lab_of_row[touched]
    overlap = _largest(weights[touched] / total, lab, labs=labs, n=3)
    jaccard = _largest(counts[touched] / np.maximum(union, 1), lab, labs=labs, n=2)
    most = np.zeros(labs)
    np.maximum.at(most, lab, counts[touched] / mine)
    return {
        "overlap": overlap[0],
        "overlap2": overlap[1],
        "overlap3": overlap[2],
        "shared": most,
        "jaccard": jaccard[0],
        "jaccard2": jaccard[1],
    }


def _largest(values: Column, lab: Codes, *, labs: int, n: int) -> list[Column]:
    """The n largest values of each lab, 0 where it has fewer; (t,), (t,) -> n times (l,)."""
    order = np.argsort(-values, kind="stable")
    order = order[_sorting(lab[order], labs=labs)]
    values, lab = values[order], lab[order]
    first = np.flatnonzero(first_of_each(lab))
    rank = np.arange(len(lab)) - np.repeat(first, np.diff(np.append(first, len(lab))))
    found = []
    for place in range(n):
        column = np.zeros(labs)
        column[lab[rank == place]] = values[rank == place]
        found.append(column)
    return found
