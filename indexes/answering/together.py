"""Plasmids of one unknown lab in, one joint answer with each plasmid's own out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vecattr.attribution import Attribution, Provenance
from vecattr.calibration.outcomes import OutcomeFit
from vecattr.errors import UsageError
from vecattr.indexes.answering.answers import check_request, judged
from vecattr.indexes.answering.attributions import (
    attributions,
    reach_notes,
    right_share,
    strength,
)
from vecattr.indexes.answering.joint_judgement import (
    belongings_of,
    is_calibrated,
    joined,
    joint_fit,
    judge_together,
)
from vecattr.indexes.answering.judgement import Judgement
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.answering.verdict import doubt, fewer_classes, set_note, verdict
from vecattr.indexes.evidence.shown_info import hits_with_info
from vecattr.indexes.search.embedding import in_batches
from vecattr.joint_attribution import TOGETHER, JointAttribution, Member, reach_of
from vecattr.plasmid import Plasmid
from vecattr.vectors import Mask, Rows
from vecattr.version import __version__

#: Said where probabilities of joint answers come from those of single ones.
PLAIN_NOTE = (
    "this index is not calibrated for several plasmids together: probabilities are derived from "
    "those of each"
)


@dataclass(frozen=True)
class AnsweredAlone:
    """Some queries, each answered by itself: the answers, one judgement of all, and which queries
    have features (q,)."""

    answers: tuple[Attribution, ...]
    judgement: Judgement
    featured: Mask

    @classmethod
    def from_plasmids(
        cls,
        panel: OpenedPanel,
        plasmids: Sequence[Plasmid],
        request: AnswerRequest,
        *,
        batch_size: int,
    ) -> AnsweredAlone:
        """Of at least one plasmid."""
        answers: list[Attribution] = []
        judgements, featured = [], []
        for batch in in_batches(plasmids, max_plasmids=batch_size):
            queries, judgement = judged(panel, batch, request, joint=True)
            answers += attributions(panel, queries, judgement, request)
            judgements.append(judgement)
            featured.append(queries.featured)
        return cls(tuple(answers), joined(judgements), np.concatenate(featured))


def answer_together(
    panel: OpenedPanel,
    plasmids: Iterable[Plasmid],
    request: AnswerRequest,
    *,
    batch_size: int,
    group: str = TOGETHER,
) -> JointAttribution:
    """One answer for all plasmids as of one unknown lab. Plasmids that are too short to trust do
    not count, unless all are.

    UsageError for several indexes, for no plasmid, and as in
    `vecattr.indexes.answering.answers.answers`.
    """
    check_request(panel, request, batch_size=batch_size)
    check_one_index(panel)
    members = list(plasmids)
    if not members:
        raise UsageError("there are no plasmids to answer together", hint="give at least one")
    rows = counted_rows(members)
    others = np.setdiff1d(np.arange(len(members)), rows)
    counted = AnsweredAlone.from_plasmids(
        panel, [members[row] for row in rows], request, batch_size=batch_size
    )
    joint = judge_together(
        panel.indexes[0], counted.judgement, counted.featured, request.confidence
    )
    fits = belongings_of(panel.indexes[0], counted.judgement)
    told = dict(zip(rows.tolist(), _members(counted, joint, fits), strict=True))
    if len(others):
        short = AnsweredAlone.from_plasmids(
            panel, [members[row] for row in others], request, batch_size=batch_size
        )
        unstated = [None] * len(others)
        told |= dict(zip(others.tolist(), _members(short, joint, unstated), strict=True))
    everyone = [told[row] for row in range(len(members))]
    fit = joint_fit(panel.indexes[0], counted.featured) if joint.is_joint else None
    return _joint_answer(
        panel,
        everyone,
        joint,
        request,
        group=group,
        left_out=[members[row].id for row in others],
        fit=fit,
        is_doubtful=doubt(members[rows[0]], unread=False) is not None,
    )


def counted_rows(plasmids: Sequence[Plasmid]) -> Rows:
    """The plasmids that count in a joint answer: those that are not too short to trust, or all when
    every one is."""
    rows = [row for row, plasmid in enumerate(plasmids) if doubt(plasmid, unread=False) is None]
    return np.array(rows or range(len(plasmids)), dtype=np.int64)


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
    members: Sequence[Member],
    joint: Judgement,
    request: AnswerRequest,
    *,
    group: str,
    left_out: Sequence[str],
    fit: OutcomeFit | None,
    is_doubtful: bool,
) -> JointAttribution:
    """The joint judgement put into words."""
    confidence = joint.confidence
    size = confidence.size(0, otherwise=request.k)
    hits = hits_with_info(panel.indexes, joint.hits(0, joint.best(0, k=size)))
    outside = confidence.outside_probability(0)
    rating = strength(hits, outside)
    return JointAttribution(
        group=group,
        members=tuple(members),
        labs=hits,
        verdict=verdict(
            doubtful=is_doubtful,
            confidence=float(confidence.confidences[0]),
            threshold=confidence.threshold(0),
        ),
        confidence=float(confidence.confidences[0]),
        threshold=confidence.threshold(0),
        notes=(
            *reach_notes(reach_of(member.answer for member in members), hits),
            *_notes(panel, joint, size, request, left_out),
        ),
        provenance=Provenance(__version__, panel.model_identity, panel.identity),
        work=confidence.work,
        coverage=request.confidence.coverage,
        outside=outside,
        strength=rating,
        right_share=(
            right_share(fit, request.confidence.cases, rating)
            if joint.is_joint
            else members[0].answer.right_share
        ),
    )


def _members(alone: AnsweredAlone, joint: Judgement, fits: Sequence[float | None]) -> list[Member]:
    """Each query's own answer, what it says of the first lab of the joint one, and how likely it
    belongs to the others."""
    if not joint.names:
        return [Member(answer, None, None, None) for answer in alone.answers]
    [first] = joint.best(0, k=1).tolist()
    everyone = len(joint.names)
    return [
        Member(
            answer,
            rank=1 + int(np.flatnonzero(alone.judgement.best(row, k=everyone) == first)[0]),
            probability=alone.judgement.confidence.probability(row, first),
            belonging=fit,
        )
        for row, (answer, fit) in enumerate(zip(alone.answers, fits, strict=True))
    ]


def _notes(
    panel: OpenedPanel,
    joint: Judgement,
    size: int,
    request: AnswerRequest,
    left_out: Sequence[str],
) -> tuple[str, ...]:
    """What a person should read beside the joint answer."""
    confidence = joint.confidence
    is_plain = joint.is_joint and confidence.thresholds is not None
    notes = (
        f"not counted, because too short to trust: {', '.join(left_out)}" if left_out else None,
        PLAIN_NOTE if is_plain and not is_calibrated(panel.indexes[0]) else None,
        fewer_classes(len(joint.names), k=size),
        set_note(
            size,
            coverage=request.confidence.coverage,
            work=confidence.work,
            weighs_outside=confidence.outside is not None,
        ),
    )
    return tuple(note for note in notes if note is not None)
