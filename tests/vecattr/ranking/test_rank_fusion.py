"""Fused rankings, against plain loops over pairs and voters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vecattr.errors import UsageError
from vecattr.ranking.rank_fusion import (
    FUSIONS,
    Fusion,
    aligned_scores,
    check_weights,
    copeland_points,
    fused_scores,
    rank_matched,
    row_ranks,
)

_VALUES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, math.nan])
_SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 7))


@st.composite
def elections(draw: st.DrawFn) -> np.ndarray:
    """Scores (v, q, n) with many ties; every lab is known to somebody."""
    scores = draw(arrays(np.float64, draw(_SHAPES), elements=_VALUES))
    nobody = np.isnan(scores).all(axis=0)
    scores[0][nobody] = 0.5
    return scores


def plain_points(scores: np.ndarray) -> list[float]:
    """Copeland points of one query, (v, n), pair by pair and voter by voter."""
    labs = scores.shape[1]
    points = [0.0] * labs
    for lab in range(labs):
        for other in range(labs):
            if lab == other:
                continue
            votes = {lab: 0.0, other: 0.0}
            for voter in scores:
                if math.isnan(voter[lab]) or math.isnan(voter[other]):
                    continue
                if voter[lab] == voter[other]:
                    votes[lab] += 0.5
                    votes[other] += 0.5
                else:
                    votes[lab if voter[lab] > voter[other] else other] += 1
            if votes[lab] > votes[other]:
                points[lab] += 1
            elif votes[lab] == votes[other]:
                points[lab] += 0.5
    return points


def plain_place(voter: np.ndarray, lab: int) -> float:
    known = [score for score in voter if not math.isnan(score)]
    better = sum(score > voter[lab] for score in known)
    return better + (1 + sum(score == voter[lab] for score in known)) / 2


def plain_mean(scores: np.ndarray, lab: int, constant: float) -> float:
    terms = [
        1 / (constant + plain_place(voter, lab)) for voter in scores if not math.isnan(voter[lab])
    ]
    return math.fsum(terms) / len(terms)


@settings(deadline=None)
@given(elections())
def test_copeland_points_are_those_of_a_loop_over_pairs(scores: np.ndarray) -> None:
    points = copeland_points(scores)
    for query in range(scores.shape[1]):
        assert points[query].tolist() == plain_points(scores[:, query])


@settings(deadline=None)
@given(elections())
def test_ties_of_points_are_ordered_by_mean_reciprocal_rank(scores: np.ndarray) -> None:
    fused = fused_scores(scores, fusion="copeland")
    for query in range(scores.shape[1]):
        query_scores = scores[:, query]
        keys = [
            (points, round(plain_mean(query_scores, lab, 0), 12))
            for lab, points in enumerate(plain_points(query_scores))
        ]
        for lab, key in enumerate(keys):
            for other, another in enumerate(keys):
                assert (fused[query, lab] > fused[query, other]) == (key > another)


@settings(deadline=None)
@given(elections())
def test_reciprocal_rank_fusion_is_that_of_a_loop(scores: np.ndarray) -> None:
    fused = fused_scores(scores, fusion="rrf")
    expected = [
        [plain_mean(scores[:, query], lab, 60) for lab in range(scores.shape[2])]
        for query in range(scores.shape[1])
    ]
    np.testing.assert_allclose(fused, expected, rtol=1e-12)


def plain_log_share(query_scores: np.ndarray, lab: int) -> float:
    """Of one voter, the logarithm of a lab's share of a softmax of 20 times its scores, over 20."""
    known = query_scores[~np.isnan(query_scores)]
    share = math.exp(20 * query_scores[lab]) / np.exp(20 * known).sum()
    return max(math.log(share) / 20, -1.0)


