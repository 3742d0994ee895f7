"""Few states for many steps: what each step costs in each state and how much it counts in, the
cheapest sequence of states out, in which every change of state costs something, too (a Potts model,
solved by the algorithm of Viterbi, 1967)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.postings import first_of_each
from vecattr.vectors import Codes, Column


def cheapest_states(
    costs: NDArray[np.float64], steps: Codes, weights: Column, *, change: float
) -> Codes:
    """The state of each of t steps, (t,); `costs` (k, s) of each kind of step in each state,
    `steps` (t,) the kinds, and `weights` (t,) how often each step counts. The first of equal states
    wins."""
    if not len(steps):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(first_of_each(steps))
    counts = np.diff(np.append(starts, len(steps)))  # steps of one kind are in one state
    amounts = np.add.reduceat(weights, starts)
    totals = costs[steps[starts[0]]] * amounts[0]  # (s,)
    changes = np.zeros((len(starts), len(totals)), dtype=bool)
    best_before = np.zeros(len(starts), dtype=np.int64)
    for number in range(1, len(starts)):
        best = int(np.argmin(totals))
        from_best = totals[best] + change
        best_before[number] = best
        changes[number] = totals > from_best
        totals = np.minimum(totals, from_best) + costs[steps[starts[number]]] * amounts[number]
    states = np.zeros(len(starts), dtype=np.int64)
    state = int(np.argmin(totals))
    for number in range(len(starts) - 1, -1, -1):
        states[number] = state
        if changes[number, state]:
            state = int(best_before[number])
    return np.repeat(states, counts)


def cheapest_states_of_circle(
    costs: NDArray[np.float64], steps: Codes, weights: Column, *, change: float, first: int
) -> Codes:
    """As `cheapest_states` where the last step is beside the first: the second of three rounds that
    begin at step `first`, so that each end of the circle knows the other."""
    turned, turned_weights = np.roll(steps, -first), np.roll(weights, -first)
    states = cheapest_states(costs, np.tile(turned, 3), np.tile(turned_weights, 3), change=change)
    return np.roll(states[len(steps) : 2 * len(steps)], first)
