"""What each index of a panel says of its own labs: embedded queries in, cosines and scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.answering.embedded_queries import EmbeddedQueries
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.scoring.lab_scorer import LabAnswers


@dataclass(frozen=True)
class LabScores:
    """Of q queries in v indexes: `cosines` with each index's classes, v arrays (q, c_v), and what
    each says of the labs that its answers rank."""

    cosines: Sequence[NDArray[np.float64]]
    answers: Sequence[LabAnswers]


def score_labs(panel: OpenedPanel, queries: EmbeddedQueries, *, joint: bool = False) -> LabScores:
    """Near copies that the queries leave out count for nothing. `joint`: with what a joint answer
    to the queries needs."""
    cosines, answers = [], []
    for index, vectors in zip(panel.indexes, queries.vectors, strict=True):
        index_cosines = index.lab_cosines(vectors)
        cosines.append(index_cosines)
        answers.append(index.lab_answers(vectors, index_cosines, joint=joint))
    return LabScores(cosines, answers)
