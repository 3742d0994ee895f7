"""Labelled plasmids and a panel in; where each one's true lab was ranked, batch by batch, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.answering.embedded_queries import EmbeddedQueries, embed_without_neighbors
from vecattr.indexes.answering.judgement import Judgement, judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions
from vecattr.indexes.scoring.opened_index import BATCH
from vecattr.indexes.search.embedding import Progress
from vecattr.metrics.ranking import Ranks, lab_ranks
from vecattr.plasmid import Plasmid

#: Names that are kept of each ranking.
TOP = 10


@dataclass(frozen=True)
class TrueRanks:
    """Of q plasmids: the rank of the true lab, the verdict's confidence, and how far this is above
    the threshold (not a number: uncalibrated), (q,); the columns of the best labs (q, TOP or
    fewer), and the probability of the first (q,), None when there is none. `copies` (q,): the near
    copies that were left out; `sizes` (q,): of the candidate sets, when they were asked for."""

    truths: tuple[str, ...]
    ranks: Ranks
    confidences: NDArray[np.float64]
    margins: NDArray[np.float64]
    best: NDArray[np.intp]
    stated: NDArray[np.float64] | None
    copies: NDArray[np.intp]
    sizes: NDArray[np.intp] | None


def true_ranks(
    panel: OpenedPanel,
    plasmids: Sequence[Plasmid],
    *,
    progress: Progress,
    exclude_near_copies: bool = False,
    options: ConfidenceOptions = DEFAULT_OPTIONS,
) -> TrueRanks:
    """Rank at least one labelled plasmid; scores are kept for one batch at a time.
    `exclude_near_copies` and `options` as in
    `vecattr.indexes.index.Index.query_many`."""
    truths = tuple(plasmid.lab for plasmid in plasmids if plasmid.lab is not None)
    assert len(truths) == len(plasmids) > 0, "every plasmid has a lab, and there is one"
    panel.check(options)
    batches = []
    for start in range(0, len(plasmids), BATCH):
        rows = slice(start, start + BATCH)
        queries = embed_without_neighbors(
            panel, plasmids[rows], exclude_near_copies=exclude_near_copies
        )
        judgement = judge(panel, queries, score_labs(panel, queries), options)
        batches.append(_of_batch(panel, queries, judgement, truths[rows]))
        progress(len(queries.plasmids))
    return _joined(batches)


def _of_batch(
    panel: OpenedPanel, queries: EmbeddedQueries, judgement: Judgement, truths: tuple[str, ...]
) -> TrueRanks:
    confidence = judgement.confidence
    best = np.stack([judgement.best(query, k=TOP) for query in range(len(truths))])
    missing = np.full(len(truths), np.nan)
    return TrueRanks(
        truths,
        lab_ranks(judgement.scores, panel.lab_names, truths),
        confidence.confidences,
        missing
        if confidence.thresholds is None
        else confidence.confidences - confidence.thresholds,
        best,
        None
        if confidence.probabilities is None
        else np.take_along_axis(confidence.probabilities, best[:, :1], axis=1)[:, 0],
        np.array([len(copies) for copies in queries.copies], dtype=np.intp),
        confidence.sizes,
    )


def _joined(batches: Sequence[TrueRanks]) -> TrueRanks:
    def column(name: str) -> Any:
        values = [getattr(batch, name) for batch in batches]
        return None if values[0] is None else np.concatenate(values)

    names = ("ranks", "confidences", "margins", "best", "stated", "copies", "sizes")
    truths = tuple(truth for batch in batches for truth in batch.truths)
    return TrueRanks(truths, **{name: column(name) for name in names})
