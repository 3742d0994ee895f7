"""One judgement of several queries: a judgement of each by itself in, one of all together out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.cases import case_probabilities
from vecattr.calibration.joint import belongings, joint_facts, joint_scores, log_shares, mean_of
from vecattr.calibration.open_set import named_columns
from vecattr.calibration.outcomes import OUTSIDE, OutcomeFit
from vecattr.indexes.answering.judgement import Judgement
from vecattr.indexes.scoring.confidence import Confidence, ConfidenceOptions, best_named, weighed
from vecattr.indexes.scoring.lab_scorer import Maxima
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.mosaic import Reach
from vecattr.ranking.scores import LOG_RANGE
from vecattr.vectors import Column, Rows, Scores

#: What of a confidence has one value, or one row, a query.
_COLUMNS = ("confidences", "thresholds", "probabilities", "sizes", "outside", "cases")


def joined(judgements: Sequence[Judgement]) -> Judgement:
    """The judgements of several batches of queries as one."""
    first = judgements[0]
    confidences = [judgement.confidence for judgement in judgements]
    columns: dict[str, Any] = {name: _joined_column(confidences, name) for name in _COLUMNS}
    maxima = [judgement.maxima or Maxima({}) for judgement in judgements]
    return replace(
        first,
        scores=np.concatenate([judgement.scores for judgement in judgements]),
        cosines=np.concatenate([judgement.cosines for judgement in judgements]),
        confidence=replace(first.confidence, **columns),
        maxima=first.maxima and reduce(Maxima.joined, maxima),
        reaches=_joined_reaches(judgements),
    )


def _joined_reaches(judgements: Sequence[Judgement]) -> tuple[Reach, ...] | None:
    reaches = [judgement.reaches for judgement in judgements]
    told = [each for each in reaches if each is not None]
    return tuple(chain.from_iterable(told)) if len(told) == len(reaches) else None


def _joined_column(confidences: Sequence[Confidence], name: str) -> Any:
    columns = [getattr(confidence, name) for confidence in confidences]
    return None if columns[0] is None else np.concatenate(columns)


def rows_of(judgement: Judgement, rows: Rows) -> Judgement:
    """The judgement of some of its queries."""
    confidence = judgement.confidence
    columns: dict[str, Any] = {
        name: None if (column := getattr(confidence, name)) is None else column[rows]
        for name in _COLUMNS
    }
    return replace(
        judgement,
        scores=judgement.scores[rows],
        cosines=judgement.cosines[rows],
        confidence=replace(confidence, **columns),
        reaches=judgement.reaches and tuple(judgement.reaches[row] for row in rows.tolist()),
    )


def judge_together(
    index: OpenedIndex, alone: Judgement, featured: NDArray[np.bool_], options: ConfidenceOptions
) -> Judgement:
    """All queries of a judgement, of which some are `featured` (q,), as plasmids of one lab: a
    judgement with one row; that of a query alone is its own."""
    if len(alone.scores) == 1 or not alone.names:
        return rows_of(alone, np.arange(1))
    rows = _rows_in_order(alone)
    alone, featured = rows_of(alone, rows), featured[rows]
    cosines = mean_of(alone.cosines)[None, :]
    logarithms = _log_shares(index, alone)
    if logarithms is None:
        confidence = _unstated(cosines, index, alone.confidence)
        return replace(alone, scores=cosines, cosines=cosines, confidence=confidence, is_joint=True)
    scores = joint_scores(logarithms, _pooled(index, alone.maxima))
    fit = joint_fit(index, featured)
    if alone.confidence.probabilities is None:
        confidence = _unstated(scores[None, :], index, alone.confidence)
    elif fit is None or alone.confidence.cases is None:
        confidence = _by_means(scores[None, :], alone.confidence, options)
    else:
        facts = joint_facts(alone.confidence.cases, logarithms, scores)[None, :]
        confidence = weighed(fit, scores[None, :], fit.cases.log_likelihoods(facts), options)
    return replace(
        alone, scores=scores[None, :], cosines=cosines, confidence=confidence, is_joint=True
    )


def _rows_in_order(alone: Judgement) -> Rows:
    """The queries in an order that what is said of each gives, so that the order in which they come
    changes no digit of a sum over them."""
    pairs = zip(alone.scores, alone.cosines, strict=True)
    contents = [scores.tobytes() + cosines.tobytes() for scores, cosines in pairs]
    return np.array(sorted(range(len(contents)), key=contents.__getitem__), dtype=np.int64)


def judge_linked(
    index: OpenedIndex, alone: Judgement, featured: NDArray[np.bool_], options: ConfidenceOptions
) -> Judgement:
    """The joint judgement of all queries as that of each, with the cosines of its own."""
    joint = judge_together(index, alone, featured, options)
    everyone = rows_of(joint, np.zeros(len(alone.scores), dtype=np.int64))
    return replace(everyone, cosines=alone.cosines, reaches=alone.reaches)


def belongings_of(index: OpenedIndex, alone: Judgement) -> list[float | None]:
    """Of each query the probability that it is of the lab of the others; None of a query alone, and
    where the evidence ranker plays no part, on whose shares the figures were fitted."""
    count = len(alone.scores)
    if index.scorer is None or count < 2:
        return [None] * count
    rows = _rows_in_order(alone)
    fits = np.empty(count)
    fits[rows] = belongings(log_shares(alone.scores[rows]))
    return list(fits.tolist())


def is_calibrated(index: OpenedIndex) -> bool:
    """Whether the calibration of an index was made for joint answers, too."""
    return index.calibration is not None and index.calibration.sequence.together is not None


def joint_fit(index: OpenedIndex, featured: NDArray[np.bool_]) -> OutcomeFit | None:
    """The fit for members that all have features, or for others."""
    if index.calibration is None:
        return None
    return index.calibration.fits(features=bool(featured.all())).together


def _log_shares(index: OpenedIndex, alone: Judgement) -> Scores | None:
    """The logarithms of each lab's shares by each query (m, n), by the evidence ranker, else by the
    probabilities; None where there are neither."""
    if index.scorer is not None:
        return log_shares(alone.scores)
    probabilities = alone.confidence.probabilities
    if probabilities is None:
        return None
    shares: Scores = np.maximum(
        probabilities / probabilities.sum(axis=1, keepdims=True), np.exp(-LOG_RANGE)
    )
    logarithms: Scores = np.log(shares)
    return logarithms


def _pooled(index: OpenedIndex, maxima: Maxima | None) -> Column | None:
    """The logarithms of each lab's share by the largest inputs of all queries (n,)."""
    if index.scorer is None or maxima is None:
        return None
    scores = np.full(len(index.answer_names), -1.0)
    scores[index.answered.stored] = index.scorer.scores_of(maxima)
    pooled: Column = log_shares(scores[None, :])[0]
    return pooled


def _unstated(scores: Scores, index: OpenedIndex, members: Confidence) -> Confidence:
    """Of an index without calibration."""
    best = best_named(scores, named=named_columns(index.answer_names))
    return Confidence(best, work=members.work)


def _by_means(scores: Scores, members: Confidence, options: ConfidenceOptions) -> Confidence:
    """Of an index whose calibration was not made for joint answers: the shares of labs are those of
    the joint scores, and the likelihood of each case is the mean of the members', as
    logarithms."""
    shares = np.exp(LOG_RANGE * scores)
    shares /= shares.sum()
    thresholds, sizes = members.thresholds, members.sizes
    means = replace(
        members,
        confidences=mean_of(members.confidences[:, None]),
        thresholds=None if thresholds is None else mean_of(thresholds[:, None]),
        probabilities=shares,
        sizes=None if sizes is None else sizes.max(keepdims=True),
    )
    if members.cases is None:
        return means
    cases = mean_of(members.cases)[None, :]  # (1, 3)
    outside = case_probabilities(cases, options.cases)[:, OUTSIDE]
    return replace(
        means,
        confidences=1 - outside,
        probabilities=shares * (1 - outside),
        outside=outside,
        cases=cases,
    )
