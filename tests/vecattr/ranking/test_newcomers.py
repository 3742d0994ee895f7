"""Claims about labs that were added after an index was calibrated."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.ranking.newcomers import GAIN, newcomer_gains


def gains(plasmids: list[int], *, newcomers: bool = True, pooled: float = 0.0) -> list[float]:
    columns = {
        "plasmids": np.log1p(plasmids),
        "pooled": np.full(len(plasmids), pooled),
    }
    are_newcomers = np.full(len(plasmids), newcomers)
    return list(newcomer_gains(columns, are_newcomers).tolist())


def test_newcomers_of_few_plasmids_gain() -> None:
    one, six, ten, hundred = gains([1, 6, 10, 100])
    assert one == pytest.approx(GAIN, rel=0.01)
    assert six == pytest.approx(GAIN / 2)
    assert 0 <= hundred < ten < 0.03


def test_others_do_not() -> None:
    assert gains([1, 5], newcomers=False) == [0.0, 0.0]
    assert gains([1, 5], pooled=1.0) == [0.0, 0.0]
