"""Rank fusion: scores of labs by several indexes in, one fused score for each lab out.

Copeland's method, reciprocal-rank fusion and the mean logarithm of shares, numpy only. Scores of
different models are not comparable; their orders are, and so are the shares that a softmax makes of
them. An index (a voter) scores a lab that it does not know NaN, and casts no vote about this lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.ranking.scores import renormalised_scores
from vecattr.vectors import Scores

Fusion = Literal["copeland", "rrf", "shares"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)

#: The constant of reciprocal-rank fusion (Cormack, Clarke & Buettcher 2009).
RRF_CONSTANT = 60

#: The mean reciprocal rank (at most 1) breaks ties of points, which are half a point apart.
TIE_BREAK = 0.25

#: Labs whose pairs are counted at once, so that memory is not quadratic in the labs.
_LABS_AT_ONCE = 256


def aligned_scores(
    scores: NDArray[np.floating], names: Sequence[str], union: Sequence[str]
) -> Scores:
    """One voter's scores in the order of `union`, NaN where it has none; (q, n) -> (q, u)."""
    columns = {name: column for column, name in enumerate(union)}
    aligned = np.full((len(scores), len(union)), np.nan)
    aligned[:, [columns[name] for name in names]] = scores
    return aligned


def row_ranks(scores: Scores) -> Scores:
    """Ranks within each row, best 1, ties at their mean rank, NaN where the score is; (q, n).

    >>> row_ranks(np.array([[0.9, 0.5, np.nan, 0.5]]))
    array([[1. , 2.5, nan, 2.5]])
    """
    ranks = np.full(scores.shape, np.nan)
    for query_ranks, query_scores in zip(ranks, scores, strict=True):
        known = ~np.isnan(query_scores)
        _, ties, sizes = np.unique(-query_scores[known], return_inverse=True, return_counts=True)
        query_ranks[known] = (np.cumsum(sizes) - (sizes - 1) / 2)[ties]
    return ranks


def copeland_points(scores: NDArray[np.floating]) -> Scores:
    """Pairs won plus half of the pairs tied, for each lab; (v, q, n) -> (q, n).

    The lab that more voters prefer wins a pair; the pair is tied when equally many prefer each,
    which includes none because no voter knows both (Copeland 1951).
    """
    return _points(_voter_ranks(scores))


def _voter_ranks(scores: NDArray[np.floating]) -> Scores:
    return np.stack([row_ranks(np.asarray(voter, dtype=np.float64)) for voter in scores])


def _points(ranks: Scores) -> Scores:
    narrow = ranks.astype(np.float32)  # (v, q, n); halves are exact in float32
    return np.stack([_query_points(narrow[:, query]) for query in range(narrow.shape[1])])


def _query_points(ranks: NDArray[np.float32]) -> Scores:
    """Points of one query's labs, (v, n) -> (n,); a comparison with NaN is False, so no vote."""
    voters, labs = ranks.shape
    points = np.zeros(labs)
    for start in range(0, labs, _LABS_AT_ONCE):
        block = ranks[:, start : start + _LABS_AT_ONCE, None]  # (v, b, 1)
        balance = np.zeros((block.shape[1], labs), dtype=np.int8 if voters < 128 else np.int32)
        for block_ranks, all_ranks in zip(block, ranks, strict=True):
            balance += (block_ranks < all_ranks).view(np.int8)  # (b, n), votes for less against
            balance -= (block_ranks > all_ranks).view(np.int8)
        won_less_lost = np.sign(balance).sum(axis=1, dtype=np.int64)  # pairs, (b, n) -> (b,)
        points[start : start + _LABS_AT_ONCE] = (labs - 1 + won_less_lost) / 2
    return points


def _mean_reciprocal(ranks: Scores, *, constant: float = 0) -> Scores:
    """Mean of 1 / (constant + rank) over the voters that know the lab; (v, q, n) -> (q, n).

    The terms are added by size, so that the order of the voters changes no bit of it.
    """
    terms = np.sort(1 / (constant + ranks), axis=0)  # (v, q, n), NaN last
    voters = (~np.isnan(terms)).sum(axis=0)  # (q, n)
    assert (voters > 0).all(), "every lab is known to a voter"
    mean: Scores = np.nansum(terms, axis=0) / voters
    return mean


def check_weights(weights: Sequence[float], *, fusion: Fusion, voters: int) -> None:
    """UsageError for weights of a fusion that takes none, for another number of them than there
    are voters, and for one that is not above 0. None at all: all voters count alike."""
    if not weights:
        return
    if fusion != "shares":
        raise UsageError(f"{fusion} takes no weights", hint="give --fusion shares with --weights")
    if len(weights) != voters:
        raise UsageError(
            f"the weights are {len(weights)}, the indexes {voters}", hint="give one for each index"
        )
    if not all(0 < weight < np.inf for weight in weights):
        raise UsageError(f"weights must be above 0: {', '.join(f'{one:g}' for one in weights)}")


def _mean_log_shares(scores: NDArray[np.floating], weights: Sequence[float]) -> Scores:
    """The weighted mean over the voters that know the lab; (v, q, n) -> (q, n)."""
    logs = np.stack([renormalised_scores(voter) for voter in scores])
    counting = ~np.isnan(scores) * np.reshape(weights or np.ones(len(scores)), (-1, 1, 1))
    terms = np.sort(counting * logs, axis=0)  # added by size: the order of the voters is no matter
    mean: Scores = terms.sum(axis=0) / np.sort(counting, axis=0).sum(axis=0)
    return mean


def fused_scores(
    scores: NDArray[np.floating], *, fusion: Fusion, weights: Sequence[float] = ()
) -> Scores:
    """One score a lab, bigger is better; (v, q, n) -> (q, n). `weights` as in `check_weights`.

    `copeland`: the points, and a quarter of the mean reciprocal rank, which orders only labs of
    equal points. `rrf`: the mean of 1 / (60 + rank) over the voters that know the lab, which is
    the published sum divided by the number of voters when all of them know all labs. `shares`: the
    weighted mean of the logarithms of shares, from -1 to 0, over the voters that know the lab (a
    logarithmic opinion pool, Genest & Zidek 1986).
    """
    if fusion == "shares":
        return _mean_log_shares(scores, weights)
    ranks = _voter_ranks(scores)
    if fusion == "rrf":
        return _mean_reciprocal(ranks, constant=RRF_CONSTANT)
    fused: Scores = _points(ranks) + TIE_BREAK * _mean_reciprocal(ranks)
    return fused


def rank_matched(scores: NDArray[np.float64], cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosines of each row, sorted, handed out in the order of its scores (ties by column), so
    that the best score has the best cosine; (q, n), (q, n) -> (q, n)."""
    order = np.argsort(-scores, axis=1, kind="stable")
    matched = np.empty_like(cosines)
    np.put_along_axis(matched, order, -np.sort(-cosines, axis=1), axis=1)
    return matched


def fuse(
    ballots: NDArray[np.float64], *, fusion: Fusion, weights: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The fused scores of labs, and what probabilities are fitted to, in the same order; ballots
    (v, q, n) -> (q, n), (q, n). Ranks do not say how far apart labs are, so the mean scores do;
    mean logarithms of shares say so themselves."""
    scores = fused_scores(ballots, fusion=fusion, weights=weights)
    if fusion == "shares":
        return scores, scores
    return scores, rank_matched(scores, np.nanmean(ballots, axis=0))
