"""Links between queries by rare k-mers, against a plain loop."""

from __future__ import annotations

import random
from itertools import permutations

import numpy as np

from vecattr.indexes.evidence.links import (
    FEWEST,
    LEAST_SHARE,
    MOST_HOLDERS,
    SharedRare,
    linked_groups,
    links_between,
)
from vecattr.sequences.kmers import Hashes


def made_kmers(sizes: list[int], *, seed: int = 0) -> list[Hashes]:
    """Ascending k-mers of each query, drawn from a few, so that queries share some."""
    chance = random.Random(seed)
    return [np.array(sorted(chance.sample(range(1, 60), size)), dtype=np.uint64) for size in sizes]


def test_links_are_those_of_a_plain_loop() -> None:
    kmers = made_kmers([0, 3, 12, 12, 25, 7, 1, 40])
    expected: dict[int, set[tuple[int, int]]] = {query: set() for query in range(len(kmers))}
    for query, other in permutations(range(len(kmers)), 2):
        shared = len(set(kmers[query].tolist()) & set(kmers[other].tolist()))
        fewer = min(len(kmers[query]), len(kmers[other]))
        if shared >= FEWEST and shared >= LEAST_SHARE * fewer:
            expected[query].add((other, shared))
    links = links_between(kmers)
    assert any(expected.values())
    for query, query_links in enumerate(links):
        assert {(link.other, link.kmers) for link in query_links} == expected[query]
        shares = [link.share for link in query_links]
        assert shares == sorted(shares, reverse=True)


def test_fewer_kmers_than_asked_for_link_nothing() -> None:
    one, other = np.arange(1, 41, dtype=np.uint64), np.arange(30, 70, dtype=np.uint64)
    assert links_between([one, other], fewest=11)[0] == (SharedRare(1, 11 / 40, 11),)
    assert links_between([one, other], fewest=12) == [(), ()]


def test_links_go_both_ways() -> None:
    links = links_between(made_kmers([20, 20, 20, 20], seed=1))
    pairs = {(query, link.other) for query, found in enumerate(links) for link in found}
    assert pairs == {(other, query) for query, other in pairs}


def test_very_many_queries_that_share_a_kmer_are_one_group_of_few_links() -> None:
    number = 3 * MOST_HOLDERS
    links = links_between(
        [np.array([5, 6, 7, 100 + row], dtype=np.uint64) for row in range(number)]
    )
    assert set(linked_groups(links).tolist()) == {0}
    assert all(query_links for query_links in links)
    assert sum(map(len, links)) < 2 * number * MOST_HOLDERS


def test_nothing_is_linked_without_kmers() -> None:
    assert links_between([]) == []
    assert links_between(made_kmers([0, 0])) == [(), ()]


def test_a_chain_of_links_is_one_group() -> None:
    links = [
        (SharedRare(3, 0.5, 5),),
        (),
        (SharedRare(3, 0.5, 5),),
        (SharedRare(0, 0.5, 5), SharedRare(2, 0.5, 5)),
    ]
    assert linked_groups(links).tolist() == [0, 1, 0, 0]
