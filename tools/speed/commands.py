"""Whole processes: a command line in, seconds on the wall, seconds of processors and peak memory of
some runs out.

Runs of several commands take turns, so that a busy minute of the machine hits all of them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from peers.costs import Cost, run_program


def median_of(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        int(statistics.median(cost.peak for cost in costs)),
    )


def cost_of(command: Sequence[str]) -> Cost:
    """The cost of one run; VecattrError when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        return run_program(command, stdout=Path(os.devnull), folder=Path(folder))


def costs_in_turn(commands: Mapping[str, Sequence[str]], *, repeats: int) -> dict[str, Cost]:
    """Medians over so many rounds, after one that is not counted."""
    rounds: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(repeats + 1):
        for name, command in commands.items():
            rounds[name].append(cost_of(command))
    return {name: median_of(costs[1:]) for name, costs in rounds.items()}


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def vecattr(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vecattr.cli", *arguments]


def start_costs(query: str, index: str, *, repeats: int) -> dict[str, object]:
    """Starting, importing and one query of the whole command, and the ratio to importing torch."""
    costs = costs_in_turn(
        {
            "python": python("pass"),
            "import numpy": python("import numpy"),
            "import torch": python("import torch"),
            "vecattr --help": vecattr("--help"),
            "vecattr query": vecattr("query", query, "-k", "10", "-i", index),
        },
        repeats=repeats,
    )
    torch, query_cost = costs["import torch"], costs["vecattr query"]
    return {
        **{name: asdict(cost) for name, cost in costs.items()},
        "query / import torch": {
            "wall": query_cost.wall / torch.wall,
            "cpu": query_cost.cpu / torch.cpu,
        },
    }


def batch_cost(queries: str, index: str, *, count: int, single: Cost) -> dict[str, object]:
    """Many queries by all processors: how many a second, and what each costs beside the start,
    which is that of a `single` query."""
    cost = cost_of(vecattr("query", queries, "-k", "10", "-i", index, "-q"))
    return {
        "queries": count,
        **asdict(cost),
        "queries/s": count / cost.wall,
        "cpu seconds a query": (cost.cpu - single.cpu) / count,
        "processors": len(os.sched_getaffinity(0)),
    }
