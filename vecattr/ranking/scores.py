"""Scores of labs and classes: logits in; logarithms of shares, from -1 to 0, out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vecattr.vectors import Codes, Column, Scores

#: The range of log-probabilities that scores tell apart; all lower ones count as the lowest.
LOG_RANGE = 20.0


@dataclass(frozen=True)
class Softmax:
    """The softmax of the `logits` of l labs, minus infinity of one that is ruled out (l,): their
    `shares` (l,), which sum to 1 or are zeros where all are ruled out; and the logarithm of the sum
    of exp(logits), minus infinity there."""

    logits: Column
    shares: Column
    log_total: float

    @classmethod
    def from_logits(cls, logits: Column) -> Softmax:
        """Of labs (l,)."""
        best = float(logits.max(initial=-np.inf))
        if best == -np.inf:
            return cls(logits, np.zeros(len(logits)), best)
        shares: Column = logits - best
        np.exp(shares, out=shares)
        total = shares.sum()
        shares /= total
        return cls(logits, shares, best + float(np.log(total)))

    def logarithms(self) -> Column:
        """Of the shares (l,), minus infinity of 0."""
        if self.log_total == -np.inf:
            return np.full(len(self.logits), -np.inf)
        return self.logits - self.log_total

    def scores(self) -> Column:
        """Of labs (l,) as `log_scores` of their shares."""
        scores = self.logarithms()
        scores /= LOG_RANGE
        return np.maximum(scores, -1.0, out=scores)


def class_scores(logits: Column, class_of_lab: Codes, *, classes: int) -> Column:
    """Scores of classes (c,) from -1 to 0, from logits of their labs (l,), -inf where a lab is
    ruled out: the logarithm of the softmax in units of LOG_RANGE, the softmax summed over the labs
    of a class since the class is right when any of them is."""
    shares = np.bincount(class_of_lab, Softmax.from_logits(logits).shares, minlength=classes)
    return log_scores(shares.astype(np.float64))


def pooled_scores(lab_scores: Scores, class_of_lab: Codes, *, classes: int) -> Scores:
    """Scores of classes (q, c) from scores of labs as classes of their own (q, l)."""
    shares = np.where(lab_scores > -1, np.exp(LOG_RANGE * lab_scores), 0.0)
    pooled = np.zeros((len(shares), classes))
    np.add.at(pooled.T, class_of_lab, shares.T)
    return log_scores(pooled)


def renormalised_scores(scores: Scores) -> Scores:
    """Scores of `class_scores` (q, c), some of them set to -1 since: the others raised until they
    are those of a softmax again."""
    shares = np.where(scores > -1, np.exp(LOG_RANGE * scores), 0.0)
    return log_scores(shares / np.maximum(shares.sum(axis=1, keepdims=True), np.exp(-LOG_RANGE)))


def log_scores(shares: Scores) -> Scores:
    """Logarithms of shares, in units of LOG_RANGE, at least -1."""
    scores: Scores = np.log(np.maximum(shares, np.exp(-LOG_RANGE))) / LOG_RANGE
    return scores
