"""The load tool measures a service that it starts, and tells every figure that is promised."""

from __future__ import annotations

import argparse
from typing import Any

import pytest


def test_a_short_run_tells_every_figure(shelf: Any) -> None:
    bench = pytest.importorskip("bench_serve")
    options = argparse.Namespace(
        queries=str(shelf.table), index=shelf.index, where="split=dev", count=4, seconds=1.0,
        users=3, workers=1, starts=1, pages=0,
    )  # fmt: skip
    figures: dict[str, Any] = bench.measured(options)
    assert figures["first_answer_seconds"]["largest"] > 0
    assert figures["page_drawn_seconds"] is None
    assert figures["one_user"]["ratio_of_medians"] > 0
    assert set(figures["many_users"]["statuses"]) <= {"200", "429"}
    assert figures["four_users"]["users"] == 4
    assert set(figures["many_users"]["megabytes_after"]) == {"service", "worker 1"}
