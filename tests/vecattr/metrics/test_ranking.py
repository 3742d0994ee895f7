"""Ranks and figures, against plain loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.metrics.ranking import (
    lab_ranks,
    macro_recall,
    mean_ranks,
    ranking_figures,
    reciprocal_rank,
    shares_by_size,
    smallest_k,
    top_share,
)
from vecattr.plasmid import POOLED


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=6))
def test_mean_ranks_equal_the_mean_place_over_all_orders_of_a_tie(rows: list[list[int]]) -> None:
    scores = np.array(rows, dtype=np.float32)
    for column in range(4):
        ranks = mean_ranks(scores, np.full(len(rows), column))
        for row, rank in zip(rows, ranks, strict=True):
            places = [
                place + 1
                for place, score in enumerate(sorted(row, reverse=True))
                if score == row[column]
            ]
            assert rank == np.mean(places)


def test_scores_that_differ_by_rounding_alone_are_a_tie() -> None:
    scores = np.array([[0.3, 0.1 + 0.2, 0.1]])
    assert mean_ranks(scores, np.array([0])) == mean_ranks(scores, np.array([1])) == 1.5


def test_a_score_that_is_not_a_number_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="finite"):
        mean_ranks(np.array([[np.nan, 1.0]]), np.array([0]))


def test_a_lab_outside_the_index_is_never_found_without_a_pool() -> None:
    ranks = lab_ranks(np.array([[0.9, 0.1]]), ["A", "B"], ["Z"])
    assert ranks.tolist() == [np.inf]
    figures = ranking_figures(ranks, ["Z"], ["A", "B"])
    assert (figures.top1, figures.top50, figures.mrr, figures.x95) == (0.0, 0.0, 0.0, None)


def test_a_lab_outside_the_index_counts_as_the_pool_when_there_is_one() -> None:
    scores = np.array([[0.9, 0.95, 0.1], [0.9, 0.95, 0.1]])
    ranks = lab_ranks(scores, ["A", POOLED, "B"], ["Z", "B"])
    assert ranks.tolist() == [1.0, 3.0]


def test_macro_recall_weighs_every_label_alike() -> None:
    ranks = np.array([1.0, 1.0, 1.0, 2.0])
    assert macro_recall(ranks, ["big", "big", "big", "small"]) == 0.5


def test_pooled_labs_are_one_label_in_macro_recall() -> None:
    names = ["A", POOLED]
    truths = ["A", "rare 1", "rare 2"]
    ranks = np.array([1.0, 1.0, 2.0])
    assert ranking_figures(ranks, truths, names).macro_recall == 0.75


def test_shares_and_reciprocal_rank_by_hand() -> None:
    ranks = np.array([1.0, 2.0, 4.0, np.inf])
    assert top_share(ranks, k=1) == 0.25
    assert top_share(ranks, k=10) == 0.75
    assert reciprocal_rank(ranks) == pytest.approx((1 + 0.5 + 0.25) / 4)


@pytest.mark.parametrize("count", [20, 100, 700, 999])
def test_smallest_k_is_the_first_k_that_reaches_the_share(count: int) -> None:
    ranks = np.random.default_rng(count).integers(1, 60, count).astype(np.float64)
    for share in (0.95, 0.99):
        expected = next(k for k in range(1, 61) if np.sum(ranks <= k) >= share * count - 1e-9)
        assert smallest_k(ranks, share=share) == expected


def test_smallest_k_is_none_when_too_many_are_never_found() -> None:
    assert smallest_k(np.array([1.0] * 9 + [np.inf]), share=0.95) is None


def test_figures_have_the_documented_names_in_order() -> None:
    figures = ranking_figures(np.array([1.0, 3.0]), ["A", "B"], ["A", "B", "C"]).as_dict()
    first, *shares, last = figures
    assert (first, last) == ("n", "x99")
    assert shares[:5] == ["labs", "outside", "top1", "top5", "top10"]
    assert shares[5:] == ["top50", "mrr", "macro_recall", "x95"]
    assert figures["n"] == 2
    assert figures["labs"] == 3
    assert figures["outside"] == 0


def test_shares_by_size_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(3)
    ranks = rng.integers(1, 20, 300).astype(np.float64)
    sizes = [None if size == 0 else int(size) for size in rng.integers(0, 70, 300)]
    shares = shares_by_size(ranks, sizes)
    assert list(shares) == ["1-4", "5-9", "10-19", "20-49", "50+"]
    for name, first, last in ("1-4", 1, 4), ("10-19", 10, 19), ("50+", 50, 1000):
        bin_ranks = [
            rank
            for rank, size in zip(ranks, sizes, strict=True)
            if size is not None and first <= size <= last
        ]
        assert shares[name]["n"] == len(bin_ranks)
        assert shares[name]["top10"] == pytest.approx(np.mean([rank <= 10 for rank in bin_ranks]))


def test_a_bin_without_queries_has_no_share() -> None:
    assert shares_by_size(np.array([1.0]), [5])["50+"] == {"n": 0, "top1": None, "top10": None}
