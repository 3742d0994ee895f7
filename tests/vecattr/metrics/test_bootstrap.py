"""Bootstrap over groups, against a plain loop and against what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.metrics.bootstrap import group_codes, share_intervals


def test_an_interval_is_that_of_a_loop_over_drawn_groups() -> None:
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 12, 60)
    groups = group_codes([str(group) for group in groups])
    hits = rng.random((60, 2)) < 0.6
    count = groups.max() + 1
    draws = np.random.default_rng(1).integers(count, size=(90, count))
    shares = []
    for draw in draws:
        rows = [row for group in draw for row in np.flatnonzero(groups == group)]
        shares.append(hits[rows].mean(axis=0))
    expected = np.quantile(shares, [0.025, 0.975], axis=0).T
    intervals = share_intervals(hits, groups, rng=np.random.default_rng(1), samples=90)
    np.testing.assert_allclose(intervals, expected)


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    assert group_codes([None, "b", None, "b", "a"]).tolist() == [0, 1, 2, 1, 3]


def test_copies_in_a_group_do_not_make_it_surer() -> None:
    hits = np.random.default_rng(0).random(200) < 0.7
    alone = group_codes([str(row) for row in range(200)])
    copied = np.repeat(hits, 10)[:, None]

    def width(groups: np.ndarray, rows: np.ndarray) -> float:
        [(low, high)] = share_intervals(rows, groups, rng=np.random.default_rng(2))
        return high - low

    honest = width(alone, hits[:, None])
    assert width(np.repeat(alone, 10), copied) == pytest.approx(honest)
    assert width(np.arange(2000), copied) < honest / 2  # rows as groups would flatter


def test_about_95_of_100_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(4)
    covering = 0
    for _ in range(200):
        chance = rng.beta(3, 2, size=80)  # of each group; the mean is 0.6
        hits = (rng.random((80, 5)) < chance[:, None]).reshape(-1, 1)
        groups = np.repeat(np.arange(80), 5)
        [(low, high)] = share_intervals(hits, groups, rng=rng, samples=300)
        covering += low <= 0.6 <= high
    assert 182 <= covering <= 198


def test_one_group_alone_has_no_width() -> None:
    hits = np.array([[True], [False]])
    [interval] = share_intervals(hits, np.zeros(2, dtype=np.intp), rng=np.random.default_rng(0))
    assert interval == (0.5, 0.5)
