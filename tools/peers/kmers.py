"""Sequences in; three plain scores of labs by shared canonical 21-mers, one in eight kept, out.

`cosine`: the best plasmid's cosine, k-mers weighted by idf. `labs`: the sum over the shared k-mers
of 1 / number of labs that have it. `shared`: the most shared k-mers with one plasmid. A k-mer
counts once a plasmid; a lab that shares none is never hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from peers.costs import Cost, own_cost
from peers.ranking import NEVER_HIT, Scores, best_by_class
from peers.rows import Bench, Classes
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import Hashes, sampled_kmers

Method = Literal["cosine", "labs", "shared"]

K = 21
SCALED = 8


def kmers_of(plasmid: Plasmid) -> Hashes:
    """The distinct sampled k-mers, ascending."""
    circular = plasmid.is_circular
    return np.unique(sampled_kmers(plasmid.sequence, k=K, scaled=SCALED, circular=circular))


@dataclass(frozen=True)
class Postings:
    """Which owners (plasmids, or classes) have each k-mer: those of `kmers[i]`, ascending, are
    `owners[starts[i]:starts[i + 1]]`, each once."""

    kmers: Hashes  # (f,)
    starts: NDArray[np.int64]  # (f + 1,)
    owners: NDArray[np.int32]  # (m,)

    @classmethod
    def from_pairs(cls, kmers: Hashes, owners: NDArray[np.int32]) -> Postings:
        """From pairs of a k-mer and an owner, in any order, both (m,); pairs may be repeated."""
        order = np.lexsort((owners, kmers))
        kmers, owners = kmers[order], owners[order]
        is_new = np.ones(len(kmers), dtype=bool)
        is_new[1:] = (kmers[1:] != kmers[:-1]) | (owners[1:] != owners[:-1])
        distinct, starts = np.unique(kmers[is_new], return_index=True)
        return cls(distinct, np.append(starts, is_new.sum()), owners[is_new])

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many owners each k-mer has, (f,)."""
        counts: NDArray[np.int64] = np.diff(self.starts)
        return counts

    def places(self, kmers: Hashes) -> NDArray[np.int64]:
        """The places of those k-mers that any owner has."""
        candidates = np.searchsorted(self.kmers, kmers)
        candidates[candidates == len(self.kmers)] = 0
        places: NDArray[np.int64] = candidates[self.kmers[candidates] == kmers]
        return places

    def sums(self, places: NDArray[np.int64], weights: Scores, *, owners: int) -> Scores:
        """For each owner the sum of the weights (p,) of the k-mers at `places` (p,) that it has."""
        counts = self.counts[places]
        ends = np.cumsum(counts)
        begins = np.repeat(self.starts[places] - (ends - counts), counts)
        entries = begins + np.arange(len(begins))  # (hits,)
        repeated = np.repeat(weights, counts)
        return np.bincount(self.owners[entries], repeated, owners).astype(np.float64)


@dataclass(frozen=True)
class KmerIndex:
    """The k-mers of n stored plasmids, as a method needs them."""

    method: Method
    classes: Classes
    postings: Postings

    @property
    def names(self) -> tuple[str, ...]:
        return self.classes.names

    @classmethod
    def from_plasmids(cls, plasmids: Iterator[tuple[Hashes, str]], *, method: Method) -> KmerIndex:
        """From the k-mers and the class of each stored plasmid."""
        kmers, labels = [], []
        for plasmid_kmers, label in plasmids:
            kmers.append(plasmid_kmers)
            labels.append(label)
        classes = Classes.from_labels(labels)
        owner = classes.codes if method == "labs" else np.arange(len(labels))
        owners = np.repeat(owner.astype(np.int32), [len(plasmid_kmers) for plasmid_kmers in kmers])
        return cls(method, classes, Postings.from_pairs(np.concatenate(kmers), owners))

    @cached_property
    def idf(self) -> Scores:
        """log(n / plasmids that have it) of each k-mer, (f,)."""
        return np.log(len(self.classes.codes) / self.postings.counts)

    @cached_property
    def lengths(self) -> Scores:
        """The length of each stored plasmid's idf-weighted vector, (n,)."""
        everything = np.arange(len(self.postings.kmers))
        squares = np.zeros(len(self.classes.codes))
        for places in np.array_split(everything, 64):  # to bound the memory of one step
            squares += self.postings.sums(places, self.idf[places] ** 2, owners=len(squares))
        lengths: Scores = np.sqrt(squares)
        return lengths

    def by_class(self, kmers: Hashes) -> Scores:
        """The score of each class for the distinct k-mers of one query; (classes,)."""
        places = self.postings.places(kmers)
        if self.method == "labs":
            weights = 1 / self.postings.counts[places]
            sums = self.postings.sums(places, weights, owners=len(self.names))
            return np.where(sums > 0, sums, NEVER_HIT)
        sums = self._by_plasmid(places, unseen=len(kmers) - len(places))
        hits = np.flatnonzero(sums > 0)
        return best_by_class(sums[hits], self.classes.codes[hits], classes=len(self.names))

    def _by_plasmid(self, places: NDArray[np.int64], *, unseen: int) -> Scores:
        """The score of each stored plasmid, (n,). `unseen` k-mers that no plasmid has lengthen the
        query's vector, each as one that a single plasmid has."""
        owners = len(self.classes.codes)
        if self.method == "shared":
            return self.postings.sums(places, np.ones(len(places)), owners=owners)
        squares = self.idf[places] ** 2
        length = np.sqrt(squares.sum() + unseen * np.log(owners) ** 2)
        sums = self.postings.sums(places, squares, owners=owners)
        cosines: Scores = np.zeros(owners)
        np.divide(sums, self.lengths * length, out=cosines, where=sums > 0)
        return cosines

    def ask(self, plasmids: Sequence[Plasmid]) -> tuple[Scores, Cost]:
        """Scores (q, classes) and their cost, the reading of the k-mers included."""
        return own_cost(
            lambda: np.stack([self.by_class(kmers_of(plasmid)) for plasmid in plasmids])
        )


@dataclass(frozen=True)
class KmerPeer:
    """One of the three scores."""

    method: Method

    @property
    def name(self) -> str:
        return f"kmer-{self.method}"

    def missing(self) -> str | None:
        return None

    def settings(self) -> dict[str, object]:
        """What the answers depend on."""
        return {"method": self.method, "k": K, "scaled": SCALED}

    def open(self, bench: Bench) -> KmerIndex:
        """Read the stored plasmids."""
        stored = (
            (kmers_of(plasmid), bench.rule.label(plasmid.lab or "")) for plasmid in bench.train()
        )
        index = KmerIndex.from_plasmids(stored, method=self.method)
        if self.method == "cosine":
            assert len(index.lengths), "computed now, so that no query is charged for it"
        return index


KMER_PEERS = tuple(KmerPeer(method) for method in get_args(Method))
