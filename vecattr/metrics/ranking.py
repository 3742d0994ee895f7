"""Accuracy of rankings: scores and true labels in, ranks and figures out (numpy only)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.plasmid import POOLED
from vecattr.vectors import Codes, Ranks

#: Scores closer than this are tied: the rounding error of a float64 sum of products.
TIE_WIDTH = 1e-9

#: Bins of the number of stored plasmids of the true lab: smallest and largest number of each.
SIZE_BINS = {
    "1-4": (1, 4),
    "5-9": (5, 9),
    "10-19": (10, 19),
    "20-49": (20, 49),
    "50+": (50, math.inf),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares in [0, 1] over `n` queries; `outside` of them have a lab that the index lacks.

    `x95` and `x99` are the smallest k whose top-k share is at least 0.95 and 0.99 (None: never).
    """

    n: int
    labs: int
    outside: int
    top1: float
    top5: float
    top10: float
    top50: float
    mrr: float
    macro_recall: float
    x95: int | None
    x99: int | None

    def as_dict(self) -> dict[str, float | int | None]:
        """The figures by name, in the order of their declaration."""
        return asdict(self)


def class_of(truth: str, names: Sequence[str] | frozenset[str]) -> str:
    """The class that is right for a true lab: its own, else the pool if there is one, else none
    (the lab's name, which is then no class)."""
    return POOLED if truth not in names and POOLED in names else truth


def mean_ranks(scores: NDArray[np.floating], columns: Codes) -> Ranks:
    """Rank of `scores[i, columns[i]]` in row i, best 1, ties at their mean rank; (q, n) -> (q,).

    >>> mean_ranks(np.array([[0.9, 0.5, 0.5, 0.1]]), np.array([1]))
    array([2.5])
    """
    assert np.isfinite(scores).all(), "scores must be finite"
    wide = np.asarray(scores, dtype=np.float64)
    truth = wide[np.arange(len(wide)), columns][:, None]  # (q, 1)
    above = (wide > truth + TIE_WIDTH).sum(axis=1)  # (q,)
    tied = (np.abs(wide - truth) <= TIE_WIDTH).sum(axis=1)  # (q,), itself among them
    return np.asarray(above + (tied + 1) / 2, dtype=np.float64)


def lab_ranks(scores: NDArray[np.floating], names: Sequence[str], truths: Sequence[str]) -> Ranks:
    """Rank of each query's true lab; `scores` is (q, n), `names` the n labs of its columns.

    A lab outside the index counts as the pooled class if the index has one; otherwise its rank is
    infinity, which no k reaches, however few labs there are.
    """
    column_of = {name: column for column, name in enumerate(names)}
    ranks = np.full(len(truths), np.inf)
    labels = [class_of(truth, frozenset(column_of)) for truth in truths]
    ranked = np.array([row for row, label in enumerate(labels) if label in column_of], np.int64)
    if len(ranked):
        columns = np.array([column_of[labels[row]] for row in ranked], dtype=np.int64)
        ranks[ranked] = mean_ranks(np.asarray(scores)[ranked], columns)
    return ranks


def top_share(ranks: Ranks, *, k: int) -> float:
    """The share of queries whose true lab is among the first k."""
    return float(np.mean(ranks <= k))


def reciprocal_rank(ranks: Ranks) -> float:
    """Mean of 1 / rank; a rank of infinity adds nothing."""
    return float(np.mean(1 / ranks))


def macro_recall(ranks: Ranks, labels: Sequence[str]) -> float:
    """Mean over true labels of the share of their queries ranked first."""
    _, codes = np.unique(np.asarray(labels), return_inverse=True)  # (q,)
    hits = np.bincount(codes, weights=ranks <= 1)  # (labels,)
    return float(np.mean(hits / np.bincount(codes)))


def macro_reciprocal_rank(ranks: Ranks, labels: Sequence[str] | Codes) -> float:
    """Mean over true labels of the mean of 1 / rank of their queries."""
    _, codes = np.unique(np.asarray(labels), return_inverse=True)  # (q,)
    return float(np.mean(np.bincount(codes, weights=1 / ranks) / np.bincount(codes)))


def smallest_k(ranks: Ranks, *, share: float) -> int | None:
    """The smallest k whose top-k share reaches `share`; None when no k does.

    >>> smallest_k(np.array([1.0, 1.0, 3.0, np.inf]), share=0.75)
    3
    """
    needed = max(1, math.ceil(share * len(ranks) - 1e-9))  # 0.95 * n is not exact in floats
    rank = float(np.sort(ranks)[needed - 1])
    return math.ceil(rank) if math.isfinite(rank) else None


def ranking_figures(ranks: Ranks, truths: Sequence[str], names: Sequence[str]) -> Figures:
    """All figures for the ranks of `lab_ranks`; at least one query."""
    assert len(ranks) == len(truths) > 0, "one rank a query, at least one query"
    known = frozenset(names)
    return Figures(
        n=len(ranks),
        labs=len(names),
        outside=sum(truth not in known for truth in truths),
        top1=top_share(ranks, k=1),
        top5=top_share(ranks, k=5),
        top10=top_share(ranks, k=10),
        top50=top_share(ranks, k=50),
        mrr=reciprocal_rank(ranks),
        macro_recall=macro_recall(ranks, [class_of(truth, known) for truth in truths]),
        x95=smallest_k(ranks, share=0.95),
        x99=smallest_k(ranks, share=0.99),
    )


def shares_by_size(
    ranks: Ranks, sizes: Sequence[int | None]
) -> dict[str, dict[str, float | int | None]]:
    """`n`, `top1` and `top10` for each bin of the number of stored plasmids of the true lab; a
    query of size None (its lab has no class of its own) is in no bin.

    >>> shares_by_size(np.array([1.0, 7.0, 1.0]), [3, 4, None])["1-4"]
    {'n': 2, 'top1': 0.5, 'top10': 1.0}
    """
    stored = np.array([0 if size is None else size for size in sizes])  # (q,)
    shares: dict[str, dict[str, float | int | None]] = {}
    for name, (low, high) in SIZE_BINS.items():
        bin_ranks = ranks[(stored >= low) & (stored <= high)]
        top1, top10 = (top_share(bin_ranks, k=k) if len(bin_ranks) else None for k in (1, 10))
        shares[name] = {"n": len(bin_ranks), "top1": top1, "top10": top10}
    return shares
