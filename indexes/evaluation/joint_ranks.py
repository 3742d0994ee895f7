"""How well plasmids are named with each other's help: labelled plasmids and a panel in, figures of
`evaluate --together-by` and `--linked` out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vecattr.indexes.answering.embedded_queries import embed_without_neighbors
from vecattr.indexes.answering.joint_judgement import (
    joined,
    judge_linked,
    judge_together,
    rows_of,
)
from vecattr.indexes.answering.judgement import Judgement, judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.linked import batches_of_groups
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.together import counted_rows
from vecattr.indexes.evaluation.true_ranks import class_probabilities, scores_by_class
from vecattr.indexes.evidence.links import LinkFinder, SharedRare, linked_groups
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.indexes.scoring.opened_index import BATCH
from vecattr.indexes.search.embedding import Progress
from vecattr.metrics.calibration_error import calibration_errors
from vecattr.metrics.ranking import lab_ranks, top_share
from vecattr.plasmid import Plasmid
from vecattr.vectors import Codes, Column, Mask, Ranks


@dataclass(frozen=True)
class Measuring:
    """What all plasmids are measured with."""

    panel: OpenedPanel
    options: ConfidenceOptions
    exclude_near_copies: bool

    def judged(self, plasmids: Sequence[Plasmid]) -> tuple[Judgement, Mask]:
        """Each of at least one plasmid by itself, and which have features."""
        judgements, featured = [], []
        for start in range(0, len(plasmids), BATCH):
            queries = embed_without_neighbors(
                self.panel,
                plasmids[start : start + BATCH],
                exclude_near_copies=self.exclude_near_copies,
            )
            labs = score_labs(self.panel, queries, joint=True)
            judgements.append(judge(self.panel, queries, labs, self.options))
            featured.append(queries.featured)
        return joined(judgements), np.concatenate(featured)

    def ranks(self, judgement: Judgement, labs: Sequence[str]) -> Ranks:
        """Of the true labs, as classes of the panel, (q,)."""
        scores = scores_by_class(self.panel, judgement)
        return lab_ranks(scores, self.panel.lab_names, labs)

    def first_probabilities(self, judgement: Judgement) -> Column | None:
        """Of the class that comes first, (q,); None where nothing is stated."""
        probabilities = class_probabilities(self.panel, judgement)
        if probabilities is None:
            return None
        first = scores_by_class(self.panel, judgement).argmax(axis=1)
        stated: Column = probabilities[np.arange(len(first)), first]
        return stated


def together_facts(
    measuring: Measuring, plasmids: Sequence[Plasmid], groups: Codes, *, progress: Progress
) -> dict[str, object]:
    """Every group of `groups` (q,) (numbers of `vecattr.metrics.bootstrap.group_codes`) as one
    query. `ece` is over groups; shares are by row and, in `by_group`, with all groups alike."""
    ranks = np.zeros(len(plasmids))
    stated = np.zeros(len(plasmids))
    has_probabilities = True
    for rows in batches_of_groups(groups, batch_size=BATCH):
        batch = [plasmids[row] for row in rows.tolist()]
        judgement = _judged_batch(measuring, batch, is_group=groups[rows[0]] == groups[rows[-1]])
        labs = [lab for plasmid in batch if (lab := plasmid.lab) is not None]
        ranks[rows] = measuring.ranks(judgement, labs)
        progress(len(batch))
        first = measuring.first_probabilities(judgement)
        has_probabilities &= first is not None
        stated[rows] = 0 if first is None else first
    weights = 1 / np.bincount(groups)[groups]
    first_rows = np.unique(groups, return_index=True)[1]
    correct: Column = np.bincount(groups, weights * (ranks <= 1)).astype(np.float64)
    return {
        "groups": int(groups.max()) + 1,
        "n": len(plasmids),
        "top1": top_share(ranks, k=1),
        "top10": top_share(ranks, k=10),
        "ece": calibration_errors(stated[first_rows], correct)[1] if has_probabilities else None,
        "by_group": {
            "top1": float(np.average(ranks <= 1, weights=weights)),
            "top10": float(np.average(ranks <= 10, weights=weights)),
        },
    }


def _judged_batch(measuring: Measuring, batch: Sequence[Plasmid], *, is_group: bool) -> Judgement:
    """The judgements of plasmids that are alone, or the joint one as that of each of a group."""
    if not is_group:
        return measuring.judged(batch)[0]
    judgement, featured = measuring.judged([batch[row] for row in counted_rows(batch).tolist()])
    joint = judge_together(measuring.panel.indexes[0], judgement, featured, measuring.options)
    return rows_of(joint, np.zeros(len(batch), dtype=np.int64))


def linked_facts(
    measuring: Measuring, plasmids: Sequence[Plasmid], *, progress: Progress
) -> dict[str, object]:
    """All plasmids as one file: `linked`, how many have a link; `pure`, the share of links between
    plasmids of one lab (None without links); shares over all plasmids."""
    index = measuring.panel.indexes[0]
    finder = LinkFinder(index)
    links = finder.links(plasmids)
    ranks = np.zeros(len(plasmids))
    for rows in batches_of_groups(linked_groups(links), batch_size=BATCH):
        batch = [plasmids[row] for row in rows.tolist()]
        judgement, featured = measuring.judged(batch)
        if links[rows[0]]:
            judgement = judge_linked(index, judgement, featured, measuring.options)
        labs = [lab for plasmid in batch if (lab := plasmid.lab) is not None]
        ranks[rows] = measuring.ranks(judgement, labs)
        progress(len(batch))
    return {
        "n": len(plasmids),
        "linked": sum(map(bool, links)),
        "pure": _purity(plasmids, links),
        "top1": top_share(ranks, k=1),
        "top10": top_share(ranks, k=10),
    }


def _purity(plasmids: Sequence[Plasmid], links: Sequence[Sequence[SharedRare]]) -> float | None:
    agree = [
        plasmids[query].lab == plasmids[link.other].lab
        for query, query_links in enumerate(links)
        for link in query_links
    ]
    return float(np.mean(agree)) if agree else None
