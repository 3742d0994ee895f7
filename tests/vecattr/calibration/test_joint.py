"""Joint scores and belonging of several plasmids, from the shares that each gives every lab."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecattr.calibration.joint import (
    FACTS,
    FLOOR,
    LARGEST_FLOOR,
    POOLED_FLOOR,
    SHARPNESS,
    TEMPERATURE,
    WEIGHT_OF_LARGEST,
    WEIGHT_OF_POOLED,
    belongings,
    joint_facts,
    joint_scores,
    log_shares,
)
from vecattr.ranking.scores import LOG_RANGE
from vecattr.vectors import Scores


def logarithms_of(shares: list[list[float]]) -> Scores:
    return np.log(np.array(shares))


def test_joint_scores_are_those_of_a_plain_loop() -> None:
    shares = [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]]
    pooled = [0.5, 0.4, 0.1]
    logits = []
    for lab in range(3):
        flat = [
            row[lab] ** (1 / TEMPERATURE) / math.fsum(p ** (1 / TEMPERATURE) for p in row)
            for row in shares
        ]
        logit = math.fsum(math.log(share + FLOOR) for share in flat) / len(shares)
        logit += WEIGHT_OF_LARGEST * math.log(max(row[lab] for row in shares) + LARGEST_FLOOR)
        logits.append(logit + WEIGHT_OF_POOLED * math.log(pooled[lab] + POOLED_FLOOR))
    total = math.fsum(math.exp(SHARPNESS * logit) for logit in logits)
    expected = [(SHARPNESS * logit - math.log(total)) / LOG_RANGE for logit in logits]
    scores = joint_scores(logarithms_of(shares), np.log(pooled))
    assert scores == pytest.approx(expected)
    assert math.fsum(np.exp(LOG_RANGE * scores)) == pytest.approx(1)


def test_a_lab_that_all_name_a_little_comes_before_one_that_a_single_plasmid_names() -> None:
    shares = [[0.98, 0.015, 0.005], [0.001, 0.4, 0.599], [0.001, 0.5, 0.499], [0.001, 0.5, 0.499]]
    assert joint_scores(logarithms_of(shares), None).argmax() == 1


def test_no_plasmid_alone_rules_a_lab_out() -> None:
    shares = [[0.95, 0.05]] * 8 + [[1e-12, 1 - 1e-12]]
    assert joint_scores(logarithms_of(shares), None).argmax() == 0


def test_shares_sum_to_one_whatever_the_scores() -> None:
    scores = np.array([[-1.0, -0.3, -0.0], [-1.0, -1.0, -1.0]])
    assert np.exp(log_shares(scores)).sum(axis=1) == pytest.approx([1, 1])


def test_a_plasmid_of_another_lab_does_not_belong() -> None:
    rare = 1e-7
    own, other = [1 - 2 * rare, rare, rare], [rare, rare, 1 - 2 * rare]
    found = belongings(logarithms_of([own, own, own, other]))
    assert (found[:3] > 0.9).all()
    assert found[3] < 0.1


def test_belonging_is_what_leaving_each_out_gives() -> None:
    shares = np.random.default_rng(0).dirichlet(np.full(6, 0.3), size=5) + 1e-9
    logarithms = np.log(shares / shares.sum(axis=1, keepdims=True))
    found = belongings(logarithms)
    for row in range(5):
        others = joint_scores(np.delete(logarithms, row, axis=0), None)
        same = float(np.exp(logarithms[row]) @ np.exp(LOG_RANGE * others))
        log_odds = 9.19 + 1.58 * math.log(same + 1e-6)
        assert found[row] == pytest.approx(1 / (1 + math.exp(-log_odds)))


def test_there_is_a_fact_for_each_name() -> None:
    logarithms = logarithms_of([[0.5, 0.5], [0.9, 0.1]])
    cases = np.array([[0.0, 1.0, 2.0], [0.0, 3.0, -2.0]])
    facts = dict(
        zip(FACTS, joint_facts(cases, logarithms, joint_scores(logarithms, None)), strict=True)
    )
    assert facts["new"] == 2
    assert facts["largest_outside"] == 2
    assert facts["agreement"] == pytest.approx(0.7)
    assert facts["number"] == pytest.approx(math.log(2))
