"""Single functions, each beside a named peer operation that runs in turn with it: seconds of
processor time and their ratio out.

A ratio says the same on a fast and on a slow machine, so these guard what no test may assert.
"""

from __future__ import annotations

import csv
import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xopen import xopen

from vecattr.ranking.rank_fusion import fused_scores
from vecattr.readers.plasmids import read_plasmids
from vecattr.sequences.synthetic import synthetic_plasmids

LABS, QUERIES, VOTERS = 1000, 40, 3  # of the rankings that are fused
MADE_LABS, MADE_EACH = 40, 30  # of the synthetic collection


@dataclass(frozen=True)
class Comparison:
    """A function and the operation that it is compared with, `peer` in words."""

    function: Callable[[], object]
    peer: str
    operation: Callable[[], object]


def comparisons(table: Path) -> Mapping[str, Comparison]:
    """What is compared; `table` is read whole by both sides of its comparison."""
    scores = np.random.default_rng(1).normal(size=(VOTERS, QUERIES, LABS))
    made = synthetic_plasmids(labs=MADE_LABS, plasmids_per_lab=MADE_EACH, seed=1)
    lengths = [len(plasmid) for plasmid in made]
    return {
        f"copeland fusion of {LABS:,} labs": Comparison(
            lambda: fused_scores(scores, fusion="copeland"),
            "numpy.argsort of the same scores",
            lambda: np.argsort(scores, axis=-1),
        ),
        f"{len(made):,} synthetic plasmids": Comparison(
            lambda: synthetic_plasmids(labs=MADE_LABS, plasmids_per_lab=MADE_EACH, seed=1),
            "random.choices of as many bases",
            lambda: _random_bases(lengths),
        ),
        f"reading {table.name}": Comparison(
            lambda: deque(read_plasmids([str(table)]), maxlen=0),
            "csv.reader over the same file",
            lambda: _plain_rows(table),
        ),
    }


def _random_bases(lengths: list[int]) -> list[str]:
    chance = random.Random(1)
    return ["".join(chance.choices("ACGT", k=length)) for length in lengths]


def _plain_rows(table: Path) -> None:
    with xopen(table, newline="") as lines:
        deque(csv.reader(lines), maxlen=0)


def function_costs(table: Path, *, repeats: int) -> dict[str, object]:
    """Medians of so many rounds, function and peer in turn, after one round that is not counted."""
    costs: dict[str, object] = {}
    for name, comparison in comparisons(table).items():
        rounds = [
            (_cpu_seconds(comparison.function), _cpu_seconds(comparison.operation))
            for _ in range(repeats + 1)
        ][1:]
        costs[name] = {
            "cpu seconds": statistics.median(seconds for seconds, _ in rounds),
            "peer": comparison.peer,
            "peer cpu seconds": statistics.median(seconds for _, seconds in rounds),
            "ratio": statistics.median(seconds / peer for seconds, peer in rounds),
        }
    return costs


def _cpu_seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began
