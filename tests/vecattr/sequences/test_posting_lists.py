"""Different posting lists against tuples of Python, however few are looked at at once, and whatever
their hashes are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.sequences import posting_lists
from vecattr.sequences.posting_lists import DistinctLists

LISTS = st.lists(st.sets(st.integers(0, 6), max_size=4).map(sorted).map(tuple), max_size=12)


def distinct(lists: list[tuple[int, ...]]) -> DistinctLists:
    rows = np.array([row for one in lists for row in one], dtype=np.uint32)
    return DistinctLists.from_lists(rows, np.cumsum([0, *map(len, lists)]))


def pieces(rows: np.ndarray, offsets: np.ndarray) -> list[tuple[int, ...]]:
    bounds = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [tuple(rows[start:stop].tolist()) for start, stop in bounds]


@pytest.mark.parametrize("at_once", [1, 3, 1 << 20])
@pytest.mark.parametrize("collide", [False, True])
@given(lists=LISTS)
@settings(deadline=None, max_examples=60)
def test_each_list_is_kept_once_in_the_order_in_which_they_come(
    at_once: int, collide: bool, lists: list[tuple[int, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting_lists, "_AT_ONCE", at_once)
        if collide:  # all lists have one hash: they are told apart by their rows
            patch.setattr(posting_lists, "mix", np.zeros_like)
        found = distinct(lists)
    kept = pieces(found.rows, found.offsets)
    assert [kept[number] for number in found.numbers.tolist()] == lists
    assert pieces(*reversed(found.expanded())) == lists
    if not collide:
        assert kept == list(dict.fromkeys(lists))
        assert len(found) == len(kept)
