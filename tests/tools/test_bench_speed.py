"""Claims about the bench of speed: a function is measured beside a peer that has a name."""

from __future__ import annotations

from typing import Any

from speed.functions import function_costs


def test_every_function_has_a_ratio_to_a_named_peer(shelf: Any) -> None:
    costs = function_costs(shelf.table, repeats=1)
    assert len(costs) == 3
    for cost in costs.values():
        assert isinstance(cost, dict)
        assert cost["peer"]
        assert cost["ratio"] > 0
