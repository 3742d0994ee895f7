"""Scores of labs and classes: logits in; logarithms of shares, from -1 to 0, out."""

from __future__ import annotations

import numpy as np

from vecattr.vectors import Codes, Column, Scores

#: The range of log-probabilities that scores tell apart; all lower ones count as the lowest.
LOG_RANGE = 20.0


def class_scores(logits: Column, class_of_lab: Codes, *, classes: int) -> Column:
    """Scores of classes (c,) from -1 to 0, from logits of their labs (l,), -inf where a lab is
    ruled out: the logarithm of the softmax in units of LOG_RANGE, the softmax summed over the labs
    of a class since the class is right when any of them is."""
    shares = np.bincount(class_of_lab, softmax(logits), minlength=classes)
    return log_scores(shares.astype(np.float64))


def softmax(logits: Column) -> Column:
    """Shares (l,) that sum to 1, or zeros where all logits (l,) are -inf."""
    best = logits.max(initial=-np.inf)
    if best == -np.inf:
        return np.zeros(len(logits))
    weights: Column = np.exp(logits - best)
    weights /= weights.sum()
    return weights


def log_total(logits: Column) -> float:
    """The logarithm of the sum of the weights of logits (l,) in a softmax; -inf where all logits
    are."""
    best = float(logits.max(initial=-np.inf))
    if best == -np.inf:
        return best
    return best + float(np.log(np.exp(logits - best).sum()))


def softmax_scores(logits: Column) -> Column:
    """The `log_scores` of the softmax of logits (l,)."""
    total = log_total(logits)
    if total == -np.inf:
        return np.full(len(logits), -1.0)
    scores: Column = logits - total
    scores /= LOG_RANGE
    return np.maximum(scores, -1.0, out=scores)


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
