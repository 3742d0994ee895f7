"""Outcomes: probabilities that sum to one, error rates and sets that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.attribution import STRENGTHS
from vecattr.calibration.cases import CaseModel, case_probabilities, fit_cases
from vecattr.calibration.expectation import Expectation
from vecattr.calibration.outcomes import (
    EVEN_ODDS,
    CaseRows,
    OutcomeFit,
    fit_outcome,
    strength_of,
)
from vecattr.errors import UsageError

LABS = 12


def made_rows(count: int = 900, *, seed: int = 0) -> CaseRows:
    """Queries whose case shows in two facts, and whose true lab scores higher the more is known of
    its work."""
    rng = np.random.default_rng(seed)
    cases = np.arange(count) % 3
    facts = np.stack([cases + rng.normal(0, 1, count), rng.normal(0, 1, count)], axis=1)
    scores = rng.normal(-0.6, 0.1, (count, LABS))
    truths = rng.integers(0, LABS, count)
    lift = np.array([0.5, 0.15, 0.0])[cases]
    scores[np.arange(count), truths] += lift + rng.normal(0, 0.1, count)
    truths[cases == 2] = -1
    return CaseRows(np.clip(scores, -1, 0), truths, cases, facts, np.ones(count))


@pytest.fixture(scope="module")
def fit() -> OutcomeFit:
    fitted = fit_outcome(made_rows(1_800))
    assert fitted is not None
    return fitted


@pytest.mark.parametrize("count", [1, 7, 64])
def test_no_other_query_changes_a_bit_of_a_probability(count: int) -> None:
    rng = np.random.default_rng(count)
    model = CaseModel(*rng.normal(size=(2, 21)), rng.normal(size=(2, 22)))
    facts, scores = rng.normal(size=(count, 21)), rng.uniform(-1, 0, (count, LABS))
    fitted = fit_outcome(made_rows(1_800))
    assert fitted is not None
    together = model.log_likelihoods(facts)
    labs, outside = fitted.weighed(scores, together, Expectation())
    for row in range(count):
        alone = model.log_likelihoods(facts[[row]])
        assert np.array_equal(alone[0], together[row])
        of_one = fitted.weighed(scores[[row]], alone, Expectation())
        assert np.array_equal(of_one[0][0], labs[row])
        assert of_one[1][0] == outside[row]


weights = st.floats(0, 10) | st.just(0.0)


@given(st.tuples(weights, weights, weights))
def test_probabilities_of_all_outcomes_sum_to_one(
    given_weights: tuple[float, float, float],
) -> None:
    if sum(given_weights[:2]) <= 0:
        return
    fitted, rows = fit_outcome(made_rows(90)), made_rows(90, seed=1)
    assert fitted is not None
    labs, outside = fitted.probabilities(rows.scores, rows.facts, Expectation(*given_weights))
    assert labs.sum(axis=1) + outside == pytest.approx(1)
    assert labs.min() >= 0


def test_a_certain_kind_of_work_leaves_no_outside_lab(fit: OutcomeFit) -> None:
    rows = made_rows(seed=2)
    labs, outside = fit.probabilities(rows.scores, rows.facts, Expectation.from_work("new"))
    assert outside.tolist() == [0] * len(outside)
    assert labs == pytest.approx(fit.new.probabilities(rows.scores))


def test_a_larger_weight_makes_an_outside_lab_likelier(fit: OutcomeFit) -> None:
    rows = made_rows(seed=2)
    shares = [
        fit.probabilities(rows.scores, rows.facts, Expectation(1, 1, weight))[1].mean()
        for weight in (0, 0.5, 1, 5)
    ]
    assert shares == sorted(shares)
    assert shares[0] == 0


def test_stated_probabilities_hold_for_other_plasmids_of_the_same_kind(fit: OutcomeFit) -> None:
    rows = made_rows(3_000, seed=3)
    labs, outside = fit.probabilities(rows.scores, rows.facts, Expectation())
    assert outside.mean() == pytest.approx(np.mean(rows.cases == 2), abs=0.03)
    right = labs.argmax(axis=1) == rows.truths
    assert labs.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.03)


@pytest.mark.parametrize("expectation", [Expectation(), Expectation(3, 1, 0.5)])
def test_error_rates_hold_for_other_plasmids(fit: OutcomeFit, expectation: Expectation) -> None:
    other = fit_outcome(made_rows(3_000, seed=4))
    assert other is not None
    for false_alarm in (None, 0.05, 0.2):
        threshold = fit.threshold(false_alarm, expectation)
        stated, measured = (outcome.error_rates(threshold, expectation) for outcome in (fit, other))
        assert stated == pytest.approx(measured, abs=0.08)
        if false_alarm is not None:
            assert stated[0] <= false_alarm + 1e-9


def test_without_a_false_alarm_even_odds_decide(fit: OutcomeFit) -> None:
    assert fit.threshold(None, Expectation()) == EVEN_ODDS


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_candidate_sets_hold_the_truth_as_often_as_promised(
    fit: OutcomeFit, coverage: float
) -> None:
    rows = made_rows(3_000, seed=5)
    expectation = Expectation()
    labs, outside = fit.probabilities(rows.scores, rows.facts, expectation)
    mass = fit.mass(coverage, expectation)
    truth = labs[np.arange(len(labs)), rows.truths]
    before = np.where(labs > truth[:, None], labs, 0).sum(axis=1) + outside
    held = (rows.truths < 0) | (before <= mass + 1e-9)
    assert held.mean() >= coverage - 0.03


def test_strengths_share_out_all_plasmids(fit: OutcomeFit) -> None:
    strengths = fit.strengths(Expectation())
    assert tuple(strengths) == STRENGTHS
    assert sum(share for share, _ in strengths.values()) == pytest.approx(1)
    right = [right for _, right in strengths.values() if right is not None]
    assert right == sorted(right, reverse=True)


def test_a_fit_survives_its_file(fit: OutcomeFit) -> None:
    again = OutcomeFit.from_object(fit.to_object())
    rows = made_rows(60, seed=6)
    for mine, other in zip(
        fit.probabilities(rows.scores, rows.facts, Expectation()),
        again.probabilities(rows.scores, rows.facts, Expectation()),
        strict=True,
    ):
        assert mine == pytest.approx(other, abs=1e-4)
    assert again.to_object() == OutcomeFit.from_object(again.to_object()).to_object()


@pytest.mark.parametrize("name", ["mean", "weights", "temperatures", "rows"])
def test_a_damaged_object_is_refused(fit: OutcomeFit, name: str) -> None:
    data = dict(fit.to_object())
    data[name] = data[name][:-1] if name != "rows" else {**data[name], "case": [0, 1]}  # type: ignore[index, dict-item]
    with pytest.raises((ValueError, KeyError, TypeError)):
        OutcomeFit.from_object(data)


def test_too_few_plasmids_of_a_case_are_not_fitted() -> None:
    assert fit_outcome(made_rows(45)) is None


def test_cases_count_alike_however_many_plasmids_they_have() -> None:
    rng = np.random.default_rng(0)
    cases = np.repeat([0, 1, 2], [1_000, 50, 50])
    facts = rng.normal(0, 1, (len(cases), 1))  # tells nothing
    model = fit_cases(facts, cases, np.ones(len(cases)))
    shares = case_probabilities(model.log_likelihoods(facts), Expectation()).mean(axis=0)
    assert shares == pytest.approx([1 / 3] * 3, abs=0.05)


def test_a_fact_that_is_left_out_tells_nothing() -> None:
    rng = np.random.default_rng(0)
    cases = np.repeat([0, 1, 2], 100)
    facts = rng.normal(0, 1, (len(cases), 3)) + 2 * cases[:, None]
    model = fit_cases(facts, cases, np.ones(len(cases)), left_out=np.array([0, 2]))
    assert not model.weights[:, [1, 3]].any()
    alone = fit_cases(facts[:, [1]], cases, np.ones(len(cases)))
    assert model.log_likelihoods(facts) == pytest.approx(alone.log_likelihoods(facts[:, [1]]))


@pytest.mark.parametrize("text", ["1:1", "a:b:c", "1:1:-1", "0:0:1", "nan:1:1", "1:1:inf", ""])
def test_an_expectation_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Expectation.from_text(text)


def test_strength_follows_the_probability() -> None:
    assert [strength_of(share) for share in (0.9, 0.5, 0.1, 0.0999)] == list(STRENGTHS)
