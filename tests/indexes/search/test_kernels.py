"""Claims about kernels: of few queries and of many, of rows in place and of some, they are what
plain arithmetic gives; shapes of another topology or an unknown composition are not similar."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.search.kernels import (
    COMPOSITION_WIDTH,
    JOINS,
    LENGTH_WIDTH,
    SHARPNESSES,
    ComparedQueries,
    StoredRows,
)
from vecattr.indexes.search.rows_by_lab import RowsByLab
from vecattr.plasmid import Plasmid
from vecattr.sequences.composition import composition
from vecattr.vectors import Vectors

#: What votes and similarities may differ by: float32 numbers on a grid.
ROUNDING = 2e-5


def shaped(plasmids: list[Plasmid]) -> list[Plasmid]:
    """Every third one linear, every fifth without a window of known bases."""
    return [
        replace(
            plasmid,
            topology="circular" if number % 3 else "linear",
            sequence=plasmid.sequence if number % 5 else "N" * (300 + number),
        )
        for number, plasmid in enumerate(plasmids)
    ]


def expected(
    query: Plasmid, vector: Vectors, stored: list[Plasmid], vectors: Vectors
) -> list[list[float]]:
    """The kernels of one query with each stored plasmid, in the order of JOINS."""
    of_query = composition(query.sequence, circular=query.is_circular).astype(np.float64)
    rows = []
    for plasmid, row in zip(stored, vectors, strict=True):
        cosine = float(vector.astype(np.float64) @ row)
        distance = math.log(len(plasmid) / len(query)) / LENGTH_WIDTH
        own = composition(plasmid.sequence, circular=plasmid.is_circular).astype(np.float64)
        squared = float(((own - of_query) ** 2).sum())
        same = query.is_circular == plasmid.is_circular
        known = own.any() and of_query.any()
        rows.append(
            [
                cosine,
                *(math.exp(sharpness * (cosine - 1)) for sharpness in SHARPNESSES),
                math.exp(-(distance**2) / 2) if same else 0.0,
                math.exp(-squared / COMPOSITION_WIDTH) if same and known else 0.0,
            ]
        )
    return [list(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("queries", [1, 7, 8, 13])
@pytest.mark.parametrize("left_out", [0, 40])
def test_kernels_are_those_of_plain_arithmetic(workshop: Any, queries: int, left_out: int) -> None:
    stored = shaped(workshop.plasmids(["Ash", "Birch", "Cedar"], each=20))
    asked = shaped(workshop.plasmids(["Ash", "Fir"], each=8, seed=4))[:queries]
    rows = StoredRows.from_segment(workshop.segment(stored))
    codes = np.arange(len(stored)) % 4
    codes[:left_out] = -1
    by_lab = RowsByLab.from_labs(codes)
    vectors = workshop.embedder.embed(asked)
    columns = [np.full((4, queries), -1.0), *(np.zeros((4, queries)) for _ in JOINS[1:])]
    rows.join(ComparedQueries.from_plasmids(asked, vectors), by_lab, columns)
    stored_vectors = workshop.embedder.embed(stored)
    for number, (query, vector) in enumerate(zip(asked, vectors, strict=True)):
        kernels = expected(query, vector, stored, stored_vectors)
        for column, join, kernel in zip(columns, JOINS, kernels, strict=True):
            of_labs = [join.reduce(np.array(kernel)[codes == lab]) for lab in range(4)]
            assert column[:, number] == pytest.approx(of_labs, abs=ROUNDING * len(stored) / 4)


def test_the_same_bits_alone_and_in_a_batch(workshop: Any) -> None:
    stored = shaped(workshop.plasmids(["Ash", "Birch", "Cedar"], each=30))
    asked = shaped(workshop.plasmids(["Ash", "Fir"], each=20, seed=4))
    rows = StoredRows.from_segment(workshop.segment(stored))
    by_lab = RowsByLab.from_labs(np.arange(len(stored)) % 7)
    together = ComparedQueries.from_plasmids(asked, workshop.embedder.embed(asked))

    def joined(queries: ComparedQueries) -> list[Any]:
        columns = [np.full((7, len(queries)), -1.0)]
        columns += [np.zeros((7, len(queries))) for _ in JOINS[1:]]
        rows.join(queries, by_lab, columns)
        return columns

    for query in range(len(asked)):
        for column, alone in zip(joined(together), joined(together.only(query)), strict=True):
            assert np.array_equal(column[:, [query]], alone)


@pytest.mark.parametrize("count", [3, 9_000])
def test_shapes_of_a_large_lab_are_summed_exactly(workshop: Any, count: int) -> None:
    [plasmid] = workshop.plasmids(["Ash"], each=1)
    queries = ComparedQueries.from_plasmids([plasmid] * 9, workshop.embedder.embed([plasmid] * 9))
    live = workshop.segment([plasmid])
    one = StoredRows.from_segment(live)
    chance = np.random.default_rng(0)
    distances = chance.uniform(0, 4.2, count) * (np.arange(count) % 2)  # many are like the query
    rows = replace(
        one,
        vectors=np.repeat(one.vectors, count, axis=0),
        lengths=one.lengths + distances.astype(np.float32),
        compositions=np.repeat(one.compositions, count, axis=0),
        are_linear=np.repeat(one.are_linear, count),
    )
    found = []
    for order in (np.arange(count), chance.permutation(count)):
        columns = [np.zeros((1, 9)) for _ in JOINS]
        by_lab = RowsByLab(order, np.zeros(1, dtype=np.int64), np.array([0, count]))
        rows.join(queries, by_lab, columns)
        rows.join(queries.only(3), by_lab, [column[:, 3:4] for column in columns])
        found.append(columns[3])
    assert np.array_equal(*found)
