"""FAISS search against a plain loop: the same rows, the same cosines, ties by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vecattr.errors import InputError, MismatchError
from vecattr.indexes.search.vector_search import VectorSearch, build_faiss_index
from vecattr.vectors import Vectors, unit_rows


def plain_ranking(
    vectors: Vectors, names: list[str], query: NDArray[np.float64], alive: NDArray[np.bool_]
) -> list[tuple[float, str]]:
    """The oracle: one row at a time, in Python."""
    ranking = []
    for row in np.flatnonzero(alive):
        vector = vectors[row].astype(np.float64)
        cosine = float(vector @ query / np.sqrt((vector @ vector) * (query @ query)))
        ranking.append((-cosine, names[row]))
    return sorted(ranking)


@st.composite
def searches(draw: st.DrawFn) -> tuple[Vectors, list[str], Vectors, NDArray[np.bool_], int]:
    """Rows from a small pool of directions, so that many tie exactly; some rows removed."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, directions = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    pool = unit_rows(chance.normal(size=(directions, 8)))
    vectors = pool[chance.integers(directions, size=rows)]
    names = [f"n{number:03}" for number in chance.permutation(rows)]
    alive = chance.random(rows) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    queries = unit_rows(chance.normal(size=(draw(st.sampled_from([1, 3, 20])), 8)))
    return vectors, names, queries, alive, draw(st.integers(1, 40))


@settings(deadline=None)
@given(searches())
def test_the_ranking_is_that_of_a_plain_loop(
    case: tuple[Vectors, list[str], Vectors, NDArray[np.bool_], int],
) -> None:
    vectors, names, queries, alive, k = case
    search = VectorSearch.from_vectors(vectors, names=names, alive=alive)
    for query, (rows, cosines) in zip(queries, search.search(queries, k=k), strict=True):
        expected = plain_ranking(vectors, names, query.astype(np.float64), alive)[:k]
        np.testing.assert_allclose(cosines, [-score for score, _ in expected], atol=1e-12)
        # Equal vectors tie exactly; the oracle's own rounding may order them by its last digit.
        rounded = [(round(score, 12), name) for score, name in expected]
        if len({score for score, _ in rounded}) == len(rounded):
            assert [names[row] for row in rows] == [name for _, name in expected]


@settings(deadline=None)
@given(searches())
def test_ties_are_in_name_order_and_complete(
    case: tuple[Vectors, list[str], Vectors, NDArray[np.bool_], int],
) -> None:
    vectors, names, queries, alive, k = case
    search = VectorSearch.from_vectors(vectors, names=names, alive=alive)
    for (rows, cosines), (every, scores) in zip(
        search.search(queries, k=k), search.search(queries, k=len(names)), strict=True
    ):
        order = [(-score, names[row]) for row, score in zip(every, scores, strict=True)]
        assert order == sorted(order)
        assert rows.tolist() == every[:k].tolist()
        assert cosines.tolist() == scores[:k].tolist()


@settings(deadline=None)
@given(searches(), st.integers(0, 60))
def test_rows_that_are_near_enough_are_found_whatever_is_left_out(
    case: tuple[Vectors, list[str], Vectors, NDArray[np.bool_], int], rank: int
) -> None:
    vectors, names, queries, alive, k = case
    search = VectorSearch.from_vectors(vectors, names=names, alive=alive)
    every = search.search(queries, k=len(names))
    least = np.array([(*cosines, -np.inf)[min(rank, len(cosines))] for _, cosines in every])
    found = search.search(queries, k=k, least=least)
    for (rows, cosines), (all_rows, scores), bound in zip(found, every, least, strict=True):
        count = min(k, int(np.count_nonzero(scores >= bound)))
        assert rows[:count].tolist() == all_rows[:count].tolist()
        assert cosines[:count].tolist() == scores[:count].tolist()


@settings(deadline=None)
@given(searches())
def test_an_answer_does_not_depend_on_the_other_queries(
    case: tuple[Vectors, list[str], Vectors, NDArray[np.bool_], int],
) -> None:
    vectors, names, queries, alive, k = case
    search = VectorSearch.from_vectors(vectors, names=names, alive=alive)
    together = search.search(queries, k=k)
    for query, (rows, cosines) in zip(queries, together, strict=True):
        [(lone_rows, scores)] = search.search(query[None, :], k=k)
        assert lone_rows.tolist() == rows.tolist()
        assert scores.tolist() == cosines.tolist()


def test_more_than_there_are_gives_fewer_not_fillers() -> None:
    vectors = unit_rows(np.random.default_rng(1).normal(size=(3, 4)))
    search = VectorSearch.from_vectors(vectors, names=["a", "b", "c"])
    [(rows, _)] = search.search(vectors[:1], k=10)
    assert sorted(rows.tolist()) == [0, 1, 2]


def test_an_empty_index_answers_with_nothing() -> None:
    search = VectorSearch.from_vectors(np.zeros((0, 4), dtype=np.float32), names=[])
    [(rows, cosines)] = search.search(np.ones((1, 4)), k=5)
    assert (len(rows), len(cosines)) == (0, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_query_without_a_direction_is_refused(bad: float) -> None:
    search = VectorSearch.from_vectors(np.eye(4, dtype=np.float32), names=list("abcd"))
    with pytest.raises(InputError, match="query vector 1"):
        search.search(np.array([[1.0] * 4, [bad] * 4]), k=1)


def test_another_width_is_refused_with_both_values() -> None:
    search = VectorSearch.from_vectors(np.eye(4, dtype=np.float32), names=list("abcd"))
    with pytest.raises(MismatchError, match=r"\(1, 5\), expected \(any, 4\)"):
        search.search(np.ones((1, 5)), k=1)


def test_equal_rows_give_equal_bytes() -> None:
    assert build_faiss_index(np.eye(4, dtype=np.float32)) == build_faiss_index(
        np.eye(4, dtype=np.float32)
    )
