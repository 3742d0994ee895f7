"""Plasmids of one unknown lab in, one joint answer with each plasmid's own out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from vecattr.attribution import Attribution, Provenance
from vecattr.errors import UsageError
from vecattr.indexes.answering.answers import check_request
from vecattr.indexes.answering.attributions import attributions, strength
from vecattr.indexes.answering.embedded_queries import EmbeddedQueries, embed_queries
from vecattr.indexes.answering.joint_judgement import joined, judge_together
from vecattr.indexes.answering.judgement import Judgement, judge
from vecattr.indexes.answering.lab_scores import score_labs
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.answering.verdict import doubt, fewer_classes, set_note, verdict
from vecattr.indexes.search.embedding import in_batches
from vecattr.joint_attribution import TOGETHER, JointAttribution, Member
from vecattr.plasmid import Plasmid
from vecattr.vectors import Rows
from vecattr.version import __version__


@dataclass
class _AnsweredAlone:
    """What is known of each query by itself: its answer, its judgement, and why no answer to it is
    to be trusted, if so."""

    answers: list[Attribution] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    doubts: list[str | None] = field(default_factory=list)

    def add(self, panel: OpenedPanel, queries: EmbeddedQueries, request: AnswerRequest) -> None:
        """Judge and answer some queries one by one."""
        judgement = judge(panel, queries, score_labs(panel, queries), request.confidence)
        self.judgements.append(judgement)
        self.answers += attributions(panel, queries, judgement, request)
        self.doubts += [
            doubt(plasmid, unread=is_unread)
            for plasmid, is_unread in zip(queries.plasmids, queries.unread.tolist(), strict=True)
        ]

    @property
    def trusted(self) -> Rows:
        """The queries that count in the joint answer: those without doubt, or all if every one is
        doubtful."""
        rows = [row for row, reason in enumerate(self.doubts) if reason is None]
        return np.array(rows or range(len(self.doubts)), dtype=np.int64)

    @property
    def all_are_doubtful(self) -> bool:
        """Is no query to be trusted?"""
        return None not in self.doubts


def answer_together(
    panel: OpenedPanel,
    plasmids: Iterable[Plasmid],
    request: AnswerRequest,
    *,
    batch_size: int,
    group: str = TOGETHER,
) -> JointAttribution:
    """One answer for all plasmids as of one unknown lab. Queries that are not to be trusted (too
    short, or of which the model knows no part) do not count, unless all are.

    UsageError for several indexes, for no plasmid, and as in
    `vecattr.indexes.answering.answers.answers`.
    """
    check_request(panel, request, batch_size=batch_size)
    check_one_index(panel)
    members = _AnsweredAlone()
    for batch in in_batches(plasmids, max_plasmids=batch_size):
        queries = embed_queries(
            panel,
            batch,
            neighbors=request.neighbors,
            exclude_near_copies=request.exclude_near_copies,
        )
        members.add(panel, queries, request)
    if not members.answers:
        raise UsageError("there are no plasmids to answer together", hint="give at least one")
    everything = joined(members.judgements)
    joint = judge_together(panel.indexes[0], everything, members.trusted, request.confidence)
    return _joint_answer(panel, members, everything, joint, request, group=group)


def check_one_index(panel: OpenedPanel) -> None:
    """UsageError for several indexes: ranks are fused there, which state nothing to join."""
    if not panel.is_one_index:
        raise UsageError(
            f"several plasmids are answered with each other's help by one index, not by "
            f"{len(panel.indexes)}",
            hint="give one index, or ask about each plasmid by itself",
        )


def _joint_answer(
    panel: OpenedPanel,
    members: _AnsweredAlone,
    everything: Judgement,
    joint: Judgement,
    request: AnswerRequest,
    *,
    group: str,
) -> JointAttribution:
    """The joint judgement put into words."""
    confidence = joint.confidence
    size = confidence.size(0, otherwise=request.k)
    hits = joint.hits(0, joint.best(0, k=size))
    outside = confidence.outside_probability(0)
    return JointAttribution(
        group=group,
        members=tuple(_members(members.answers, everything, joint)),
        labs=hits,
        verdict=verdict(
            doubtful=members.all_are_doubtful,
            confidence=float(confidence.confidences[0]),
            threshold=confidence.threshold(0),
        ),
        confidence=float(confidence.confidences[0]),
        threshold=confidence.threshold(0),
        notes=_notes(members, joint, size, request),
        provenance=Provenance(__version__, panel.model_identity, panel.identity),
        work=confidence.work,
        coverage=request.confidence.coverage,
        outside=outside,
        strength=strength(hits, outside),
    )


def _members(
    answers: Sequence[Attribution], everything: Judgement, joint: Judgement
) -> list[Member]:
    """Each query's own answer, and what it says of the first lab of the joint one."""
    if not joint.names:
        return [Member(answer, None, None, None) for answer in answers]
    [first] = joint.best(0, k=1).tolist()
    return [
        Member(
            answer,
            rank=1 + int(np.flatnonzero(everything.best(row, k=len(joint.names)) == first)[0]),
            probability=everything.confidence.probability(row, first),
            belonging=None,
        )
        for row, answer in enumerate(answers)
    ]


def _notes(
    members: _AnsweredAlone, joint: Judgement, size: int, request: AnswerRequest
) -> tuple[str, ...]:
    """What a person should read beside the joint answer."""
    confidence = joint.confidence
    doubtful = [
        answer.query
        for answer, reason in zip(members.answers, members.doubts, strict=True)
        if reason is not None
    ]
    left_out = f"not counted, because not to be trusted: {', '.join(doubtful)}"
    notes = (
        left_out if doubtful and not members.all_are_doubtful else None,
        fewer_classes(len(joint.names), k=size),
        set_note(
            size,
            coverage=request.confidence.coverage,
            work=confidence.work,
            weighs_outside=confidence.outside is not None,
        ),
    )
    return tuple(note for note in notes if note is not None)
