"""The cheapest sequence of states equals that of all sequences tried one by one."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from vecattr.indexes.evidence.segmentation import cheapest_states, cheapest_states_of_circle


def cost_of(
    states: tuple[int, ...],
    costs: np.ndarray,
    steps: list[int],
    weights: list[float],
    change: float,
) -> float:
    changes = sum(before != after for before, after in itertools.pairwise(states))
    matched = zip(states, steps, weights, strict=True)
    return float(
        sum(weight * costs[step, state] for state, step, weight in matched) + change * changes
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_sequence_of_states_is_cheaper(seed: int) -> None:
    chance = random.Random(seed)
    costs = np.array([[chance.random() for _ in range(3)] for _ in range(3)])
    steps = [chance.randrange(3) for _ in range(chance.randint(1, 7))]
    weights = chance.choices([0.25, 1.0], k=len(steps))
    change = chance.choice([0.0, 0.2, 0.7, 3.0])
    states = cheapest_states(costs, np.array(steps), np.array(weights), change=change)
    every = itertools.product(range(3), repeat=len(steps))
    least = min(cost_of(each, costs, steps, weights, change) for each in every)
    found = cost_of(tuple(states.tolist()), costs, steps, weights, change)
    assert found == pytest.approx(least)


def test_nothing_has_no_states() -> None:
    none = np.zeros(0)
    assert len(cheapest_states(np.zeros((1, 2)), none.astype(np.int64), none, change=1)) == 0


def test_a_part_over_the_origin_of_a_circle_is_not_cut_there() -> None:
    costs = 1 - np.eye(2)
    steps = np.array([1, 0, 0, 0, 0, 0, 0, 1])  # two steps of state 1 that meet at the origin
    alike = np.ones(8)
    assert cheapest_states(costs, steps, alike, change=0.9).tolist() == steps.tolist()
    assert cheapest_states(costs, steps, alike, change=1.5).tolist() == [0] * 8
    assert cheapest_states(costs, steps, alike / 4, change=0.9 / 4).tolist() == steps.tolist()
    for first in range(8):
        found = cheapest_states_of_circle(costs, steps, alike, change=0.9, first=first)
        assert found.tolist() == steps.tolist()
