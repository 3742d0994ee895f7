"""Queries asked of workers that hold the whole index: a panel and plasmids in, answers in order, or
the ranks of true labs, out.

A worker opens the generation that the client has opened, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain

from vecattr.attribution import Attribution
from vecattr.indexes.answering.answers import PanelRecipe, answers_of_batch, check_request
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.cluster.cluster import Cluster
from vecattr.indexes.evaluation.true_ranks import (
    TrueRanks,
    batch_ranks,
    joined_ranks,
    rank_batches,
)
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions
from vecattr.indexes.scoring.opened_index import BATCH
from vecattr.indexes.search.embedding import Progress, in_batches
from vecattr.plasmid import Plasmid


def cluster_answers(
    cluster: Cluster,
    panel: OpenedPanel,
    plasmids: Iterable[Plasmid],
    *,
    k: int = 10,
    neighbors: int = 0,
    batch_size: int = BATCH,
    exclude_near_copies: bool = False,
    options: ConfidenceOptions = DEFAULT_OPTIONS,
    evidence: int | None = None,
    evidence_for: Sequence[str] = (),
) -> Iterator[Attribution]:
    """As `vecattr.indexes.index.Panel.query_many`, by the workers of a cluster."""
    request = AnswerRequest(
        k, neighbors, exclude_near_copies, options, evidence, tuple(evidence_for)
    )
    check_request(panel, request, batch_size=batch_size)
    task = partial(_batch_answers, PanelRecipe.from_panel(panel), request)
    batches = in_batches(plasmids, max_plasmids=batch_size)
    return chain.from_iterable(cluster.results(task, batches))


def cluster_ranks(
    cluster: Cluster,
    panel: OpenedPanel,
    plasmids: Sequence[Plasmid],
    *,
    progress: Progress,
    exclude_near_copies: bool = False,
    options: ConfidenceOptions = DEFAULT_OPTIONS,
) -> TrueRanks:
    """As `vecattr.indexes.evaluation.true_ranks.true_ranks`, by the workers of a cluster."""
    panel.check(options)
    recipe = PanelRecipe.from_panel(panel)
    task = partial(_batch_ranks, recipe, exclude_near_copies, options)
    return joined_ranks(cluster.results(task, rank_batches(plasmids)), progress)


@lru_cache(maxsize=1)
def opened_panel(recipe: PanelRecipe) -> OpenedPanel:
    """In a worker: the panel, opened once; ArtifactError when it is not what the client opened."""
    return recipe.open()


def _batch_answers(
    recipe: PanelRecipe, request: AnswerRequest, batch: Sequence[Plasmid]
) -> list[Attribution]:
    """In a worker: the answers of one batch."""
    return list(answers_of_batch(opened_panel(recipe), batch, request))


def _batch_ranks(
    recipe: PanelRecipe,
    exclude_near_copies: bool,
    options: ConfidenceOptions,
    batch: Sequence[Plasmid],
) -> TrueRanks:
    """In a worker: where the true labs of one batch are ranked."""
    panel = opened_panel(recipe)
    return batch_ranks(panel, batch, exclude_near_copies=exclude_near_copies, options=options)
