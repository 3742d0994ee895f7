"""What stored plasmids say of a query: its k-mers and vector in, one column of numbers for each
kind of evidence about each lab out.

k-mers count by how few labs have them; those of common backbones tell nobody apart and are not
counted at all (`vecattr.indexes.segment_kmers`). Everything is counted as if the rows that are
left out were not stored, so a plasmid can be asked about in the collection that holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.catalogue import NOBODY, Catalogue, Rows
from vecattr.indexes.live import LiveSegment
from vecattr.indexes.segment_kmers import SegmentKmers
from vecattr.kmers import Hashes

Column = NDArray[np.float64]

NO_ROWS: Rows = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Reading:
    """The sampled k-mers of a query in their order along it (t,), repeats included, and whether
    the last is followed by the first."""

    kmers: Hashes
    circular: bool


@dataclass(frozen=True)
class Shared:
    """What m distinct k-mers of a query share with the catalogue, without what is left out.

    `labs` (m,): how many labs have each k-mer; `common` (m,): which too many labs have, so that
    they are in no pair. A pair is a k-mer of the query and a lab that has it: `kmer`, `lab`,
    `works`, the number of groups it comes from, (p,), by k-mer, then lab. A posting is a k-mer and
    a row: `which`, `rows` (e,).
    """

    labs: NDArray[np.int64]
    common: NDArray[np.bool_]
    kmer: NDArray[np.int64]
    lab: NDArray[np.int64]
    works: NDArray[np.int64]
    which: NDArray[np.int64]
    rows: Rows


class Evidence:
    """Of the plasmids of a catalogue that are stored with their k-mers and vectors."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self.catalogue = catalogue
        self._segments = segments
        self._kmers = [_kmers_of(segment) for segment in segments]

    @staticmethod
    def is_in(segments: Sequence[LiveSegment]) -> bool:
        """Do all segments have k-mers?"""
        return all(segment.stored.kmers is not None for segment in segments)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """The living rows' vectors by lab (n', d)."""
        stacked = np.concatenate([segment.stored.vectors for segment in self._segments])
        return stacked[self.catalogue.by_lab]

    @cached_property
    def _first_of_lab(self) -> NDArray[np.int64]:
        """Where each lab begins in `by_lab` (l,)."""
        counts = self.catalogue.plasmids
        return np.cumsum(counts) - counts

    @cached_property
    def _rare_sizes(self) -> NDArray[np.int64]:
        """How many k-mers of each row (n,) are not common."""
        return np.concatenate([kmers.rare_sizes for kmers in self._kmers])

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
        reading: Reading,
        vector: NDArray[np.float32],
        lab_cosines: Column,
        *,
        left_out: Rows = NO_ROWS,
    ) -> dict[str, Column]:
        """Every kind of evidence about each lab, by name, (l,) each; `vector` (d,) is the query's,
        `lab_cosines` (c,) are its cosines with the classes."""
        distinct, order = np.unique(reading.kmers, return_inverse=True)
        shared = self.shared(distinct, left_out=left_out)
        plasmids, works = self.catalogue.plasmids, self.catalogue.works
        if len(left_out):
            plasmids, works = self.catalogue.less(left_out)
        labs = len(self.catalogue.lab_names)
        return {
            **_lab_columns(shared, works, labs=labs),
            **_run_columns(shared, order, labs=labs, circular=reading.circular),
            **self._plasmid_columns(shared),
            **self._vector_columns(vector, left_out),
            "cosine": lab_cosines[self.catalogue.class_of_lab],
            "plasmids": np.log1p(plasmids),
            "works": np.log1p(works),
            "kmers": np.full(labs, np.log1p(len(distinct))),
            "known": np.full(labs, np.count_nonzero(shared.labs) / max(1, len(distinct))),
            "pooled": self._is_pooled,
        }

    @cached_property
    def _is_pooled(self) -> Column:
        names = np.array(self.catalogue.class_names, dtype=object)[self.catalogue.class_of_lab]
        pooled: Column = np.asarray(names != np.array(self.catalogue.lab_names, dtype=object))
        return pooled.astype(np.float64)

    def shared(self, distinct: Hashes, *, left_out: Rows = NO_ROWS) -> Shared:
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
            found.append((which, rows + start))
        which = np.concatenate([which for which, _ in found])
        rows = np.concatenate([rows for _, rows in found])
        alive = self.catalogue.labs != NOBODY
        alive[left_out] = False
        kept = alive[rows] & ~common[which]
        which, rows = which[kept], rows[kept]
        lab, group = self.catalogue.labs[rows], self.catalogue.groups[rows]
        if not self._is_plain:
            order = np.lexsort((group, lab, which))
            which, rows, lab, group = which[order], rows[order], lab[order], group[order]
        fresh_lab = _changes(which) | _changes(lab)
        fresh_group = fresh_lab | _changes(group)
        starts = np.flatnonzero(fresh_lab)
        works = np.add.reduceat(fresh_group.astype(np.int64), starts) if len(starts) else starts
        pairs, labs = which[starts], lab[starts]
        sizes = np.bincount(pairs, minlength=len(distinct))
        most = len(self.catalogue.lab_names)
        counts = np.where(common, np.minimum(common_labs, most), sizes)
        return Shared(counts, common, pairs, labs, works, which, rows)

    def _plasmid_columns(self, shared: Shared) -> dict[str, Column]:
        """The plasmids of each lab that share most with the query."""
        rarity = _rarity(shared.labs, labs=len(self.catalogue.lab_names))
        total = max(float(rarity.sum()), 1e-9)
        counts = np.bincount(shared.rows, minlength=len(self.catalogue))
        weights = np.bincount(shared.rows, rarity[shared.which], minlength=len(self.catalogue))
        touched = np.flatnonzero(counts)
        mine = max(1, int(np.count_nonzero(~shared.common)))
        union = mine + self._rare_sizes[touched] - counts[touched]
        lab = self.catalogue.labs[touched]
        labs = len(self.catalogue.lab_names)
        overlap = _largest(weights[touched] / total, lab, labs=labs, n=3)
        jaccard = _largest(counts[touched] / np.maximum(union, 1), lab, labs=labs, n=2)
        [most] = _largest(counts[touched] / mine, lab, labs=labs, n=1)
        return {
            "overlap": overlap[0],
            "overlap2": overlap[1],
            "overlap3": overlap[2],
            "shared": most,
            "jaccard": jaccard[0],
            "jaccard2": jaccard[1],
        }

    def _vector_columns(self, vector: NDArray[np.float32], left_out: Rows) -> dict[str, Column]:
        """The plasmids of each lab whose vectors are near; -1 of a lab without any."""
        cosines = (self._vectors @ vector).astype(np.float64)  # (n', d) @ (d,) -> (n',)
        if len(left_out):
            cosines[np.isin(self.catalogue.by_lab, left_out)] = -1.0
        first = self._first_of_lab
        found = {"nearest": np.clip(np.maximum.reduceat(cosines, first), -1, 1)}
        for sharpness in (20, 40):
            votes = np.add.reduceat(np.exp(sharpness * (cosines - 1)), first)
            found[f"votes{sharpness}"] = np.log(votes + 1e-9) / sharpness
        return found


