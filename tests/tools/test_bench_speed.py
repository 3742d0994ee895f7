"""Claims about the bench of speed: a function is measured beside a peer that has a name."""

from __future__ import annotations

from typing import Any

from speed.functions import function_costs
from speed.steps import step_rates


def test_every_function_has_a_ratio_to_a_named_peer(shelf: Any) -> None:
    costs = function_costs(shelf.table, repeats=1)
    assert len(costs) == 3
    for cost in costs.values():
        assert isinstance(cost, dict)
        assert cost["peer"]
        assert cost["ratio"] > 0


def test_steps_are_measured_by_every_search_beside_their_floors(shelf: Any) -> None:
    small = {"width": 8, "pieces": 60, "token_width": 4, "kernels": (1, 3), "filters": 4}
    short = {"batch_size": 4, "crop": 60}
    rates = step_rates(shelf.plasmids, threads=1, train=short, cnn=small)
    searches = {"convolution, fp32", "convolution, bf16", "look-up in torch", "look-up compiled"}
    floors = {name for name in rates if name.startswith("floor")}
    assert rates.keys() == searches | floors | {"threads"}
    assert len(floors) == 2
    assert all(rate > 0 for rate in rates.values() if isinstance(rate, float))
