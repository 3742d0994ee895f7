"""What stored plasmids hold of a query, against plain Python sets."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr import Plasmid
from vecattr.indexes.evidence.kmer_overlap import (
    NEAR_COPY,
    K,
    best_containments,
    kmers_of,
    nearest_overlaps,
)
from vecattr.plasmid import reverse_complement
from vecattr.sequences.kmer_set import Common, KmerSet

DNA = st.text("ACGT" * 6 + "N", min_size=0, max_size=120)


def plain_set(bases: str, *, circular: bool) -> set[str]:
    """Canonical k-mers as letters; a sequence shorter than k has none."""
    closed = bases + bases[: K - 1] if circular and len(bases) >= K else bases
    windows = [closed[start : start + K] for start in range(len(closed) - K + 1)]
    return {min(one, reverse_complement(one)) for one in windows if "N" not in one}


def mutated(bases: str, places: list[int]) -> str:
    """Another letter at each of these places."""
    letters = list(bases)
    for place in places:
        letters[place] = "CGTA"["ACGT".index(letters[place])]
    return "".join(letters)


def made(length: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def common(bases: str, other: str, *, circular: bool = True, scaled: int = 1) -> Common:
    one, two = (kmers_of(text, circular=circular, scaled=scaled) for text in (bases, other))
    return KmerSet.from_kmers(one).common(two)


@given(DNA, DNA, st.booleans(), st.integers(0, 120))
def test_similarities_equal_those_of_plain_sets(
    one: str, other: str, circular: bool, cut: int
) -> None:
    other = one[:cut] + other  # something to share
    mine, theirs = (plain_set(bases, circular=circular) for bases in (one, other))
    expected = Common(len(mine & theirs), len(mine), len(theirs))
    assert common(one, other, circular=circular) == expected


def test_eight_point_mutations_in_seven_kilobases_are_the_limit_of_a_near_copy() -> None:
    bases = made(7000, 1)

    def similarity(mutations: int) -> float:
        places = [100 + 700 * number for number in range(mutations)]
        return common(bases, mutated(bases, places)).jaccard

    assert similarity(8) >= NEAR_COPY > similarity(9)
    assert similarity(8) == (7000 - 21 * 8) / (7000 + 21 * 8)


def test_a_sample_estimates_the_whole() -> None:
    one = made(60_000, 2)
    other = one[:40_000] + made(20_000, 3)
    assert common(one, other, scaled=8).containment == pytest.approx(2 / 3, abs=0.03)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, workshop: Any) -> Any:
    """Plasmids of some labs, of which one is linear, in two segments."""
    plasmids = workshop.plasmids(["Ash", "Birch", "Cedar"], each=4, length=2000)
    plasmids[5] = replace(plasmids[5], topology="linear")
    path: Path = tmp_path_factory.mktemp("overlap") / "i"
    workshop.build(path, plasmids, segment_rows=7)
    return workshop.open(path)


def stored(workshop: Any) -> list[Plasmid]:
    return list(workshop.plasmids(["Ash", "Birch", "Cedar"], each=4, length=2000))


def test_each_overlap_is_that_of_the_stored_bases(opened: Any, workshop: Any) -> None:
    known = {one.id: one for one in stored(workshop)}
    query = replace(known["Ash-0-1"], id="q", sequence=mutated(known["Ash-0-1"].sequence, [7]))
    [found] = nearest_overlaps(opened, [query], opened.embed([query]))
    assert {one.id for one in found} == set(known)
    mine = plain_set(query.sequence, circular=True)
    for one in found:
        theirs = plain_set(known[one.id].sequence, circular=one.id != "Birch-0-1")
        assert one.containment == len(mine & theirs) / len(mine)
        assert one.jaccard == len(mine & theirs) / len(mine | theirs)
        assert (one.lab, one.is_near_copy) == (known[one.id].lab, one.id == "Ash-0-1")
        assert not one.is_identical


def test_a_rotated_copy_on_the_other_strand_is_identical(opened: Any, workshop: Any) -> None:
    turned = replace(stored(workshop)[2].rotated(777).reverse_complement(), id="q")
    [found] = nearest_overlaps(opened, [turned], opened.embed([turned]), n=12)
    assert [one.id for one in found if one.is_identical] == ["Ash-0-2"]


def test_equal_kmers_are_not_yet_the_same_molecule(tmp_path: Path, workshop: Any) -> None:
    unit = made(300, 4)
    workshop.build(tmp_path / "i", [Plasmid("twice", unit * 2, lab="Ash")])
    index = workshop.open(tmp_path / "i")
    query = Plasmid("thrice", unit * 3)
    [[one]] = nearest_overlaps(index, [query], index.embed([query]))
    assert (one.jaccard, one.is_identical) == (1.0, False)


def test_the_best_containment_is_the_largest_of_the_nearest(opened: Any, workshop: Any) -> None:
    part = Plasmid("part", stored(workshop)[9].sequence[300:900], topology="linear")
    alien = Plasmid("alien", made(1500, 9))
    empty = Plasmid("empty", "N" * 50)
    queries = [part, alien, empty]
    found = best_containments(opened, queries, opened.embed(queries), n=12)
    assert found.tolist() == [1.0, 0.0, 0.0]


def test_without_sequences_nothing_is_claimed(tmp_path: Path, workshop: Any) -> None:
    workshop.build(tmp_path / "i", stored(workshop), keep_sequences=False)
    index = workshop.open(tmp_path / "i")
    query = stored(workshop)[0]
    assert np.isnan(best_containments(index, [query], index.embed([query]))).all()
    assert index.query(query).notes == ("the index holds 3 classes, fewer than 10",)