@settings(deadline=None)
@given(elections())
@pytest.mark.parametrize("weights", [(), (1.0, 0.15, 2.5, 0.7, 3.0)])
def test_shares_are_pooled_as_by_a_loop(weights: tuple[float, ...], scores: np.ndarray) -> None:
    scores = scores.clip(-0.9, 1)
    weights = weights[: len(scores)]
    fused = fused_scores(scores, fusion="shares", weights=weights)
    for query, lab in np.ndindex(scores.shape[1:]):
        logs = [
            ((weights or [1.0] * len(scores))[number], plain_log_share(voter[query], lab))
            for number, voter in enumerate(scores)
            if not np.isnan(voter[query, lab])
        ]
        expected = sum(w * log for w, log in logs) / sum(w for w, _ in logs)
        assert fused[query, lab] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "fusion", "says"),
    [
        ((1.0, 2.0), "copeland", "copeland takes no weights"),
        ((1.0,), "shares", "the weights are 1, the indexes 2"),
        ((1.0, 0.0), "shares", "weights must be above 0: 1, 0"),
        ((1.0, math.nan), "shares", "weights must be above 0: 1, nan"),
        ((1.0, math.inf), "shares", "weights must be above 0: 1, inf"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    weights: tuple[float, ...], fusion: Fusion, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        check_weights(weights, fusion=fusion, voters=2)


@settings(deadline=None)
@given(elections())
@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_order_of_the_voters_changes_no_bit(fusion: Fusion, scores: np.ndarray) -> None:
    turned = fused_scores(scores[::-1], fusion=fusion)
    assert np.array_equal(fused_scores(scores, fusion=fusion), turned)


@settings(deadline=None)
@given(elections())
def test_one_voter_keeps_its_own_order(scores: np.ndarray) -> None:
    alone = np.nan_to_num(scores[:1], nan=0.1)
    for fusion in FUSIONS:
        fused = row_ranks(fused_scores(alone, fusion=fusion))
        assert np.array_equal(fused, row_ranks(alone[0]))


def test_a_lab_that_a_voter_does_not_know_casts_no_vote() -> None:
    nan = math.nan
    scores = np.array([[[0.9, 0.1, nan]], [[0.9, 0.1, 0.5]], [[0.1, nan, 0.9]]])
    # A beats B by two to none; A and C have one vote each; C beats B by the second voter alone.
    assert copeland_points(scores).tolist() == [[1.5, 0.0, 1.5]]


def test_labs_that_no_voter_knows_together_tie() -> None:
    scores = np.array([[[1.0, math.nan]], [[math.nan, 0.0]]])
    assert copeland_points(scores).tolist() == [[0.5, 0.5]]


def test_many_labs_are_counted_as_few_are() -> None:
    scores = np.random.default_rng(0).integers(0, 30, (3, 1, 600)).astype(np.float64)
    ahead = np.sign(scores[:, 0, :, None] - scores[:, 0, None, :]).sum(axis=0)  # (n, n)
    expected = (ahead > 0).sum(axis=1) + ((ahead == 0).sum(axis=1) - 1) / 2
    assert copeland_points(scores)[0].tolist() == expected.tolist()


def test_more_voters_than_a_byte_counts() -> None:
    scores = np.tile(np.array([[[0.0, 1.0]]]), (300, 1, 1))
    assert copeland_points(scores).tolist() == [[0.0, 1.0]]


def test_points_of_a_thousand_labs_are_those_of_all_pairs_at_once() -> None:
    scores = np.random.default_rng(1).normal(size=(3, 2, 1000))
    ahead, behind = (
        compare(scores[..., :, None], scores[..., None, :]).sum(axis=0)  # (q, n, n)
        for compare in (np.greater, np.less)
    )
    balance = np.sign(ahead - behind).sum(axis=-1)
    assert np.array_equal(copeland_points(scores), (999 + balance) / 2)


def test_columns_are_laid_out_by_name() -> None:
    wide = aligned_scores(np.array([[0.1, 0.2]]), ["B", "D"], ["A", "B", "C", "D"])
    np.testing.assert_array_equal(wide, [[math.nan, 0.1, math.nan, 0.2]])


def test_a_lab_that_nobody_knows_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="known to a voter"):
        fused_scores(np.array([[[math.nan, 1.0]]]), fusion="rrf")


def test_matching_gives_the_best_score_the_best_cosine() -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(4, size=(50, 9)).astype(float)  # with ties
    cosines = rng.normal(size=(50, 9))
    found = rank_matched(scores, cosines)
    for mine, row_cosines, row in zip(
        scores.tolist(), cosines.tolist(), found.tolist(), strict=True
    ):
        columns = sorted(range(9), key=lambda column: (-mine[column], column))
        expected = dict(zip(columns, sorted(row_cosines, reverse=True), strict=True))
        assert row == [expected[column] for column in range(9)]
