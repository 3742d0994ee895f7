"""Odds of topology and length are those of a plain naive Bayes over the plasmids that count."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.catalogue import Catalogue
from vecattr.indexes.shape_odds import ShapeOdds
from vecattr.plasmid import Plasmid, Topology

LABS = ("Ash", "Birch", "Cedar")


def made(seed: int, count: int, topologies: Sequence[Topology]) -> list[Plasmid]:
    chance = random.Random(seed)
    return [
        Plasmid(
            f"p{seed}-{row}",
            "ACGT" * chance.choice([20, 22, 30, 100]),
            topology=chance.choice(topologies),
            lab=LABS[row % 3],
        )
        for row in range(count)
    ]


OLD, NEW = made(1, 14, ["circular", "linear"]), made(2, 9, ["circular"])


@pytest.fixture(scope="module")
def odds(workshop: Any) -> ShapeOdds:
    """Two segments, the second of circular plasmids only; Birch is removed from it."""
    segments = [workshop.segment(OLD), workshop.segment(NEW, removed=["Birch"])]
    return ShapeOdds(Catalogue.of(segments, LABS), segments)


def plain_odds(asked: Plasmid, left_out: Sequence[int]) -> dict[str, list[float]]:
    rows = [
        one
        for row, one in enumerate([*OLD, *NEW])
        if row not in left_out and (row < len(OLD) or one.lab != "Birch")
    ]
    alike = [one for one in rows if one.topology == asked.topology]

    def near(some: Sequence[Plasmid]) -> float:
        apart = [math.log(len(one) / len(asked)) / 0.1 for one in some]
        return sum(math.exp(-(x**2) / 2) for x in apart)

    usual, common = len(alike) / len(rows), near(alike) / len(alike) + 1e-6
    found: dict[str, list[float]] = {"topology": [], "length": []}
    for lab in LABS:
        mine = [one for one in rows if one.lab == lab]
        same = [one for one in alike if one.lab == lab]
        found["topology"].append(math.log((len(same) + usual) / (len(mine) + 1) / usual))
        found["length"].append(math.log((near(same) + 2 * common) / (len(same) + 2) / common))
    return found


@pytest.mark.parametrize("topology", ["circular", "linear"])
@pytest.mark.parametrize("bases", [60, 85, 400, 9_000])
@pytest.mark.parametrize("left_out", [[], [1], [1, 2, 5, 14, 15]])
def test_odds_are_those_of_plain_loops(
    odds: ShapeOdds, topology: Topology, bases: int, left_out: list[int]
) -> None:
    asked = Plasmid("q", "A" * bases, topology=topology)
    found = odds.of(asked, left_out=np.array(left_out, dtype=np.int64))
    expected = plain_odds(asked, left_out)
    assert found.keys() == expected.keys()
    for name, column in found.items():
        assert column.tolist() == pytest.approx(expected[name], abs=1e-12)


def test_a_topology_that_nothing_has_says_nothing(workshop: Any) -> None:
    segments = [workshop.segment(NEW)]
    alone = ShapeOdds(Catalogue.of(segments, LABS), segments)
    found = alone.of(Plasmid("q", "ACGT", topology="linear"), left_out=np.zeros(0, dtype=np.int64))
    assert not np.array([*found.values()]).any()


def test_reads_of_a_lab_that_hands_in_reads_speak_for_it(workshop: Any) -> None:
    reads = [Plasmid(f"r{n}", "A" * 800, topology="linear", lab="Ash") for n in range(5)]
    wholes = [Plasmid(f"w{n}", "A" * 7_000, lab="Birch") for n in range(5)]
    segments = [workshop.segment([*reads, *wholes])]
    both = ShapeOdds(Catalogue.of(segments, LABS[:2]), segments)
    read = Plasmid("q", "C" * 820, topology="linear")
    ash, birch = both.of(read, left_out=np.zeros(0, dtype=np.int64))["topology"]
    assert ash > 0 > birch
