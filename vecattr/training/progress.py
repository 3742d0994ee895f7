"""The progress of training: figures of an epoch, and the watcher that is told of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vecattr.metrics.ranking import macro_reciprocal_rank, mean_ranks, top_share
from vecattr.training.settings import BestBy
from vecattr.vectors import Codes

_AT_ONCE = 1024  # plasmids that are ranked in float64


@dataclass(frozen=True)
class Validation:
    """Shares in [0, 1] of the validation plasmids; NaN without any.

    `macro_mrr` is the mean over labs of the mean reciprocal rank of a lab's plasmids. The pool of
    rare labs is one lab among the others there, so naming nothing but the pool, or any order of
    labs that does not depend on the plasmid, gains nothing: with plasmids of all n labs it has
    (1 + 1/2 + ... + 1/n) / n.
    """

    top1: float = math.nan
    top10: float = math.nan
    macro_mrr: float = math.nan

    @classmethod
    def from_cosines(cls, cosines: NDArray[np.floating], targets: Codes) -> Validation:
        """Figures of cosines with all labs, (q, n), and the true labs' columns, (q,).

        Ties count at their mean rank. A plasmid with a cosine that is not a number has an infinite
        rank, so that a network that has diverged is never the best.
        """
        ranks = np.full(len(targets), np.inf)
        finite_rows = np.flatnonzero(np.isfinite(cosines).all(axis=1))
        for start in range(0, len(finite_rows), _AT_ONCE):
            rows = finite_rows[start : start + _AT_ONCE]
            ranks[rows] = mean_ranks(cosines[rows], targets[rows])
        return cls(
            top1=top_share(ranks, k=1),
            top10=top_share(ranks, k=10),
            macro_mrr=macro_reciprocal_rank(ranks, targets),
        )


@dataclass(frozen=True)
class Epoch:
    """One line of history.csv; shares lie in [0, 1], NaN without validation rows."""

    epoch: int
    steps: int
    loss: float
    validation_top1: float
    validation_top10: float
    validation_macro_mrr: float
    learning_rate: float
    plasmids_per_second: float
    seconds: float

    def merit(self, best_by: BestBy) -> float:
        """What makes an epoch better than another, bigger is better."""
        return self.validation_top1 if best_by == "top1" else self.validation_macro_mrr


class Watcher(Protocol):
    """Is told how training goes."""

    def notes(self, text: str) -> None:
        """One line about the run that a person should know."""
        ...

    def starts(self, stage: str, total: int) -> None:
        """A stage begins; `total` units (plasmids read, or optimizer steps) lie ahead."""
        ...

    def advances(self, units: int, **figures: float) -> None:
        """So many units are done; `figures` (loss, plasmids_per_second) are of the last step."""
        ...

    def ends_epoch(self, epoch: Epoch) -> None:
        """An epoch is over; `epoch` has its loss and its validation figures."""
        ...


class SilentWatcher:
    """A watcher that shows nothing."""

    def notes(self, text: str) -> None:
        """Do nothing."""

    def starts(self, stage: str, total: int) -> None:
        """Do nothing."""

    def advances(self, units: int, **figures: float) -> None:
        """Do nothing."""

    def ends_epoch(self, epoch: Epoch) -> None:
        """Do nothing."""
