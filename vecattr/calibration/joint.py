"""Several plasmids of one unknown lab: what each says of every lab in, joint scores and facts out.

The joint score of a lab grows with the mean logarithm of its shares, so that a lab which many
plasmids name a little comes before one that a single plasmid names for certain; and a little with
its largest share, and with its share by the evidence of all plasmids pooled. Floors under the
shares keep one plasmid from ruling a lab out: one that is certain of another lab outweighs seven
that give a lab 0.95, and not eight. The figures were chosen on publications left out of a
collection (docs/decisions/0070-evidence-by-the-finer-sample.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.ranking.scores import LOG_RANGE
from vecattr.vectors import Column, Scores

#: The temperature of the shares whose logarithms are averaged, and what is added to each.
TEMPERATURE, FLOOR = 2.5, 1e-4
#: The weight of the logarithm of a lab's largest share, and what is added to it.
WEIGHT_OF_LARGEST, LARGEST_FLOOR = 0.2, 1e-4
#: The same of the share by pooled evidence.
WEIGHT_OF_POOLED, POOLED_FLOOR = 0.1, 1e-3
#: What joint logits are multiplied with before their softmax, where no calibration says better.
SHARPNESS = 2.4
#: The log-odds that a plasmid is of the lab of the others: a constant, and the weight of the
#: logarithm of the probability that both name the same lab, under which lies a floor.
SAME_CONSTANT, SAME_WEIGHT, SAME_FLOOR = 9.19, 1.58, 1e-6

_SMALLEST = 1e-9
#: Names of the `joint_facts`.
FACTS = ("new", "outside", "largest_new", "largest_outside", "first", "lead", "entropy",
         "agreement", "number")  # fmt: skip


def log_shares(scores: Scores) -> Scores:
    """The logarithms of the shares of n labs, of scores of the evidence ranker, (m, n)."""
    return _normalised(LOG_RANGE * scores)


def joint_scores(logarithms: Scores, pooled: Column | None) -> Column:
    """Scores of n labs from -1 to 0, as those of the evidence ranker (n,): from the logarithms of
    their shares by each of m plasmids (m, n), and by the evidence of all plasmids pooled (n,), if
    there is such."""
    mean, largest = mean_of(_flat_logarithms(logarithms)), logarithms.max(axis=0)
    scores: Column = _scores(mean[None, :], largest[None, :], pooled)[0]
    return scores


def belongings(logarithms: Scores) -> Column:
    """Of each of m plasmids, at least two, the probability that it is of the same lab as the
    others, if that is as likely as not before they are looked at, (m, n) -> (m,).

    What decides is the probability that it and the others, joined, name the same lab.
    """
    count, places = len(logarithms), np.arange(len(logarithms))
    flat = _flat_logarithms(logarithms)  # (m, n)
    means = (count * mean_of(flat) - flat) / (count - 1)  # of the others
    largest_two = np.sort(logarithms, axis=0)[-2:]  # (2, n)
    is_largest = logarithms.argmax(axis=0) == places[:, None]  # (m, n)
    largest = np.where(is_largest, largest_two[0], largest_two[1])
    others = np.exp(LOG_RANGE * _scores(means, largest, None))
    same = (np.exp(logarithms) * others).sum(axis=1)  # (m,)
    log_odds = SAME_CONSTANT + SAME_WEIGHT * np.log(same + SAME_FLOOR)
    probabilities: Column = 1 / (1 + np.exp(-log_odds))
    return probabilities


def mean_of(rows: Scores) -> Column:
    """The mean of each column (m, n) -> (n,), to the last digit the same for any order of rows."""
    mean: Column = np.sort(rows, axis=0).mean(axis=0)
    return mean


def _flat_logarithms(logarithms: Scores) -> Scores:
    """The logarithms of shares at TEMPERATURE, with the FLOOR under them, (m, n)."""
    flat: Scores = np.log(np.exp(_normalised(logarithms / TEMPERATURE)) + FLOOR)
    return flat


def _scores(means: Scores, largest: Scores, pooled: Column | None) -> Scores:
    """Joint scores of g groups (g, n) from the means of flat logarithms, the largest logarithms,
    and those of pooled evidence (n,)."""
    logits = means + WEIGHT_OF_LARGEST * np.log(np.exp(largest) + LARGEST_FLOOR)
    if pooled is not None:
        logits += WEIGHT_OF_POOLED * np.log(np.exp(pooled) + POOLED_FLOOR)
    scores: Scores = np.maximum(_normalised(SHARPNESS * logits) / LOG_RANGE, -1.0)
    return scores


def joint_facts(cases: NDArray[np.float64], logarithms: Scores, scores: Column) -> Column:
    """Facts that tell cases apart, one for each of FACTS, (f,): from the members' likelihoods of
    each case, as logarithms (m, 3), the logarithms of their shares (m, n), and the joint scores
    (n,)."""
    odds = cases[:, 1:] - cases[:, :1]  # (m, 2), against known work
    joint = LOG_RANGE * scores
    shares = np.exp(joint)
    first = int(np.argmax(joint))
    second = float(np.partition(shares, -2)[-2]) if len(shares) > 1 else 0.0
    return np.array(
        [
            *mean_of(odds),
            *odds.max(axis=0),
            joint[first],
            joint[first] - np.log(max(second, _SMALLEST)),
            -(shares * joint).sum(),
            *mean_of(np.exp(logarithms[:, [first]])),
            np.log(len(cases)),
        ]
    )


def _normalised(logits: Scores) -> Scores:
    """Logits minus the logarithm of the sum of their exponentials, row by row, (m, n)."""
    best = logits.max(axis=1, keepdims=True)
    normalised: Scores = logits - best - np.log(np.exp(logits - best).sum(axis=1, keepdims=True))
    return normalised
