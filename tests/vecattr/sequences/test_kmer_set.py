"""Sets of k-mers against sets of Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.sequences.kmer_set import Common, KmerSet
from vecattr.sequences.kmers import Hashes

#: Few, so that they repeat, and the least and the largest code of 31 bases.
NUMBERS = st.one_of(st.integers(0, 30), st.integers(0, (1 << 62) - 1), st.just((1 << 62) - 1))
LISTS = st.lists(NUMBERS, max_size=80)


def array(numbers: list[int]) -> Hashes:
    return np.array(numbers, dtype=np.uint64)


@given(LISTS, LISTS)
def test_what_two_sets_have_in_common_equals_that_of_plain_ones(
    one: list[int], other: list[int]
) -> None:
    kmers = KmerSet.from_kmers(array(one))
    mine, theirs = set(one), set(other + one[:5])
    assert len(kmers) == len(mine)
    assert kmers.common(array(other + one[:5])) == Common(
        len(mine & theirs), len(mine), len(theirs)
    )


def test_many_that_share_slots_are_all_found() -> None:
    ascending = np.arange(0, 20_000, dtype=np.uint64) << np.uint64(20)
    kmers = KmerSet.from_kmers(np.tile(ascending, 2))
    assert len(kmers.tables) > 2
    assert kmers.common(ascending[::3]) == Common(6667, 20_000, 6667)
    assert kmers.common(ascending + np.uint64(1)) == Common(0, 20_000, 20_000)


@pytest.mark.parametrize(
    ("common", "containment", "jaccard"),
    [(Common(3, 4, 6), 0.75, 3 / 7), (Common(0, 0, 5), 0.0, 0.0), (Common(0, 0, 0), 0.0, 0.0)],
)
def test_shares_of_one_set_and_of_both(common: Common, containment: float, jaccard: float) -> None:
    assert (common.containment, common.jaccard) == (containment, jaccard)
