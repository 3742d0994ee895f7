"""Plasmids of any labs in; answers in which plasmids that share rare stretches help each other
out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from vecattr.attribution import Attribution, Link
from vecattr.indexes.answering.answers import answers_of_batch, check_request, judged
from vecattr.indexes.answering.attributions import attributions
from vecattr.indexes.answering.joint_judgement import judge_linked
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.answering.together import check_one_index
from vecattr.indexes.evidence.links import LinkFinder, linked_groups
from vecattr.plasmid import Plasmid
from vecattr.vectors import Codes, Rows

#: The most links that one answer tells, the largest shares first.
MOST_TOLD = 100


def answer_linked(
    panel: OpenedPanel, plasmids: Iterable[Plasmid], request: AnswerRequest, *, batch_size: int
) -> Iterator[Attribution]:
    """One answer for each plasmid, in order, once all are read: plasmids that a chain of links
    (`vecattr.indexes.evidence.links`) joins are ranked together, others alone.

    At once, UsageError for several indexes, for an index without k-mers, and as in
    `vecattr.indexes.answering.answers.answers`.
    """
    check_request(panel, request, batch_size=batch_size)
    check_one_index(panel)
    finder = LinkFinder(panel.indexes[0])
    return _answers(panel, plasmids, request, finder, batch_size=batch_size)


def batches_of_groups(groups: Codes, *, batch_size: int) -> Iterator[Rows]:
    """The rows of each group that has several, and all others in batches of at most so many."""
    sizes = np.bincount(groups)
    alone = np.flatnonzero(sizes[groups] == 1)
    for start in range(0, len(alone), batch_size):
        yield alone[start : start + batch_size]
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(sizes)
    for size, end in zip(sizes.tolist(), ends.tolist(), strict=True):
        if size > 1:
            yield order[end - size : end]


def _answers(
    panel: OpenedPanel,
    plasmids: Iterable[Plasmid],
    request: AnswerRequest,
    finder: LinkFinder,
    *,
    batch_size: int,
) -> Iterator[Attribution]:
    everyone = list(plasmids)
    links = finder.links(everyone)
    told: dict[int, Attribution] = {}
    for rows in batches_of_groups(linked_groups(links), batch_size=batch_size):
        batch = [everyone[row] for row in rows.tolist()]
        is_linked = bool(links[rows[0]])
        answer = _answers_of_group if is_linked else answers_of_batch
        told |= dict(zip(rows.tolist(), answer(panel, batch, request), strict=True))
    for row, query_links in enumerate(links):
        by_share = sorted(query_links, key=lambda link: (-link.share, everyone[link.other].id))
        shown = [Link(everyone[link.other].id, link.share, link.kmers) for link in by_share]
        yield replace(told[row], links=tuple(shown[:MOST_TOLD]))


def _answers_of_group(
    panel: OpenedPanel, plasmids: Sequence[Plasmid], request: AnswerRequest
) -> Iterator[Attribution]:
    """The answers of plasmids that links join."""
    queries, alone = judged(panel, plasmids, request, joint=True)
    helped = judge_linked(panel.indexes[0], alone, queries.featured, request.confidence)
    return attributions(panel, queries, helped, request)
