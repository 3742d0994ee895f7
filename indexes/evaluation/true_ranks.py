"""The ranks of true labs: labelled plasmids and a panel in, ranks and confidences out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
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
from vecattr.metrics.ranking import lab_ranks
from vecattr.plasmid import Plasmid
from vecattr.vectors import Codes, Confidences, Ranks

#: The number of best labs that are kept of each ranking.
TOP = 10


@dataclass(frozen=True)
class TrueRanks:
    """Where the true labs of q plasmids were ranked, and how sure the answers were.

    Of each: the true lab, the rank of its class, its own rank among all labs by name, the verdict's
    confidence, and how far this is above the
    threshold (not a number when the panel is uncalibrated), (q,); the columns of the best labs (q,
    TOP or fewer); the probability of the first lab, None when the panel is uncalibrated, (q,); the
    number of near copies that were left out (q,); the size of the candidate set, None when none was
    asked for, (q,); the probability of an outside lab, None when the panel cannot say, (q,).
    `work` says what probabilities are for.
    """

    true_labs: tuple[str, ...]
    ranks: Ranks
    ranks_by_name: Ranks
    confidences: Confidences
    margins: NDArray[np.float64]
    best_labs: NDArray[np.intp]
    first_probabilities: NDArray[np.float64] | None
    copy_counts: NDArray[np.intp]
    set_sizes: NDArray[np.intp] | None
    outside: NDArray[np.float64] | None
    work: str


def true_ranks(
    panel: OpenedPanel,
    plasmids: Sequence[Plasmid],
    *,
    progress: Progress,
    exclude_near_copies: bool = False,
    options: ConfidenceOptions = DEFAULT_OPTIONS,
) -> TrueRanks:
    """Rank at least one labelled plasmid; scores are kept for one batch at a time.
    `exclude_near_copies` and `options` as in `vecattr.indexes.index.Index.query_many`."""
    panel.check(options)
    batches = (
        batch_ranks(panel, batch, exclude_near_copies=exclude_near_copies, options=options)
        for batch in rank_batches(plasmids)
    )
    return joined_ranks(batches, progress)


def rank_batches(plasmids: Sequence[Plasmid]) -> Iterator[Sequence[Plasmid]]:
    """At least one labelled plasmid, in batches."""
    assert plasmids, "there is at least one"
    assert all(plasmid.lab is not None for plasmid in plasmids), "every plasmid has a lab"
    for start in range(0, len(plasmids), BATCH):
        yield plasmids[start : start + BATCH]


def batch_ranks(
    panel: OpenedPanel,
    plasmids: Sequence[Plasmid],
    *,
    exclude_near_copies: bool,
    options: ConfidenceOptions,
) -> TrueRanks:
    """The same of one batch."""
    queries = embed_without_neighbors(panel, plasmids, exclude_near_copies=exclude_near_copies)
    judgement = judge(panel, queries, score_labs(panel, queries), options)
    true_labs = tuple(plasmid.lab for plasmid in plasmids if plasmid.lab is not None)
    return _of_batch(panel, queries, judgement, true_labs)


def _of_batch(
    panel: OpenedPanel, queries: EmbeddedQueries, judgement: Judgement, true_labs: tuple[str, ...]
) -> TrueRanks:
    confidence = judgement.confidence
    scores = scores_by_class(panel, judgement)
    best_labs = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    probabilities = class_probabilities(panel, judgement)
    missing = np.full(len(true_labs), np.nan)
    return TrueRanks(
        true_labs,
        lab_ranks(scores, panel.lab_names, true_labs),
        lab_ranks(judgement.scores, judgement.names, true_labs),
        confidence.confidences,
        missing
        if confidence.thresholds is None
        else confidence.confidences - confidence.thresholds,
        best_labs,
        None
        if probabilities is None
        else np.take_along_axis(probabilities, best_labs[:, :1], axis=1)[:, 0],
        np.array([len(copies) for copies in queries.copies], dtype=np.intp),
        confidence.sizes,
        confidence.outside,
        confidence.work,
    )


def scores_by_class(panel: OpenedPanel, judgement: Judgement) -> NDArray[np.float64]:
    """The scores of the panel's classes, (q, c)."""
    return (
        panel.indexes[0].class_scores(judgement.scores) if panel.is_one_index else judgement.scores
    )


def class_probabilities(panel: OpenedPanel, judgement: Judgement) -> NDArray[np.float64] | None:
    """The probabilities of the panel's classes, (q, c); None where it states none."""
    probabilities = judgement.confidence.probabilities
    if probabilities is None:
        return None
    return _summed(probabilities, judgement.classes, len(panel.lab_names))


def _summed(values: NDArray[np.float64], classes: Codes, count: int) -> NDArray[np.float64]:
    """Values of labs (q, n) summed over each of so many classes, (q, c)."""
    sums = np.zeros((len(values), count))
    np.add.at(sums.T, classes, values.T)
    return sums


def joined_ranks(of_batches: Iterable[TrueRanks], progress: Progress) -> TrueRanks:
    """The ranks of several batches of one panel, in their order; `progress` is told the plasmids
    of each batch as it comes."""
    batches = []
    for ranks in of_batches:
        batches.append(ranks)
        progress(len(ranks.true_labs))

    def column(name: str) -> Any:
        values = [getattr(batch, name) for batch in batches]
        return None if values[0] is None else np.concatenate(values)

    names = {field.name for field in fields(TrueRanks)} - {"true_labs", "work"}
    true_labs = tuple(lab for batch in batches for lab in batch.true_labs)
    return TrueRanks(true_labs, **{name: column(name) for name in names}, work=batches[0].work)
