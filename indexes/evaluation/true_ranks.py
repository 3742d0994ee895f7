"""Labelled plasmids and a panel in; where each one's true lab was ranked, batch by batch, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.answering.judgement import Judgement
from vecattr.indexes.answering.panel import Panel
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions
from vecattr.indexes.scoring.opened_index import BATCH
from vecattr.indexes.search.embedding import Progress, QueryVectors
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
    panel: Panel,
    plasmids: Sequence[Plasmid],
    *,
    progress: Progress,
    exclude_near_copies: bool = False,
    options: ConfidenceOptions = DEFAULT_OPTIONS,
) -> TrueRanks:
    """Rank at least one labelled plasmid; scores are kept for one batch at a time.
    `exclude_near_copies` and `options` as in
    `vecattr.indexes.scoring.opened_index.Index.query_many`."""
    truths = tuple(plasmid.lab for plasmid in plasmids if plasmid.lab is not None)
    assert len(truths) == len(plasmids) > 0, "every plasmid has a lab, and there is one"
    panel.check(options)
    batches = []
    for start in range(0, len(plasmids), BATCH):
        some = slice(start, start + BATCH)
        vectors = panel.embed(plasmids[some], exclude_near_copies=exclude_near_copies)
        judged = panel.judge_vectors(vectors, options=options)
        batches.append(_of_batch(panel, judged, vectors, truths[some]))
        progress(len(judged.scores))
    return _joined(batches)


def _of_batch(
    panel: Panel, judged: Judgement, vectors: Sequence[QueryVectors], truths: tuple[str, ...]
) -> TrueRanks:
    sure = judged.sure
    best = np.stack([judged.best(query, k=TOP) for query in range(len(truths))])
    missing = np.full(len(truths), np.nan)
    gone = [mine.left_out for mine in vectors if mine.left_out]
    copies = [len(frozenset().union(*each)) for each in zip(*gone, strict=True)]
    return TrueRanks(
        truths,
        lab_ranks(judged.scores, panel.lab_names, truths),
        sure.confidences,
        missing if sure.thresholds is None else sure.confidences - sure.thresholds,
        best,
        None
        if sure.probabilities is None
        else np.take_along_axis(sure.probabilities, best[:, :1], axis=1)[:, 0],
        np.array(copies or [0] * len(truths), dtype=np.intp),
        sure.sizes,
    )


def _joined(batches: Sequence[TrueRanks]) -> TrueRanks:
    def column(name: str) -> Any:
        values = [getattr(batch, name) for batch in batches]
        return None if values[0] is None else np.concatenate(values)

    names = ("ranks", "confidences", "margins", "best", "stated", "copies", "sizes")
    truths = tuple(truth for batch in batches for truth in batch.truths)
    return TrueRanks(truths, **{name: column(name) for name in names})
