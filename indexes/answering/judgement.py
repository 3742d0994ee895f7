"""One order of labs and how sure it is: scores of the indexes of a panel in, a judgement out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Hit
from vecattr.indexes.answering.embedded_queries import EmbeddedQueries
from vecattr.indexes.answering.lab_scores import LabScores
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.scoring.confidence import (
    Confidence,
    ConfidenceOptions,
    class_confidence,
    confidence_of,
)
from vecattr.indexes.scoring.lab_scorer import LabAnswers, Maxima
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.mosaic import Reach
from vecattr.ranking.largest import places_of_largest
from vecattr.ranking.rank_fusion import aligned_scores, fuse
from vecattr.vectors import Codes, Rows

if TYPE_CHECKING:
    from vecattr.indexes.answering.panel_calibration import Members


@dataclass(frozen=True)
class Judgement:
    """Of q queries and n labs with these `names`: `scores` sort them, `cosines` are the means over
    the indexes that know the lab, both (q, n); of one index they are the same. `classes` (n,) are
    the places of the labs' classes among the panel's `lab_names`. `is_joint`: queries were judged
    with the help of others, so that the scores of an index are not those of its vectors. `maxima`
    are the largest inputs of the index's ranker over all queries, if it has one, and `reaches` how
    much of each query is known (q); None where k-mers play no part."""

    names: tuple[str, ...]
    scores: NDArray[np.float64]
    cosines: NDArray[np.float64]
    confidence: Confidence
    classes: Codes
    is_joint: bool = False
    maxima: Maxima | None = None
    reaches: tuple[Reach, ...] | None = None

    def best(self, query: int, *, k: int) -> Rows:
        """Columns of the k best labs of one query, best first, ties by name (names ascend)."""
        columns = places_of_largest(self.scores[query], k)
        return columns[np.argsort(-self.scores[query, columns], kind="stable")]

    def hits(self, query: int, columns: NDArray[np.integer]) -> tuple[Hit, ...]:
        """Some labs of one query, in the order of their `columns`."""
        scores, cosines = self.scores[query], self.cosines[query]
        return tuple(
            Hit(
                self.names[lab],
                float(scores[lab]),
                float(cosines[lab]),
                self.confidence.probability(query, lab),
            )
            for lab in columns.tolist()
        )


def judge(
    panel: OpenedPanel, queries: EmbeddedQueries, labs: LabScores, options: ConfidenceOptions
) -> Judgement:
    """Of one index its own scores; of several the fused ones."""
    if panel.is_one_index:
        [index], [answers] = panel.indexes, labs.answers
        return Judgement(
            index.answer_names,
            answers.scores,
            answers.cosines,
            _own_confidence(index, answers, queries, 0, options),
            index.class_of_answer,
            maxima=answers.maxima,
            reaches=answers.reaches,
        )
    from vecattr.indexes.answering.panel_calibration import (  # start-up
        fused_confidence,
        weighing_outside,
    )

    class_scores = [
        index.class_scores(answers.scores)
        for index, answers in zip(panel.indexes, labs.answers, strict=True)
    ]
    featured = queries.featured  # (q,)
    member_options = panel.calibration.member_options(options, features=bool(featured.any()))
    confidences = _confidences(panel, queries, class_scores, member_options)
    ballots, cosines = _laid_out(panel, class_scores), _laid_out(panel, labs.cosines)  # (v, q, n)
    scores, matched = fuse(ballots, fusion=panel.fusion, weights=panel.weights)
    confidence = fused_confidence(panel.calibration, confidences, matched, featured, options)
    if panel.weighs_outside:
        members = _members(panel, queries, labs, options)
        confidence = weighing_outside(
            confidence, panel.calibration, members, matched, featured, options
        )
    return Judgement(
        panel.lab_names,
        scores,
        np.nanmean(cosines, axis=0),
        confidence,
        np.arange(len(panel.lab_names)),
        reaches=_widest(labs),
    )


def _members(
    panel: OpenedPanel, queries: EmbeddedQueries, labs: LabScores, options: ConfidenceOptions
) -> Members:
    """What each index says by itself."""
    from vecattr.indexes.answering.panel_calibration import Members  # start-up

    confidences = [
        _own_confidence(index, answers, queries, place, options)
        for place, (index, answers) in enumerate(zip(panel.indexes, labs.answers, strict=True))
    ]
    of_classes = []
    for index, confidence in zip(panel.indexes, confidences, strict=True):
        assert confidence.probabilities is not None, "an index that weighs outside labs"
        sums = np.zeros((len(index.lab_names), len(confidence.probabilities)))
        np.add.at(sums, index.class_of_answer, confidence.probabilities.T)
        of_classes.append(sums.T)
    laid_out = np.nan_to_num(_laid_out(panel, of_classes))
    return Members(confidences, laid_out, panel.shared_labs, panel.weights)


def _own_confidence(
    index: OpenedIndex,
    answers: LabAnswers,
    queries: EmbeddedQueries,
    place: int,
    options: ConfidenceOptions,
) -> Confidence:
    """How sure an index, which is the one at this place of the panel, is by itself of its labs."""
    return confidence_of(
        index.calibration,
        answers.scores,
        queries.nearest[place],
        facts=answers.facts,
        names=index.answer_names,
        classes=(index.class_of_answer, index.lab_names),
        featured=queries.vectors[place].featured,
        options=options,
        reaches=answers.reaches,
    )


def _widest(labs: LabScores) -> tuple[Reach, ...] | None:
    """Of each query the reach of the index that knows most of it; None when one cannot tell."""
    reaches = [answers.reaches for answers in labs.answers]
    told = [index_reaches for index_reaches in reaches if index_reaches is not None]
    if len(told) < len(reaches):
        return None
    return tuple(max(several, key=lambda reach: reach.known) for several in zip(*told, strict=True))


def _confidences(
    panel: OpenedPanel,
    queries: EmbeddedQueries,
    class_scores: Sequence[NDArray[np.float64]],
    options: ConfidenceOptions,
) -> list[Confidence]:
    """How sure each index is by itself of its classes."""
    return [
        class_confidence(
            index.calibration,
            scores,
            nearest,
            names=index.lab_names,
            featured=vectors.featured,
            options=options,
        )
        for index, vectors, scores, nearest in zip(
            panel.indexes, queries.vectors, class_scores, queries.nearest, strict=True
        )
    ]


def _laid_out(panel: OpenedPanel, values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """What each index says of its own classes, over the classes of all, (v, q, n)."""
    return np.stack(
        [
            aligned_scores(index_values, index.lab_names, panel.lab_names)
            for index, index_values in zip(panel.indexes, values, strict=True)
        ]
    )
