"""Plasmids of any labs in; answers in which plasmids that share rare stretches help each other
out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from vecattr.attribution import Attribution, Link
from vecattr.indexes.answering.answers import check_request
from vecattr.indexes.answering.attributions import attributions
from vecattr.indexes.answering.embedded_queries import EmbeddedQueries, embed_queries
from vecattr.indexes.answering.joint_judgement import joined, judge_linked, rows_of
from vecattr.indexes.answering.judgement import Judgement, judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.answering.together import check_one_index
from vecattr.indexes.evidence.links import LinkFinder, links_between
from vecattr.indexes.search.embedding import in_batches
from vecattr.plasmid import Plasmid


def answer_linked(
    panel: OpenedPanel, plasmids: Iterable[Plasmid], request: AnswerRequest, *, batch_size: int
) -> Iterator[Attribution]:
    """One answer for each plasmid, in order, once all are read: judged together with those that it
    is linked with (`vecattr.indexes.evidence.links`), alone where there are none.

    At once, UsageError for several indexes, for an index without k-mers, and as in
    `vecattr.indexes.answering.answers.answers`.
    """
    check_request(panel, request, batch_size=batch_size)
    check_one_index(panel)
    finder = LinkFinder(panel.indexes[0])
    return _answers(panel, plasmids, request, finder, batch_size=batch_size)


def _answers(
    panel: OpenedPanel,
    plasmids: Iterable[Plasmid],
    request: AnswerRequest,
    finder: LinkFinder,
    *,
    batch_size: int,
) -> Iterator[Attribution]:
    batches: list[tuple[EmbeddedQueries, Judgement]] = []
    for batch in in_batches(plasmids, max_plasmids=batch_size):
        queries = embed_queries(
            panel,
            batch,
            neighbors=request.neighbors,
            exclude_near_copies=request.exclude_near_copies,
        )
        judgement = judge(panel, queries, score_labs(panel, queries), request.confidence)
        batches.append((queries, judgement))
    if not batches:
        return
    everyone = [plasmid for queries, _ in batches for plasmid in queries.plasmids]
    names = [plasmid.id for plasmid in everyone]
    links = links_between([finder.rare_kmers(plasmid) for plasmid in everyone])
    alone = joined([judgement for _, judgement in batches])
    helped = judge_linked(panel.indexes[0], alone, links, request.confidence)
    start = 0
    for queries, _ in batches:
        rows = np.arange(start, start + len(queries.plasmids))
        batch_answers = attributions(panel, queries, rows_of(helped, rows), request)
        for row, answer in zip(rows.tolist(), batch_answers, strict=True):
            yield replace(
                answer,
                links=tuple(Link(names[link.other], link.share, link.kmers) for link in links[row]),
            )
        start += len(rows)
