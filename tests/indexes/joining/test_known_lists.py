"""Lists that came before have the number that they had; of those that are not remembered nothing is
wrong but that they are stored again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.indexes.joining import known_lists
from vecattr.indexes.joining.known_lists import KnownLists
from vecattr.sequences.posting_lists import DistinctLists

ROWS = 8
PARTS = st.lists(
    st.lists(st.sets(st.integers(0, ROWS - 1), max_size=3).map(sorted).map(tuple), max_size=8),
    max_size=8,
)


@pytest.mark.parametrize("most", [0, 3, 1 << 24])
@given(parts=PARTS)
@settings(deadline=None, max_examples=60)
def test_a_number_stands_for_one_list(most: int, parts: list[list[tuple[int, ...]]]) -> None:
    stored: list[tuple[int, ...]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_lists, "MOST_KNOWN", most)
        known = KnownLists(ROWS)
        for part in parts:
            different = [*dict.fromkeys(part)]
            rows = np.array([row for one in different for row in one], dtype=np.uint32)
            lists = DistinctLists.from_lists(rows, np.cumsum([0, *map(len, different)]))
            numbers, are_new = known.numbers_of(lists)
            stored += [one for one, is_new in zip(different, are_new, strict=True) if is_new]
            assert [stored[number] for number in numbers.tolist()] == different
    assert known.count == len(stored)
    if most >= len(stored):
        assert len(stored) == len({*stored})
