"""Labelled plasmids and a panel in; where each one's true lab was ranked, batch by batch, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.embedding import Progress
from vecattr.indexes.panel import BATCH, Panel
from vecattr.metrics import Ranks, lab_ranks
from vecattr.plasmid import Plasmid

#: Names that are kept of each ranking.
TOP = 10


@dataclass(frozen=True)
class Measured:
    """Of q plasmids: the rank of the true lab and the verdict's confidence, (q,), and the columns
    of the best labs (q, TOP or fewer)."""

    truths: tuple[str, ...]
    ranks: Ranks
    confidences: NDArray[np.float64]
    best: NDArray[np.intp]


def measured(panel: Panel, plasmids: Sequence[Plasmid], *, progress: Progress) -> Measured:
    """Rank at least one labelled plasmid; scores are kept for one batch at a time."""
    truths = tuple(plasmid.lab for plasmid in plasmids if plasmid.lab is not None)
    assert len(truths) == len(plasmids) > 0, "every plasmid has a lab, and there is one"
    ranks, confidences, best = [], [], []
    for start in range(0, len(plasmids), BATCH):
        some = slice(start, start + BATCH)
        judged = panel.judge(plasmids[some])
        ranks.append(lab_ranks(judged.scores, panel.lab_names, truths[some]))
        confidences.append(judged.confidences)
        best += [judged.best(query, k=TOP) for query in range(len(judged.scores))]
        progress(len(judged.scores))
    return Measured(truths, np.concatenate(ranks), np.concatenate(confidences), np.stack(best))
