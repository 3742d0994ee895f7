"""One judgement of several queries: a judgement of each by itself in, one of all together out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.cases import case_probabilities
from vecattr.calibration.expectation import CASES
from vecattr.calibration.joint import joint_scores
from vecattr.calibration.open_set import named_columns
from vecattr.indexes.answering.judgement import Judgement
from vecattr.indexes.evidence.links import SharedRare
from vecattr.indexes.scoring.confidence import Confidence, ConfidenceOptions, best_named
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.ranking.evidence_ranker import LOG_RANGE
from vecattr.vectors import Probabilities, Rows


def joined(judgements: Sequence[Judgement]) -> Judgement:
    """The judgements of several batches of queries as one."""
    first = judgements[0]
    confidences = [judgement.confidence for judgement in judgements]
    return replace(
        first,
        scores=np.concatenate([judgement.scores for judgement in judgements]),
        cosines=np.concatenate([judgement.cosines for judgement in judgements]),
        confidence=Confidence(
            np.concatenate([confidence.confidences for confidence in confidences]),
            **{
                name: _joined_column(confidences, name)
                for name in ("thresholds", "probabilities", "sizes", "outside", "cases")
            },
            work=first.confidence.work,
        ),
    )


def _joined_column(confidences: Sequence[Confidence], name: str) -> Any:
    columns = [getattr(confidence, name) for confidence in confidences]
    return None if columns[0] is None else np.concatenate(columns)


def judge_together(
    index: OpenedIndex, judgement: Judgement, members: Rows, options: ConfidenceOptions
) -> Judgement:
    """The judgement of some of the queries (rows of `judgement`) as plasmids of one lab, with one
    row; that of a query alone is its own."""
    rows = rows_of(judgement, members)
    if len(members) == 1 or not rows.names:
        return rows_of(rows, np.arange(1))
    confidence = rows.confidence
    cosines = rows.cosines.mean(axis=0, keepdims=True)
    if confidence.probabilities is None and index.scorer is None:
        scores = cosines
    else:
        scores = joint_scores(_shares(rows))[None, :]
    return replace(
        rows,
        scores=scores,
        cosines=cosines,
        confidence=_plain_confidence(index, confidence, scores, options),
        is_joint=True,
    )


def judge_linked(
    index: OpenedIndex,
    judgement: Judgement,
    links: Sequence[Sequence[SharedRare]],
    options: ConfidenceOptions,
) -> Judgement:
    """The judgement of every query together with those that it is linked with."""
    together = [
        judge_together(
            index, judgement, np.array([query, *(link.other for link in query_links)]), options
        )
        for query, query_links in enumerate(links)
    ]
    return replace(joined(together), is_joint=any(links))


def rows_of(judgement: Judgement, rows: Rows) -> Judgement:
    """The judgement of some of its queries."""
    confidence = judgement.confidence
    columns: dict[str, Any] = {
        name: None if (column := getattr(confidence, name)) is None else column[rows]
        for name in ("confidences", "thresholds", "probabilities", "sizes", "outside", "cases")
    }
    return replace(
        judgement,
        scores=judgement.scores[rows],
        cosines=judgement.cosines[rows],
        confidence=replace(confidence, **columns),
    )


def _shares(judgement: Judgement) -> Probabilities:
    """How likely each lab is if it is one of the index's, (m, n), rows that sum to 1."""
    probabilities = judgement.confidence.probabilities
    if probabilities is None:
        probabilities = np.exp(LOG_RANGE * judgement.scores)
    shares: Probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return shares


def _plain_confidence(
    index: OpenedIndex,
    members: Confidence,
    scores: NDArray[np.float64],
    options: ConfidenceOptions,
) -> Confidence:
    """By what each member says of itself: the shares of labs are those of the joint scores, and the
    likelihood of each case is the mean of the members', as logarithms."""
    if members.probabilities is None:
        return Confidence(
            best_named(scores, named=named_columns(index.answer_names)), work=members.work
        )
    shares = np.exp(LOG_RANGE * scores)
    shares /= shares.sum()
    if members.cases is None:
        return replace(
            _means(members), probabilities=shares, sizes=_largest(members.sizes), cases=None
        )
    cases = members.cases.mean(axis=0, keepdims=True)  # (1, 3)
    outside = case_probabilities(cases, options.cases)[:, CASES.index("outside")]
    return replace(
        _means(members),
        confidences=1 - outside,
        probabilities=shares * (1 - outside),
        sizes=_largest(members.sizes),
        outside=outside,
        cases=cases,
    )


def _means(members: Confidence) -> Confidence:
    """Mean confidences and thresholds, (1,)."""
    thresholds = members.thresholds
    return replace(
        members,
        confidences=members.confidences.mean(keepdims=True),
        thresholds=None if thresholds is None else thresholds.mean(keepdims=True),
    )


def _largest(sizes: NDArray[np.intp] | None) -> NDArray[np.intp] | None:
    return None if sizes is None else sizes.max(keepdims=True)
