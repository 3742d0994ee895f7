"""Several plasmids of one unknown lab: the shares that each gives every lab in, joint scores out.

The joint score of a lab grows with the mean logarithm of its shares, so that a lab which many
plasmids name a little comes before one that a single plasmid names for certain. A floor under the
shares keeps one plasmid from ruling a lab out.
"""

from __future__ import annotations

import numpy as np

from vecattr.ranking.evidence_ranker import LOG_RANGE
from vecattr.vectors import Column, Probabilities

#: Added to every share: what one plasmid can hold against a lab is bounded.
FLOOR = 0.001


def joint_scores(shares: Probabilities) -> Column:
    """Scores of n labs from -1 to 0, as those of the evidence ranker (n,), from the shares of m
    plasmids, rows that sum to 1 (m, n)."""
    return log_scores(np.log(shares + FLOOR).mean(axis=0))


def log_scores(logits: Column) -> Column:
    """The logarithms of the softmax of logits, in units of LOG_RANGE, at least -1, (n,)."""
    best = logits.max()
    total = best + np.log(np.exp(logits - best).sum())
    scores: Column = np.maximum((logits - total) / LOG_RANGE, -1.0)
    return scores
