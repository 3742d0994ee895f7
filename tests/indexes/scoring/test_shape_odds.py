"""Odds of topology, length and composition are those of a plain naive Bayes over what counts."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.shape_odds import PlasmidShapes, ShapeMatches, ShapeOdds
from vecattr.plasmid import Plasmid, Topology
from vecattr.sequences.composition import composition

LABS = ("Ash", "Birch", "Cedar")


def random_plasmids(seed: int, count: int, topologies: Sequence[Topology]) -> list[Plasmid]:
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


OLD, NEW = random_plasmids(1, 14, ["circular", "linear"]), random_plasmids(2, 9, ["circular"])


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


def composition_similarity(plasmid: Plasmid, other: Plasmid) -> float:
    """1 for the same shares of words, less the farther apart their square roots are."""
    shares, other_shares = words(plasmid), words(other)
    roots = [
        shares.get(w, 0) ** 0.5 - other_shares.get(w, 0) ** 0.5 for w in {*shares, *other_shares}
    ]
    return math.exp(-sum(root**2 for root in roots) / 0.0025)


def plain_odds(query: Plasmid, left_out: Sequence[int]) -> dict[str, list[float]]:
    rows = [
        plasmid
        for row, plasmid in enumerate([*OLD, *NEW])
        if row not in left_out and (row < len(OLD) or plasmid.lab != "Birch")
    ]
    same_topology = [plasmid for plasmid in rows if plasmid.topology == query.topology]

    def length_similarity(plasmids: Sequence[Plasmid]) -> float:
        distances = [math.log(len(plasmid) / len(query)) / 0.1 for plasmid in plasmids]
        return sum(math.exp(-(x**2) / 2) for x in distances)

    topology_share, length_share = (
        len(same_topology) / len(rows),
        length_similarity(same_topology) / len(same_topology) + 1e-6,
    )
    with_words = [plasmid for plasmid in same_topology if words(plasmid)]
    composition_share = (
        sum(composition_similarity(plasmid, query) for plasmid in with_words) / len(with_words)
        + 1e-6
    )
    odds_by_name: dict[str, list[float]] = {"topology": [], "length": [], "composition": []}
    for lab in LABS:
        lab_plasmids = [plasmid for plasmid in rows if plasmid.lab == lab]
        lab_matches = [plasmid for plasmid in same_topology if plasmid.lab == lab]
        odds_by_name["topology"].append(
            math.log((len(lab_matches) + topology_share) / (len(lab_plasmids) + 1) / topology_share)
        )
        odds_by_name["length"].append(
            math.log(
                (length_similarity(lab_matches) + 2 * length_share)
                / (len(lab_matches) + 2)
                / length_share
            )
        )
        lab_matches = [plasmid for plasmid in with_words if plasmid.lab == lab]
        similarity = sum(composition_similarity(plasmid, query) for plasmid in lab_matches)
        odds = (similarity + 2 * composition_share) / (len(lab_matches) + 2) / composition_share
        odds_by_name["composition"].append(math.log(odds))
    return odds_by_name


@pytest.mark.parametrize("topology", ["circular", "linear"])
@pytest.mark.parametrize("bases", [60, 85, 400, 9_000])
@pytest.mark.parametrize("left_out", [[], [1], [1, 2, 5, 14, 15]])
def test_odds_are_those_of_plain_loops(
    odds: ShapeOdds, topology: Topology, bases: int, left_out: list[int]
) -> None:
    query = Plasmid("q", ("ACCTACGT" * bases)[:bases], topology=topology)
    columns = odds.columns(query, left_out=np.array(left_out, dtype=np.int64))
    expected = plain_odds(query, left_out)
    assert columns.keys() == expected.keys()
    for name, column in columns.items():
        digits = 1e-3 if name == "composition" else 1e-12  # words are counted in 32 bits
        assert column.tolist() == pytest.approx(expected[name], abs=digits)


def test_a_topology_that_nothing_has_says_nothing(workshop: Any) -> None:
    segments = [workshop.segment(NEW)]
    alone = ShapeOdds(Catalogue.from_segments(segments, LABS), segments)
    columns = alone.columns(
        Plasmid("q", "ACGT", topology="linear"), left_out=np.zeros(0, dtype=np.int64)
    )
    assert not np.array([*columns.values()]).any()


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
    query = Plasmid("q", "".join(chance.choices(poor, k=4_000)))
    ash, birch = both.columns(query, left_out=np.zeros(0, dtype=np.int64))["composition"]
    assert ash > 0 > birch


@pytest.mark.parametrize("bases", ["NNNN", "AC"])
def test_a_query_without_a_word_says_nothing(odds: ShapeOdds, bases: str) -> None:
    query = Plasmid("q", bases, topology="linear")
    assert not odds.columns(query, left_out=np.zeros(0, dtype=np.int64))["composition"].any()


def test_plasmids_of_which_no_word_is_known_do_not_count() -> None:
    rows = [Plasmid("a", "ACGTAACC" * 9), Plasmid("b", "ACGTAACC" * 9), Plasmid("c", "GGTT" * 9)]
    compositions = np.stack([composition(plasmid.sequence, circular=True) for plasmid in rows])
    shapes = PlasmidShapes(np.zeros(3), np.zeros(3, dtype=bool), compositions)
    compositions[1] = 0  # as in a segment of an older version
    matches = ShapeMatches.from_shapes(rows[0], shapes, np.array([0, 1, 1]), lab_count=2)
    assert matches.comparable.tolist() == [1, 1]
    assert matches.composition == pytest.approx([1, 0], abs=1e-3)
