"""Lists of rows against lists of Python."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecattr.sequences.postings import Postings, distinct_places, first_of_each, joined_ranges

LISTS = st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6)


def postings(lists: list[list[int]], *, first: int = 0) -> Postings:
    return Postings(
        first + np.arange(len(lists)),
        np.array([len(rows) for rows in lists], dtype=np.int64),
        np.array([row for rows in lists for row in rows], dtype=np.int64),
    )


def lists(postings: Postings) -> dict[int, list[int]]:
    return {
        int(kmer): postings.rows[start : start + size].tolist()
        for kmer, start, size in zip(postings.kmers, postings.starts, postings.sizes, strict=True)
    }


@given(LISTS, LISTS)
def test_joined_lists_are_those_of_all_parts(one: list[list[int]], other: list[list[int]]) -> None:
    both = Postings.joined([postings(one), postings(other, first=len(one))])
    assert lists(both) == dict(enumerate(one + other))
    assert len(both) == sum(map(len, one + other))
    expected = [kmer for kmer, rows in enumerate(one + other) for _ in rows]
    assert both.kmer_of_each.tolist() == expected


@given(LISTS, LISTS)
def test_lists_of_one_kmer_become_one(one: list[list[int]], other: list[list[int]]) -> None:
    both = Postings.joined([postings(one), postings(other)])
    order = np.lexsort((both.rows, both.kmer_of_each))
    pairs = zip_longest(one, other, fillvalue=list[int]())
    expected = {kmer: sorted(first + second) for kmer, (first, second) in enumerate(pairs)}
    assert lists(both.merged(order)) == expected


@given(LISTS, st.data())
def test_some_lists_and_some_rows_of_each(rows: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), unique=True)) if rows else []
    places = np.array(sorted(chosen), dtype=np.int64)
    some = postings(rows).select(places)
    assert lists(some) == {kmer: rows[kmer] for kmer in places.tolist()}
    mask = np.isin(np.arange(len(rows)), places)
    assert lists(postings(rows).select(mask)) == lists(some)
    even = postings(rows).where(postings(rows).rows % 2 == 0)
    assert lists(even) == {
        kmer: [row for row in each if row % 2 == 0] for kmer, each in enumerate(rows)
    }


@given(st.lists(st.integers(0, 9)))
def test_distinct_values_and_their_first_places(values: list[int]) -> None:
    found, numbers = distinct_places(np.array(values, dtype=np.int64))
    _, first, inverse = np.unique(
        np.array(values, dtype=np.int64), return_index=True, return_inverse=True
    )
    assert (found.tolist(), numbers.tolist()) == (first.tolist(), inverse.tolist())


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4))))
def test_ranges_one_after_the_other(ranges: list[tuple[int, int]]) -> None:
    starts, counts = (np.array([one[place] for one in ranges], dtype=np.int64) for place in (0, 1))
    expected = [number for start, count in ranges for number in range(start, start + count)]
    assert joined_ranges(starts, counts).tolist() == expected


@given(LISTS)
def test_the_first_of_equal_neighbours_in_each_list(rows: list[list[int]]) -> None:
    expected = [
        place == 0 or each[place] != each[place - 1] for each in rows for place in range(len(each))
    ]
    asked = postings(rows)
    assert asked.first_of_each(asked.rows).tolist() == expected


def test_the_first_of_equal_neighbours() -> None:
    assert first_of_each(np.array([3, 3, 1, 3])).tolist() == [True, False, True, True]
    assert not len(first_of_each(np.zeros(0)))
