"""The cheapest sequence of states equals that of all sequences tried one by one."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from vecattr.indexes.evidence.segmentation import cheapest_states, cheapest_states_of_circle


def cost_of(states: tuple[int, ...], costs: np.ndarray, steps: list[int], change: float) -> float:
    changes = sum(before != after for before, after in itertools.pairwise(states))
    matched = zip(states, steps, strict=True)
    return float(sum(costs[step, state] for state, step in matched) + change * changes)


@pytest.mark.parametrize("seed", range(40))
def test_no_sequence_of_states_is_cheaper(seed: int) -> None:
    chance = random.Random(seed)
    costs = np.array([[chance.random() for _ in range(3)] for _ in range(3)])
    steps = [chance.randrange(3) for _ in range(chance.randint(1, 7))]
    change = chance.choice([0.0, 0.2, 0.7, 3.0])
    states = tuple(cheapest_states(costs, np.array(steps), change=change).tolist())
    every = itertools.product(range(3), repeat=len(steps))
    least = min(cost_of(each, costs, steps, change) for each in every)
    assert cost_of(states, costs, steps, change) == pytest.approx(least)


def test_nothing_has_no_states() -> None:
    assert len(cheapest_states(np.zeros((1, 2)), np.zeros(0, dtype=np.int64), change=1)) == 0


def test_a_part_over_the_origin_of_a_circle_is_not_cut_there() -> None:
    costs = 1 - np.eye(2)
    steps = np.array([1, 0, 0, 0, 0, 0, 0, 1])  # two steps of state 1 that meet at the origin
    assert cheapest_states(costs, steps, change=0.9).tolist() == steps.tolist()
    assert cheapest_states(costs, steps, change=1.5).tolist() == [0] * 8
    for first in range(8):
        found = cheapest_states_of_circle(costs, steps, change=0.9, first=first)
        assert found.tolist() == steps.tolist()
