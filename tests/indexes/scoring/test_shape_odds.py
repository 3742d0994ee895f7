"""Odds of topology, length and composition are those of a plain naive Bayes over what counts."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.shape_odds import PlasmidShapes, ShapeMatches, ShapeOdds
from vecattr.plasmid import Plasmid, Topology
from vecattr.sequences.composition import composition

LABS = ("Ash", "Birch", "Cedar")


def made(seed: int, count: int, topologies: Sequence[Topology]) -> list[Plasmid]:
    chance = random.Random(seed)
    return [
        Plasmid(
            f"p{seed}-{row}",
            chance.choice(["ACGT", "ACCT", "GGCA", "NNAC"]) * chance.choice([20, 22, 30, 100]),
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
    return ShapeOdds(Catalogue.from_segments(segments, LABS), segments)


def words(plasmid: Plasmid) -> dict[str, float]:
    """The share of each 3-mer or its reverse complement, whichever sorts first."""
    bases, counts = plasmid.sequence, Counter[str]()
    closed = bases + bases[:2] if plasmid.is_circular else bases
    for start in range(len(closed) - 2):
        word = closed[start : start + 3]
        if set(word) <= set("ACGT"):
            counts[min(word, word[::-1].translate(str.maketrans("ACGT", "TGCA")))] += 1
    return {word: count / counts.total() for word, count in counts.items()}


def alike_in_words(one: Plasmid, other: Plasmid) -> float:
    """1 for the same shares of words, less the farther apart their square roots are."""
    mine, theirs = words(one), words(other)
    roots = [mine.get(w, 0) ** 0.5 - theirs.get(w, 0) ** 0.5 for w in {*mine, *theirs}]
    return math.exp(-sum(root**2 for root in roots) / 0.0025)


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
    told = [one for one in alike if words(one)]
    worded = sum(alike_in_words(one, asked) for one in told) / len(told) + 1e-6
    found: dict[str, list[float]] = {"topology": [], "length": [], "composition": []}
    for lab in LABS:
        mine = [one for one in rows if one.lab == lab]
        same = [one for one in alike if one.lab == lab]
        found["topology"].append(math.log((len(same) + usual) / (len(mine) + 1) / usual))
        found["length"].append(math.log((near(same) + 2 * common) / (len(same) + 2) / common))
        same = [one for one in told if one.lab == lab]
        close = sum(alike_in_words(one, asked) for one in same)
        odds = (close + 2 * worded) / (len(same) + 2) / worded
        found["composition"].append(math.log(odds))
    return found


@pytest.mark.parametrize("topology", ["circular", "linear"])
@pytest.mark.parametrize("bases", [60, 85, 400, 9_000])
@pytest.mark.parametrize("left_out", [[], [1], [1, 2, 5, 14, 15]])
def test_odds_are_those_of_plain_loops(
    odds: ShapeOdds, topology: Topology, bases: int, left_out: list[int]
) -> None:
    asked = Plasmid("q", ("ACCTACGT" * bases)[:bases], topology=topology)
    found = odds.columns(asked, left_out=np.array(left_out, dtype=np.int64))
    expected = plain_odds(asked, left_out)
    assert found.keys() == expected.keys()
    for name, column in found.items():
        digits = 1e-3 if name == "composition" else 1e-12  # words are counted in 32 bits
        assert column.tolist() == pytest.approx(expected[name], abs=digits)


def test_a_topology_that_nothing_has_says_nothing(workshop: Any) -> None:
    segments = [workshop.segment(NEW)]
    alone = ShapeOdds(Catalogue.from_segments(segments, LABS), segments)
    found = alone.columns(
        Plasmid("q", "ACGT", topology="linear"), left_out=np.zeros(0, dtype=np.int64)
    )
    assert not np.array([*found.values()]).any()


def test_reads_of_a_lab_that_hands_in_reads_speak_for_it(workshop: Any) -> None:
    reads = [Plasmid(f"r{n}", "A" * 800, topology="linear", lab="Ash") for n in range(5)]
    wholes = [Plasmid(f"w{n}", "A" * 7_000, lab="Birch") for n in range(5)]
    segments = [workshop.segment([*reads, *wholes])]
    both = ShapeOdds(Catalogue.from_segments(segments, LABS[:2]), segments)
    read = Plasmid("q", "C" * 820, topology="linear")
    ash, birch = both.columns(read, left_out=np.zeros(0, dtype=np.int64))["topology"]
    assert ash > 0 > birch


def test_words_of_a_lab_that_studies_one_organism_speak_for_it(workshop: Any) -> None:
    chance = random.Random(4)
    poor, rich = ("AATTACGT" * 9, "GGCCACGT" * 9)
    stored = [
        Plasmid(f"p{n}", "".join(chance.choices(letters, k=3_000)), lab=lab)
        for lab, letters in (("Ash", poor), ("Birch", rich))
        for n in range(5)
    ]
    segments = [workshop.segment(stored)]
    both = ShapeOdds(Catalogue.from_segments(segments, LABS[:2]), segments)
    asked = Plasmid("q", "".join(chance.choices(poor, k=4_000)))
    ash, birch = both.columns(asked, left_out=np.zeros(0, dtype=np.int64))["composition"]
    assert ash > 0 > birch


@pytest.mark.parametrize("bases", ["NNNN", "AC"])
def test_a_query_without_a_word_says_nothing(odds: ShapeOdds, bases: str) -> None:
    asked = Plasmid("q", bases, topology="linear")
    assert not odds.columns(asked, left_out=np.zeros(0, dtype=np.int64))["composition"].any()


def test_plasmids_of_which_no_word_is_known_do_not_count() -> None:
    rows = [Plasmid("a", "ACGTAACC" * 9), Plasmid("b", "ACGTAACC" * 9), Plasmid("c", "GGTT" * 9)]
    compositions = np.stack([composition(one.sequence, circular=True) for one in rows])
    shapes = PlasmidShapes(np.zeros(3), np.zeros(3, dtype=bool), compositions)
    compositions[1] = 0  # as in a segment of an older version
    matches = ShapeMatches.from_shapes(rows[0], shapes, np.array([0, 1, 1]), lab_count=2)
    assert matches.comparable.tolist() == [1, 1]
    assert matches.composition == pytest.approx([1, 0], abs=1e-3)
