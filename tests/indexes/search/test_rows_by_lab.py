"""Claims about rows by lab: however rows are divided into blocks, what is joined of each lab is
what a plain loop joins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.indexes.search import rows_by_lab
from vecattr.indexes.search.rows_by_lab import RowsByLab

LABS = st.lists(st.integers(-1, 8), min_size=1, max_size=120)


@pytest.mark.parametrize("join", [np.add, np.maximum])
@settings(max_examples=60, deadline=None)
@given(labs=LABS, at_once=st.integers(1, 40), seed=st.integers(0, 1 << 30))
def test_values_of_each_lab_are_joined(
    join: np.ufunc, labs: list[int], at_once: int, seed: int
) -> None:
    codes = np.array(labs, dtype=np.int64)
    values = np.random.default_rng(seed).integers(0, 1000, size=(len(labs), 3)).astype(np.float32)
    by_lab = RowsByLab.from_labs(codes)
    expected = {
        lab: join.reduce(values[codes == lab], axis=0).tolist() for lab in {*labs} if lab >= 0
    }
    assert by_lab.labs.tolist() == sorted(expected)
    if not expected:
        return
    at_a_time = by_lab.joined(values[by_lab.rows], join)
    assert dict(zip(by_lab.labs.tolist(), at_a_time.tolist(), strict=True)) == expected
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_by_lab, "_ROWS_AT_ONCE", at_once)
        for block in by_lab.blocks:
            assert len(block.rows) <= at_once or len(block.labs) == 1
            joined = np.empty((len(block.labs), 3), dtype=np.float32)
            block.join(values[block.rows], join, out=joined)
            found |= dict(zip(block.labs.tolist(), joined.tolist(), strict=True))
    assert found == expected


@given(labs=LABS)
def test_rows_of_labs_are_all_of_theirs(labs: list[int]) -> None:
    codes, numbers = np.array(labs), np.arange(len(labs)) * 10
    by_lab = RowsByLab.from_labs(codes, rows=numbers)
    for wanted in ([], [0], [1, 3], [2, 8]):
        rows = by_lab.rows_of(np.array(wanted, dtype=np.int64))
        assert sorted(rows.tolist()) == numbers[np.isin(codes, wanted)].tolist()
