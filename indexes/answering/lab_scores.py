"""What each index of a panel says of its own labs: embedded queries in, cosines and scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.answering.embedded_queries import EmbeddedQueries
from vecattr.indexes.answering.opened_panel import OpenedPanel


@dataclass(frozen=True)
class LabScores:
    """Of q queries in v indexes: `cosines` with each index's labs, and `scores` that rank them;
    v arrays (q, n_v) each, with columns in the order of the index's `lab_names`."""

    cosines: Sequence[NDArray[np.float64]]
    scores: Sequence[NDArray[np.float64]]


def score_labs(panel: OpenedPanel, queries: EmbeddedQueries) -> LabScores:
    """Near copies that the queries leave out count for nothing."""
    cosines, scores = [], []
    for index, vectors in zip(panel.indexes, queries.vectors, strict=True):
        index_cosines = index.lab_cosines(vectors)
        cosines.append(index_cosines)
        scores.append(index.lab_scores(vectors, index_cosines))
    return LabScores(cosines, scores)
