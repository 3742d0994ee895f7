"""Scores of labs in; the rank of the true lab and the best named score out.

A lab that a peer never hits has the score minus infinity. Such a lab is not ranked: when it is
the true one, its rank is infinity, so that no k reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.open_set import named_columns
from vecattr.metrics.ranking import class_of, mean_ranks

Scores = NDArray[np.float64]

NEVER_HIT = -np.inf


@dataclass(frozen=True)
class Answer:
    """Of one query: the true class, its rank (infinity: never hit) and the best score of
    a named lab (minus infinity: none was hit)."""

    id: str
    truth: str
    rank: float
    best: float


def best_by_class(scores: Scores, codes: NDArray[np.int64], *, classes: int) -> Scores:
    """The best score of any of a class's hits; scores (m,) and their classes (m,) -> (classes,)."""
    best = np.full(classes, NEVER_HIT)
    np.maximum.at(best, codes, scores)
    return best


def rank_of(scores: Scores, truth: int | None) -> float:
    """Rank of column `truth` among the labs that were hit, ties at their mean; (n,) -> number."""
    if truth is None or scores[truth] == NEVER_HIT:
        return float("inf")
    hits = np.flatnonzero(scores > NEVER_HIT)
    column = np.searchsorted(hits, truth)
    return float(mean_ranks(scores[None, hits], np.array([column]))[0])


def answers_of(
    scores: Scores, names: Sequence[str], *, ids: Sequence[str], labels: Sequence[str]
) -> list[Answer]:
    """Answers of q queries from scores (q, n) of the classes `names`; `labels` are true classes."""
    column = {name: position for position, name in enumerate(names)}
    named = named_columns(names)
    answers = []
    for query_scores, query_id, label in zip(scores, ids, labels, strict=True):
        truth = class_of(label, frozenset(column))
        best = float(query_scores[named].max(initial=NEVER_HIT))
        answers.append(Answer(query_id, truth, rank_of(query_scores, column.get(truth)), best))
    return answers
