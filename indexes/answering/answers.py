"""Answers to queries: plasmids and a panel of indexes in, one attribution for each plasmid out.

The way of a batch is walked once: embed, score, judge, tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from vecattr.attribution import Attribution
from vecattr.errors import ArtifactError
from vecattr.indexes.answering.attributions import attributions
from vecattr.indexes.answering.embedded_queries import EmbeddedQueries, embed_queries
from vecattr.indexes.answering.judgement import Judgement, judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest, at_least
from vecattr.indexes.evidence.near_copies import check_bases_kept
from vecattr.indexes.search.embedding import in_batches
from vecattr.plasmid import Plasmid
from vecattr.ranking.rank_fusion import Fusion

#: So many queries take one process less time than it takes to start others.
FEW = 128


def answers(
    panel: OpenedPanel,
    plasmids: Iterable[Plasmid],
    request: AnswerRequest,
    *,
    batch_size: int,
    processes: int = 1,
) -> Iterator[Attribution]:
    """One answer for each plasmid, in order, as they come. At once, not at the first answer:
    UsageError as in `check_request`. `processes` are started when more than FEW plasmids come."""
    at_least(1, processes=processes)
    check_request(panel, request, batch_size=batch_size)
    batches = in_batches(plasmids, max_plasmids=batch_size)
    if processes > 1:
        return _in_processes(panel, batches, request, processes=processes)
    return chain.from_iterable(answers_of_batch(panel, batch, request) for batch in batches)


def check_request(panel: OpenedPanel, request: AnswerRequest, *, batch_size: int) -> None:
    """UsageError for a batch size below 1, and when the panel cannot tell near copies, has no
    evidence, does not know a lab to show it for, or cannot promise a coverage."""
    at_least(1, batch_size=batch_size)
    if request.exclude_near_copies:
        check_bases_kept(panel.indexes)
    if request.evidence is not None:
        from vecattr.indexes.evidence.stretches import check_kmers_kept  # start-up

        check_kmers_kept(panel.indexes)
        panel.check_labs(request.evidence_for)
    panel.check(request.confidence)


def judged(
    panel: OpenedPanel, batch: Sequence[Plasmid], request: AnswerRequest, *, joint: bool = False
) -> tuple[EmbeddedQueries, Judgement]:
    """Some plasmids, embedded and searched for together, and the order of labs of each; `joint`:
    with what a joint answer to them needs."""
    queries = embed_queries(
        panel,
        batch,
        neighbors=request.neighbors,
        exclude_near_copies=request.exclude_near_copies,
    )
    labs = score_labs(panel, queries, joint=joint)
    return queries, judge(panel, queries, labs, request.confidence)


def answers_of_batch(
    panel: OpenedPanel, batch: Sequence[Plasmid], request: AnswerRequest
) -> Iterator[Attribution]:
    """The answers of some plasmids, embedded and searched for together."""
    queries, judgement = judged(panel, batch, request)
    return attributions(panel, queries, judgement, request)


@dataclass(frozen=True)
class PanelRecipe:
    """What another process needs to open the same generation of a panel."""

    paths: tuple[str, ...]
    fusion: Fusion
    weights: tuple[float, ...]
    identity: str
    exact: bool

    @classmethod
    def from_panel(cls, panel: OpenedPanel) -> PanelRecipe:
        """Of the generations that a panel has opened."""
        paths = tuple(str(index.path) for index in panel.indexes)
        exact = all(index.exact for index in panel.indexes)
        return cls(paths, panel.fusion, panel.weights, panel.identity, exact)

    def open(self) -> OpenedPanel:
        """The panel again; ArtifactError when an index changed since it was opened first."""
        panel = OpenedPanel.open(
            self.paths, fusion=self.fusion, weights=self.weights, threads=1, exact=self.exact
        )
        if panel.identity != self.identity:
            raise ArtifactError(
                "the index was changed while it was asked",
                where=", ".join(self.paths),
                hint="ask again",
            )
        return panel


def _in_processes(
    panel: OpenedPanel,
    batches: Iterator[list[Plasmid]],
    request: AnswerRequest,
    *,
    processes: int,
) -> Iterator[Attribution]:
    """The same by several processes, unless there are too few plasmids for that to pay."""
    first: list[list[Plasmid]] = []
    for batch in batches:
        first.append(batch)
        if sum(map(len, first)) > FEW:
            break
    else:
        for batch in first:
            yield from answers_of_batch(panel, batch, request)
        return
    from vecattr.indexes.answering.worker_pool import results_in_order  # start-up

    recipe = PanelRecipe.from_panel(panel)
    work = partial(_answer_list, request)
    for batch_answers in results_in_order(
        recipe.open, work, chain(first, batches), processes=processes
    ):
        yield from batch_answers


def _answer_list(
    request: AnswerRequest, panel: OpenedPanel, batch: Sequence[Plasmid]
) -> list[Attribution]:
    """The answers of one batch, complete, as a worker process sends them."""
    return list(answers_of_batch(panel, batch, request))
