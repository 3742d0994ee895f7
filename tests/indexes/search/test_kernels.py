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
)
from vecattr.indexes.search.stored_rows import ComparedLabs
from vecattr.plasmid import Plasmid
from vecattr.sequences.composition import composition
from vecattr.vectors import Vectors

#: What cosines, votes and similarities may differ by: numbers of 12 binary digits are compared.
ROUNDING = 2e-3


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


def compared(segments: list[Any], labs: Any, *, lab_count: int) -> ComparedLabs:
    """The rows of segments, of which each has a lab."""
    sizes = [segment.stored.rows for segment in segments]
    starts = np.cumsum([0, *sizes])[:-1].tolist()
    return ComparedLabs(segments, np.asarray(labs), starts, lab_count=lab_count)


def asked_of(workshop: Any, stored: ComparedLabs, plasmids: list[Plasmid]) -> ComparedQueries:
    """Queries with their vectors."""
    vectors = stored.coordinates(workshop.embedder.embed(plasmids))
    return ComparedQueries.from_plasmids(plasmids, vectors)


@pytest.mark.parametrize("queries", [1, 7, 8, 13])
@pytest.mark.parametrize("not_counted", [0, 40])
def test_kernels_are_those_of_plain_arithmetic(
    workshop: Any, queries: int, not_counted: int
) -> None:
    stored = shaped(workshop.plasmids(["Ash", "Birch", "Cedar"], each=20))
    asked = shaped(workshop.plasmids(["Ash", "Fir"], each=8, seed=4))[:queries]
    codes = np.arange(len(stored)) % 4
    codes[:not_counted] = -1
    rows = compared([workshop.segment(stored)], codes, lab_count=5)
    found = rows.joined(asked_of(workshop, rows, asked))
    vectors, stored_vectors = workshop.embedder.embed(asked), workshop.embedder.embed(stored)
    for number, (query, vector) in enumerate(zip(asked, vectors, strict=True)):
        kernels = expected(query, vector, stored, stored_vectors)
        for column, join, kernel in zip(found, JOINS, kernels, strict=True):
            of_labs = [join.reduce(np.array(kernel)[codes == lab]) for lab in range(4)]
            nothing = -1 if join is np.maximum else 0
            assert column[number] == pytest.approx([*of_labs, nothing], abs=ROUNDING)


def test_the_same_bits_alone_and_in_a_batch_and_however_rows_are_divided(workshop: Any) -> None:
    stored = shaped(workshop.plasmids(["Ash", "Birch", "Cedar"], each=30))
    asked = shaped(workshop.plasmids(["Ash", "Fir"], each=20, seed=4))
    labs = np.arange(len(stored)) % 7
    whole = compared([workshop.segment(stored)], labs, lab_count=7)
    parts = [workshop.segment(stored[:50]), workshop.segment(stored[50:])]
    divided = compared(parts, labs, lab_count=7)
    together = asked_of(workshop, whole, asked)
    for column, others in zip(whole.joined(together), divided.joined(together), strict=True):
        assert np.array_equal(column, others)
    left_out = np.array([3, 10, 60])
    for query in range(len(asked)):
        alone = together.only(query)
        for column, of_one, of_parts in zip(
            whole.joined(together), whole.joined(alone), divided.joined(alone), strict=True
        ):
            assert np.array_equal(column[[query]], of_one)
            assert np.array_equal(of_one, of_parts)
        kept = labs.copy()
        kept[left_out] = -1
        without = compared([workshop.segment(stored)], kept, lab_count=7).joined(alone)
        again = divided.joined_without(alone, np.arange(7), left_out)
        assert all(map(np.array_equal, (column[0] for column in without), again))


@pytest.mark.parametrize("count", [3, 1500])
def test_a_large_lab_is_summed_exactly(workshop: Any, count: int) -> None:
    plasmids = shaped(workshop.plasmids(["Ash", "Birch"], each=8))
    stored = [replace(plasmids[number % len(plasmids)], id=f"{number}") for number in range(count)]
    shuffled = np.random.default_rng(0).permutation(count)
    found = []
    for rows in (stored, [stored[row] for row in shuffled]):
        one = compared([workshop.segment(rows)], np.zeros(count, dtype=np.int64), lab_count=1)
        many = asked_of(workshop, one, plasmids[:9])
        found += [
            one.joined(many),
            [
                np.concatenate(parts)
                for parts in zip(*(one.joined(many.only(query)) for query in range(9)), strict=True)
            ],
        ]
    for others in found[1:]:
        assert all(map(np.array_equal, found[0], others))


@pytest.mark.parametrize("queries", [3, 9])
def test_labs_without_any_row_are_far_from_all_queries(workshop: Any, queries: int) -> None:
    plasmids = workshop.plasmids(["Ash", "Birch"], each=5)
    none = compared([workshop.segment(plasmids)], np.full(10, -1), lab_count=2)
    joined = none.joined(asked_of(workshop, none, plasmids[:queries]))
    assert [column.tolist() for column in joined] == [
        [[-1.0 if join is np.maximum else 0.0] * 2] * queries for join in JOINS
    ]
