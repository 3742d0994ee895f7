"""Several rankings of labs in, one out: Copeland's method and reciprocal-rank fusion (numpy only).

Scores of different models are not comparable, their orders are. A voter's score is NaN for a lab
that it does not know; it casts no vote in the pairs that this lab is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Fusion = Literal["copeland", "rrf"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)

Scores = NDArray[np.float64]

#: The constant of reciprocal-rank fusion (Cormack, Clarke & Buettcher 2009).
RRF_CONSTANT = 60

#: The mean reciprocal rank (at most 1) breaks ties of points, which are half a point apart.
TIE_BREAK = 0.25

#: Labs whose pairs are counted at once, so that memory does not grow with the square of labs.
_BLOCK = 256


def aligned_scores(
    scores: NDArray[np.floating], names: Sequence[str], union: Sequence[str]
) -> Scores:
    """Columns of one voter in the order of `union`, NaN where it has none; (q, n) -> (q, u)."""
    place = {name: column for column, name in enumerate(union)}
    wide = np.full((len(scores), len(union)), np.nan)
    wide[:, [place[name] for name in names]] = scores
    return wide


def row_ranks(scores: Scores) -> Scores:
    """Places within each row, best 1, ties at their mean place, NaN where the score is; (q, n).

    >>> row_ranks(np.array([[0.9, 0.5, np.nan, 0.5]]))
    array([[1. , 2.5, nan, 2.5]])
    """
    ranks = np.full(scores.shape, np.nan)
    for row, mine in zip(ranks, scores, strict=True):
        known = ~np.isnan(mine)
        _, group, sizes = np.unique(-mine[known], return_inverse=True, return_counts=True)
        row[known] = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return ranks


def copeland_points(scores: NDArray[np.floating]) -> Scores:
    """Pairs won plus half of the pairs tied, for each lab; (v, q, n) -> (q, n).

    A pair is won by the lab that more voters prefer; it is tied when as many prefer the other,
    so, too, when no voter knows both (Copeland 1951).
    """
    return _points(_places(scores))


def _places(scores: NDArray[np.floating]) -> Scores:
    return np.stack([row_ranks(np.asarray(voter, dtype=np.float64)) for voter in scores])


def _points(places: Scores) -> Scores:
    narrow = places.astype(np.float32)  # (v, q, n); halves are exact in it
    return np.stack([_points_of_one(narrow[:, query]) for query in range(narrow.shape[1])])


def _points_of_one(ranks: NDArray[np.float32]) -> Scores:
    """Of one query, from places (v, n); a comparison with NaN is False, so it is no vote."""
    voters, labs = ranks.shape
    points = np.zeros(labs)
    for start in range(0, labs, _BLOCK):
        block = ranks[:, start : start + _BLOCK, None]  # (v, b, 1)
        ahead = np.zeros((block.shape[1], labs), dtype=np.int8 if voters < 128 else np.int32)
        for mine, others in zip(block, ranks, strict=True):
            ahead += (mine < others).view(np.int8)  # (b, n)
            ahead -= (mine > others).view(np.int8)
        balance = np.sign(ahead).sum(axis=1, dtype=np.int64)  # pairs won less pairs lost
        points[start : start + _BLOCK] = (labs - 1 + balance) / 2
    return points


def _mean_reciprocal(places: Scores, *, constant: float = 0) -> Scores:
    """Mean of 1 / (constant + place) over the voters that know the lab; (v, q, n) -> (q, n).

    The terms are added by size, so that the order of the voters changes no bit of it.
    """
    terms = np.sort(1 / (constant + places), axis=0)  # (v, q, n), NaN last
    known = (~np.isnan(terms)).sum(axis=0)  # (q, n)
    assert (known > 0).all(), "every lab is known to a voter"
    mean: Scores = np.nansum(terms, axis=0) / known
    return mean


def fused_scores(scores: NDArray[np.floating], *, fusion: Fusion) -> Scores:
    """One score a lab, bigger is better; (v, q, n) -> (q, n).

    `copeland`: the points, and a quarter of the mean reciprocal rank, which orders only labs of
    equal points. `rrf`: the mean over the voters that know the lab of 1 / (60 + place), which is
    the published sum divided by the number of voters wherever all know all labs.
    """
    places = _places(scores)
    if fusion == "rrf":
        return _mean_reciprocal(places, constant=RRF_CONSTANT)
    fused: Scores = _points(places) + TIE_BREAK * _mean_reciprocal(places)
    return fused
