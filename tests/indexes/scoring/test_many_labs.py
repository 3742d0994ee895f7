"""An index of very many labs: those that share no k-mer with a query, nearly weighed, have nearly
the shares of labs that are weighed one by one, and no answer depends on the others."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.joining.catalogue import NO_ROWS
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.scoring.shape_odds import ShapeOdds
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.evidence_ranker import EvidenceRanker, Network, input_count
from vecattr.ranking.hidden_layer import FEW
from vecattr.ranking.scores import LOG_RANGE, class_scores
from vecattr.vectors import Column, Vectors, unit_rows

LABS, WIDTH, HIDDEN = 4 * FEW // 3, 12, 32


def network(*, phenotypes: bool) -> Network:
    """Units and a linear part, drawn at random."""
    rng, inputs = np.random.default_rng(3), input_count(phenotypes=phenotypes)

    def layer(*shape: int, scale: float) -> Any:
        return (scale * rng.normal(size=shape)).astype(np.float32)

    return Network(
        np.zeros(inputs, np.float32),
        np.ones(inputs, np.float32),
        layer(inputs, scale=0.3),
        layer(inputs, HIDDEN, scale=0.1),
        layer(HIDDEN, scale=0.3),
        layer(HIDDEN, scale=0.1),
    )


RANKER = EvidenceRanker(network(phenotypes=False), network(phenotypes=True), "a test")


def lab_name(number: int) -> str:
    return f"lab {number:04d}"


def collection() -> list[Plasmid]:
    """One plasmid of each lab, every fifth of a few shared parts."""
    chance = random.Random(2)
    parts = ["".join(chance.choices("ACGT", k=90)) for _ in range(4)]
    return [
        Plasmid(
            f"p{number}",
            "".join(chance.choices("ACGT", k=chance.randint(30, 120)))
            + (chance.choice(parts) if number % 5 == 0 else ""),
            topology=chance.choice(["circular", "circular", "linear"]),
            features={"amp": number % 2} if number % 3 else None,
            lab=lab_name(number),
            group=chance.choice([None, "a", "b"]),
        )
        for number in range(LABS)
    ]


def vectors_of(count: int, seed: int) -> Vectors:
    return unit_rows(np.random.default_rng(seed).normal(size=(count, WIDTH)))


@pytest.fixture(scope="module")
def scorer(workshop: Any) -> LabScorer:
    """Two segments; of the second a lab is removed, one has a new name, and one that of another;
    every third lab is pooled."""
    plasmids, middle = collection(), LABS // 2
    pooled = [lab_name(number) for number in range(0, LABS, 3)]
    first = workshop.segment(plasmids[:middle], vectors=vectors_of(middle, 1), pooled=pooled)
    second = workshop.segment(
        plasmids[middle:],
        vectors=vectors_of(LABS - middle, 2),
        pooled=pooled,
        removed=[lab_name(LABS - 1)],
        renamed={lab_name(LABS - 2): "another", lab_name(LABS - 4): lab_name(1)},
    )
    names = {POOLED, "another", *(lab_name(n) for n in range(LABS - 4) if n % 3)}
    return LabScorer(RANKER, (first, second), tuple(sorted(names)))


def queries() -> list[Plasmid]:
    stored, chance = collection(), random.Random(9)
    return [
        Plasmid("known", stored[0].sequence[-100:] + "".join(chance.choices("ACGT", k=40))),
        Plasmid("featured", stored[5].sequence, features={"amp": 1}),
        Plasmid("stranger", "".join(chance.choices("ACGT", k=70)), topology="linear"),
    ]


def entropy(shares: Column) -> float:
    return float(-np.sum(shares * np.log(shares)))


def columns_of(scorer: LabScorer, query: int) -> dict[str, Any]:
    cosines = np.random.default_rng(query).uniform(-0.3, 0.6, len(scorer.class_names))
    return scorer.columns(queries()[query], vectors_of(3, 7)[query], cosines)


@pytest.mark.parametrize("query", [0, 1, 2])
def test_shares_of_all_labs_are_those_of_weighing_each(scorer: LabScorer, query: int) -> None:
    columns = columns_of(scorer, query)
    assert (len(columns["sum"]) - np.count_nonzero(columns["sum"])) > FEW
    exact, near = (scorer.ranker.logits(columns, exact=True), scorer.ranker.logits(columns))
    assert not np.array_equal(exact, near)
    codes = np.arange(len(exact))
    for sharpness in (0.7, 1.0):
        shares, near_shares = (
            np.exp(LOG_RANGE * class_scores(sharpness * logits, codes, classes=len(codes)))
            for logits in (exact, near)
        )
        assert np.abs(near_shares - shares).max() < 0.002
        assert abs((near_shares - shares)[columns["sum"] > 0].sum()) < 0.005
        assert entropy(near_shares) == pytest.approx(entropy(shares), abs=0.01)
    order = np.argsort(-exact, kind="stable")[:20]
    assert np.argsort(-near, kind="stable")[:20].tolist() == order.tolist()


def test_company_changes_no_bit(scorer: LabScorer) -> None:
    vectors, plasmids = vectors_of(3, 7), queries()
    cosines = np.random.default_rng(1).uniform(-0.3, 0.6, (3, len(scorer.class_names)))
    left_out = [NO_ROWS, np.array([2, 900]), NO_ROWS]
    together = scorer.columns_of(plasmids, vectors, cosines, left_out)
    for row, columns in enumerate(together):
        alone = scorer.columns(plasmids[row], vectors[row], cosines[row], left_out[row])
        assert alone.keys() == columns.keys()
        for name, column in columns.items():
            assert np.array_equal(alone[name], column), name
        logits, again = scorer.ranker.logits(columns), scorer.ranker.logits(alone)
        assert np.array_equal(logits, again)


@pytest.mark.parametrize("left_out", [[], [3, 901, 902]])
def test_shapes_are_those_of_plain_sums(scorer: LabScorer, left_out: list[int]) -> None:
    rows = np.array(left_out, dtype=np.int64)
    for number, query in enumerate(queries()):
        similar = scorer.similarities.of_queries([query], vectors_of(3, 7)[[number]], [rows])
        [shapes] = [similarities.shapes for similarities in similar]
        expected = ShapeOdds(scorer.catalogue, scorer.segments).columns(query, left_out=rows)
        for name, column in shapes.odds(shapes.total()).items():
            # Compositions have 12 binary digits: far ones, which hardly count, are told less well.
            wide = 0.05 if name == "composition" else 1e-4
            assert column == pytest.approx(expected[name], abs=wide), name
            assert np.abs(column - expected[name]).mean() < 1e-4, name
