"""Claims about columns of labs: those that are kept for few labs say what full ones say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecattr.ranking.column_maxima import column_maxima
from vecattr.ranking.lab_columns import LabColumns

FEW = ("sum", "runs")
COLUMN = st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=4, max_size=4)


@given(COLUMN, COLUMN, COLUMN)
def test_few_labs_are_written_out(sums: list[float], runs: list[float], sizes: list[float]) -> None:
    full = {name: np.array(column) for name, column in zip(FEW, (sums, runs), strict=True)}
    full["plasmids"] = np.array(sizes) - 1
    columns = LabColumns.from_columns(full, FEW)
    assert set(columns) == set(full)
    assert len(columns) == 3
    assert columns.labs.tolist() == [lab for lab in range(4) if sums[lab] or runs[lab]]
    for name, column in full.items():
        assert columns[name].tolist() == column.tolist()
        assert columns.largest(name) == column.max()
        assert [columns.value(name, lab) for lab in range(4)] == column.tolist()
    assert column_maxima(columns, full) == column_maxima(full, full)
    assert LabColumns.from_columns(columns, FEW) is columns