def _kmers_of(segment: LiveSegment) -> SegmentKmers:
    kmers = segment.stored.kmers
    assert kmers is not None, "only segments with k-mers hold evidence"
    return kmers


def _rarity(counts: NDArray[np.int64], *, labs: int) -> Column:
    """How much a k-mer tells that so many of all labs have (m,): most when none has it."""
    rarity: Column = np.log1p(labs / np.maximum(counts, 1))
    return rarity


def _sums(lab: NDArray[np.int64], values: Column, *, labs: int) -> Column:
    """The values (t,) of each lab together (l,)."""
    found: Column = np.bincount(lab, values, minlength=labs).astype(np.float64)
    return found


def _changes(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a value differs from the one before it; the first does."""
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = values[1:] != values[:-1]
    return fresh


def _lab_columns(shared: Shared, works: NDArray[np.int64], *, labs: int) -> dict[str, Column]:
    """Sums over the k-mers that each lab shares with the query."""
    counts, kmer, lab = shared.labs, shared.kmer, shared.lab
    weight = 1 / np.maximum(counts, 1)  # (m,)
    rarity = _rarity(counts, labs=labs)
    mine = max(1, int(np.count_nonzero(~shared.common)))
    usual = np.maximum(counts, 1) / max(1, labs)  # the share of labs that have a k-mer, (m,)
    usage = np.log1p(shared.works / (0.5 + works[lab]) / usual[kmer])  # (p,)

    def total(values: Column) -> Column:
        """Of the pairs' values (p,), for each lab (l,)."""
        return _sums(lab, values, labs=labs)

    return {
        "sum": total(weight[kmer]) / mine,
        "sole_squares": total(weight[kmer] ** 2) / mine,
        "rarity": total(rarity[kmer]) / max(float(rarity.sum()), 1e-9),
        "sole": total((counts[kmer] == 1).astype(np.float64)),
        "few": total((counts[kmer] <= 3).astype(np.float64)),
        "usage": total(usage),
        "recurrent": total(weight[kmer] * (shared.works >= 2)),
    }


def _run_columns(
    shared: Shared, order: NDArray[np.int64], *, labs: int, circular: bool
) -> dict[str, Column]:
    """Stretches of the query that a lab has without a gap; `order` (t,) are the k-mers along it.

    A stretch weighs the sum of 1 / labs over its k-mers.
    """
    pairs = np.bincount(shared.kmer, minlength=len(shared.labs))  # of each k-mer, (m,)
    before = np.cumsum(pairs) - pairs
    times = pairs[order]  # (t,)
    at = np.arange(times.sum()) + np.repeat(before[order] - (np.cumsum(times) - times), times)
    place = np.repeat(np.arange(len(order)), times)
    by_lab = np.argsort(shared.lab[at], kind="stable")
    at, place = at[by_lab], place[by_lab]
    lab = shared.lab[at]
    fresh_lab = _changes(lab)
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
    weights = np.bincount(run, (1 / np.maximum(shared.labs, 1))[shared.kmer[at]])
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


def _largest(values: Column, lab: NDArray[np.int64], *, labs: int, n: int) -> list[Column]:
    """The n largest values of each lab, 0 where it has fewer; (t,), (t,) -> n times (l,)."""
    order = np.lexsort((-values, lab))
    values, lab = values[order], lab[order]
    first = np.flatnonzero(_changes(lab))
    rank = np.arange(len(lab)) - np.repeat(first, np.diff(np.append(first, len(lab))))
    found = []
    for place in range(n):
        column = np.zeros(labs)
        column[lab[rank == place]] = values[rank == place]
        found.append(column)
    return found
