"""Links between queries: what each shares with the others of its sampled k-mers that hardly any lab
has in, who is linked with whom out.

A k-mer that at most one lab of an index has comes from that lab or is new to the index; two queries
that share many of them come most often from one lab.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vecattr.errors import UsageError
from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.lab_features import LabFeatures, QueryKmers
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.storage.kmer_schema import SCALED
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import Hashes
from vecattr.vectors import Codes, Rows

#: A k-mer that more labs have links nothing.
LINKING_LABS = 1
#: Queries are linked that share this part of such k-mers of the one that has fewer of them …
LEAST_SHARE = 0.2
#: … and at least so many, when one k-mer in SCALED is compared; of a finer sample as many more as
#: are compared.
FEWEST = 3
#: Of a k-mer that more queries have, the first so many link: what it takes grows with the queries
#: and not with their pairs, and all are in one group still.
MOST_HOLDERS = 128


class LinkFinder:
    """Finds the rare k-mers of queries by what an index holds; UsageError when it keeps no
    k-mers."""

    def __init__(self, index: OpenedIndex) -> None:
        if not LabFeatures.are_in(index.segments):
            raise UsageError(
                f"the index {index.path} keeps no k-mers, so nothing links queries",
                hint="build it again without --no-sequences, or leave out --linked",
            )
        if index.scorer is not None:
            self._features = index.scorer.lab_features
        else:
            catalogue = Catalogue.from_segments(index.segments, index.lab_names)
            self._features = LabFeatures(catalogue, index.segments)

    def links(self, plasmids: Iterable[Plasmid]) -> list[tuple[SharedRare, ...]]:
        """The links of each of these plasmids with the others, as `links_between`."""
        fewest = FEWEST * SCALED // self._features.scaled
        return links_between([self._rare_kmers(plasmid) for plasmid in plasmids], fewest=fewest)

    def _rare_kmers(self, plasmid: Plasmid) -> Hashes:
        """The sampled k-mers of a plasmid that at most LINKING_LABS labs have, ascending, each
        once."""
        distinct = QueryKmers.from_plasmid(plasmid, scaled=self._features.scaled).distinct
        return distinct[self._features.shared(distinct).lab_counts <= LINKING_LABS]


class SharedRare(NamedTuple):
    """That a query shares so many rare k-mers with the one of number `other`, and which `share`
    that is of those of the one that has fewer."""

    other: int
    share: float
    kmers: int


def links_between(kmers: Sequence[Hashes], *, fewest: int = FEWEST) -> list[tuple[SharedRare, ...]]:
    """The links of each of q queries with these rare k-mers, the largest share first, then in their
    order; links are made of `fewest` k-mers or more."""
    linked: list[list[SharedRare]] = [[] for _ in kmers]
    for query, others, counts in _shared_counts(kmers):
        for other, count in zip(others.tolist(), counts.tolist(), strict=True):
            share = count / min(len(kmers[query]), len(kmers[other]))
            if count >= fewest and share >= LEAST_SHARE:
                linked[query].append(SharedRare(other, share, count))
                linked[other].append(SharedRare(query, share, count))
    return [tuple(sorted(links, key=lambda link: (-link.share, link.other))) for links in linked]


def linked_groups(links: Sequence[Sequence[SharedRare]]) -> Codes:
    """The number of each query's group, (q,), from 0 in order of first appearance: queries are in
    one group when a chain of links joins them.

    >>> linked_groups([(), (SharedRare(2, 0.5, 9),), (SharedRare(1, 0.5, 9),)]).tolist()
    [0, 1, 1]
    """
    groups = np.full(len(links), -1, dtype=np.int64)
    number = 0
    for first in range(len(links)):
        if groups[first] >= 0:
            continue
        pending = [first]
        while pending:
            query = pending.pop()
            if groups[query] < 0:
                groups[query] = number
                pending += [link.other for link in links[query]]
        number += 1
    return groups


def _shared_counts(kmers: Sequence[Hashes]) -> Iterator[tuple[int, Rows, Rows]]:
    """Of each query that shares any k-mers with earlier ones: its number, theirs, and how many
    k-mers each shares with it."""
    if not kmers:
        return
    sizes = [len(hashes) for hashes in kmers]
    joined = np.concatenate(list(kmers))
    owners = np.repeat(np.arange(len(kmers)), sizes)
    holders = owners[np.argsort(joined, kind="stable")]  # the queries of each k-mer, one by one
    _, codes, counts = np.unique(joined, return_inverse=True, return_counts=True)
    starts = np.cumsum(counts) - counts
    ends = np.cumsum(sizes)
    for query, end in enumerate(ends.tolist()):
        own = codes[end - sizes[query] : end]
        own = own[counts[own] > 1]
        if not len(own):
            continue
        first = starts[own]
        last = first + np.minimum(counts[own], MOST_HOLDERS)
        pieces = [holders[start:end] for start, end in zip(first, last, strict=True)]
        others, shared = np.unique(np.concatenate(pieces), return_counts=True)
        is_earlier = others < query
        yield query, others[is_earlier], shared[is_earlier]
