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
    of the best labs (q, TOP or fewer). `copies` (q,): the near copies that were left out."""

    truths: tuple[str, ...]
    ranks: Ranks
    confidences: NDArray[np.float64]
    best: NDArray[np.intp]
    copies: NDArray[np.intp]


def measured(
    panel: Panel,
    plasmids: Sequence[Plasmid],
    *,
    progress: Progress,
    exclude_near_copies: bool = False,
) -> Measured:
    """Rank at least one labelled plasmid; scores are kept for one batch at a time.
    `exclude_near_copies` as in `vecattr.indexes.engine.Index.query_many`."""
    truths = tuple(plasmid.lab for plasmid in plasmids if plasmid.lab is not None)
    assert len(truths) == len(plasmids) > 0, "every plasmid has a lab, and there is one"
    ranks, confidences, best = [], [], []
    copies: list[int] = []
    for start in range(0, len(plasmids), BATCH):
        some = slice(start, start + BATCH)
        vectors = panel.embed(plasmids[some], exclude_near_copies=exclude_near_copies)
        judged = panel.judge_vectors(vectors)
        ranks.append(lab_ranks(judged.scores, panel.lab_names, truths[some]))
        confidences.append(judged.confidences)
        best += [judged.best(query, k=TOP) for query in range(len(judged.scores))]
        gone = [mine.left_out for mine in vectors if mine.left_out]
        copies += [len(frozenset().union(*each)) for each in zip(*gone, strict=True)]
        progress(len(judged.scores))
    return Measured(
        truths,
        np.concatenate(ranks),
        np.concatenate(confidences),
        np.stack(best),
        np.array(copies or [0] * len(truths), dtype=np.intp),
    )
