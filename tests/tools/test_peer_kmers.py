"""Claims about the plain k-mer scores: each is that of a plain loop over sets of k-mers."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from peers.kmers import KmerIndex, Postings, kmers_of
from peers.ranking import NEVER_HIT, Scores

from vecattr.plasmid import Plasmid


@pytest.fixture(scope="module")
def stored() -> list[Plasmid]:
    """Twelve plasmids of four labs, made of shared parts; one lab shares nothing."""
    chance = random.Random(4)
    parts = ["".join(chance.choices("ACGT", k=300)) for _ in range(6)]
    made = []
    for number in range(12):
        lab = "ABCD"[number % 4]
        own = "".join(chance.choices("ACGT", k=200))
        shared = "" if lab == "D" else "".join(chance.sample(parts, 2))
        topology = "linear" if number % 5 == 0 else "circular"
        made.append(Plasmid(f"p{number}", shared + own, topology, lab=lab))  # type: ignore[arg-type]
    return made


def asked(stored: list[Plasmid]) -> Plasmid:
    """A query of parts of three plasmids, and of letters that none has."""
    chance = random.Random(5)
    news = "".join(chance.choices("ACGT", k=300))
    pieces = [stored[row].sequence[60:400] for row in (0, 5, 9)]
    return Plasmid("query", "".join(pieces) + news)


def plain_scores(method: str, stored: list[Plasmid], query: Plasmid) -> dict[str, float]:
    """The score of each lab that shares a k-mer, by loops over sets."""
    sets = [set(kmers_of(one).tolist()) for one in stored]
    mine = set(kmers_of(query).tolist())
    everyone = {kmer for one in sets for kmer in one}
    having = {kmer: sum(kmer in one for one in sets) for kmer in everyone | mine}
    labs = {
        kmer: {one.lab for one, its in zip(stored, sets, strict=True) if kmer in its}
        for kmer in everyone
    }

    def length(kmers: set[int]) -> float:
        return math.sqrt(sum(math.log(len(sets) / max(1, having[kmer])) ** 2 for kmer in kmers))

    scores: dict[str, float] = {}
    if method == "labs":
        for kmer in mine & everyone:
            for lab in labs[kmer]:
                scores[f"{lab}"] = scores.get(f"{lab}", 0.0) + 1 / len(labs[kmer])
        return scores
    for one, its in zip(stored, sets, strict=True):
        score = float(len(mine & its))
        if method == "cosine":
            score = length(mine & its) ** 2 / (length(mine) * length(its))
        if score:
            scores[f"{one.lab}"] = max(scores.get(f"{one.lab}", 0.0), score)
    return scores


def index_of(stored: list[Plasmid], method: str) -> KmerIndex:
    pairs = ((kmers_of(one), f"{one.lab}") for one in stored)
    return KmerIndex.from_plasmids(pairs, method=method)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["cosine", "labs", "shared"])
def test_a_score_is_that_of_a_plain_loop(method: str, stored: list[Plasmid]) -> None:
    index, query = index_of(stored, method), asked(stored)
    scores, cost = index.ask([query, stored[3]])
    expected = plain_scores(method, stored, query)
    assert set(expected) == {"A", "B", "C"}
    assert np.isneginf(scores[0]).tolist() == [name not in expected for name in index.names]
    found = {name: scores[0][column] for column, name in enumerate(index.names) if name in expected}
    assert found == pytest.approx(expected)
    assert cost.wall > 0


@pytest.mark.parametrize("method", ["cosine", "labs", "shared"])
def test_a_query_that_shares_nothing_hits_no_lab(method: str, stored: list[Plasmid]) -> None:
    scores = index_of(stored, method).by_class(kmers_of(Plasmid("poly", "A" * 100)))
    assert (scores == NEVER_HIT).all()


def test_the_cosine_of_a_stored_plasmid_with_itself_is_one(stored: list[Plasmid]) -> None:
    index = index_of(stored, "cosine")
    own = index.by_class(kmers_of(stored[1]))[index.names.index("B")]
    assert own == pytest.approx(1.0)


def test_postings_sum_weights_and_count_a_pair_once() -> None:
    kmers = np.array([7, 3, 7, 7, 3], dtype=np.uint64)
    postings = Postings.from_pairs(kmers, np.array([1, 0, 1, 0, 2], dtype=np.int32))
    assert postings.counts.tolist() == [2, 2]
    places = postings.places(np.array([2, 7, 9], dtype=np.uint64))
    assert places.tolist() == [1]
    sums: Scores = postings.sums(places, np.array([0.5]), owners=3)
    assert sums.tolist() == [0.5, 0.5, 0.0]
