"""Scores of stored plasmids by the evidence ranker, leave-one-out: a calibration set without them
and the segments in, the set with them out, and the rows that outcomes are fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.calibration import Calibration
from vecattr.calibration.calibration_set import HeldOut
from vecattr.calibration.cases import CaseModel
from vecattr.calibration.outcomes import CaseRows, fit_outcome
from vecattr.indexes.calibrating.held_out_scoring import (
    Asked,
    Run,
    Scored,
    Scoring,
    Workers,
    running,
)
from vecattr.indexes.joining.joined_kmers import PlacedJoin
from vecattr.indexes.scoring.lab_scorer import LabScorer, lab_scorer
from vecattr.indexes.scoring.query_facts import GIVEN_AWAY
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.ranking.evidence_ranker import EvidenceRanker
from vecattr.vectors import Column, Scores

#: At most this many reserved plasmids of each kind of work are scored, evenly spaced, and as many
#: of all of them as if their lab were not stored; fewer in an index of very many labs, so that
#: there are at most so many scores.
MOST = 6_000
_MOST_SCORES = 1 << 27
#: Scored plasmids of each kind of work that are kept to calibrate several indexes together.
MOST_KEPT = 1_500
#: Queries that are scored, and whose scores are widened, at once.
_QUERIES_AT_ONCE = 64
#: Groups of a few plasmids each that are scored at once.
_GROUPS_AT_ONCE = 16


@dataclass(frozen=True)
class LeftOutScores:
    """The held-out plasmids with the ranker's scores of classes, and what outcomes are fitted on,
    without features and with; None where vectors rank alone."""

    held_out: HeldOut
    case_rows: tuple[CaseRows, CaseRows] | None
    scoring: Scoring | None = None
    run: Run | None = None

    def with_groups(self, calibration: Calibration) -> Calibration:
        """The calibration with fits for several plasmids of one lab; unchanged without a ranker,
        or when too few groups are reserved."""
        if self.scoring is None or self.run is None or not calibration.weighs_outcomes:
            return calibration
        kinds = (False, True) if calibration.features else (False,)
        fits = [calibration.fits(features=features) for features in kinds]
        outcomes = [fit.outcome for fit in fits if fit.outcome is not None]  # all, as it weighs
        rows = group_rows(self.scoring, self.run, [outcome.cases for outcome in outcomes])
        joint = [
            replace(fit, together=fit_outcome(kind_rows))
            for fit, kind_rows in zip(fits, rows, strict=True)
        ]
        return replace(calibration, sequence=joint[0], features=calibration.features and joint[-1])


@contextmanager
def left_out_scores(
    held_out: HeldOut,
    ranker: EvidenceRanker | None,
    segments: Sequence[LiveSegment],
    workers: Workers | None = None,
    joined: tuple[PlacedJoin, ...] = (),
) -> Iterator[LeftOutScores]:
    """At most MOST_KEPT plasmids of each kind of work, with the ranker's scores, and the outcomes
    of at most MOST; without a ranker or k-mers the whole set, unchanged. `workers` score, unless
    there are few plasmids; `joined` are the joined k-mers of the segments.

    A plasmid of new work is scored as if its whole group were not stored, any other as if only
    itself were not; and some of both as if nothing of their lab were, as plasmids of an outside
    lab. One whose lab has nothing else stored is of an outside lab, too.
    """
    scorer = lab_scorer(ranker, segments, held_out.labs.names, joined=joined)
    if scorer is None or ranker is None:
        yield LeftOutScores(held_out, None)
        return
    most = most_scored(len(scorer.catalogue.lab_names))
    sample = held_out.where(evenly_spaced(held_out.is_new, most=most))
    scoring = Scoring.from_sample(scorer, sample, segments)
    seen = range(len(sample))
    asked = list(_blocks(seen, hidden_step=-(-len(seen) // most)))
    with running(scoring, workers, ranker=ranker, sample=sample) as run:
        blocks = list(run(Scoring.score, asked))
        scored = [*chain.from_iterable(blocks[::2]), *chain.from_iterable(blocks[1::2])]
        nearest = np.array([one.nearest for one in scored[: len(seen)]], dtype=np.float32)
        plain, featured = _case_rows(scored)
        kept = evenly_spaced(sample.is_new, most=MOST_KEPT)
        lab_scores = [_class_scores(scorer, rows.scores[kept]) for rows in (plain, featured)]
        held_out = replace(
            sample.where(kept),
            nearest=nearest[kept, 0],
            nearest_other=nearest[kept, 1],
            lab_scores=(lab_scores[0], lab_scores[1]),
        )
        yield LeftOutScores(held_out, (plain, featured), scoring, run)


def _blocks(queries: Sequence[int], *, hidden_step: int) -> Iterator[Asked]:
    """Some queries, and then every so many of them as if their labs were not stored: their k-mers
    are known by then."""
    hidden = queries[::hidden_step]
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = queries[start : start + _QUERIES_AT_ONCE]
        yield block, False
        yield [query for query in block if query in hidden], True


def _case_rows(scored: list[Scored]) -> tuple[CaseRows, CaseRows]:
    """Without features and with; the plasmids of one group together count as the square root of
    their number. The list is empty then, so that memory holds its scores once."""
    groups = [one.group for one in scored]
    _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    truths = np.array([one.truth for one in scored], dtype=np.int64)
    cases = np.array([one.case for one in scored], dtype=np.int64)
    weights: Column = counts[places].astype(np.float64) ** -0.5
    facts = [np.stack([one.facts[kind] for one in scored]) for kind in (0, 1)]
    shape = len(scored), len(scored[0].scores[0])
    scores = [np.empty(shape, dtype=np.float32) for _ in range(2)]
    for row in reversed(range(len(scored))):
        scores[0][row], scores[1][row] = scored.pop().scores
    plain, featured = (
        CaseRows(cast("Scores", kind_scores), truths, cases, kind_facts, weights, GIVEN_AWAY)
        for kind_scores, kind_facts in zip(scores, facts, strict=True)
    )
    return plain, featured


def _class_scores(scorer: LabScorer, scores: Scores) -> NDArray[np.float32]:
    """Scores of classes (q, c) from those of labs (q, l), a few queries at a time."""
    parts = [np.zeros((0, len(scorer.class_names)), dtype=np.float32)]
    for start in range(0, len(scores), _QUERIES_AT_ONCE):
        some = scorer.class_scores(scores[start : start + _QUERIES_AT_ONCE])
        parts.append(some.astype(np.float32))
    return np.concatenate(parts)


def group_rows(scoring: Scoring, run: Run, cases: Sequence[CaseModel]) -> list[CaseRows]:
    """What the outcomes of joint answers are fitted on, for each of the case models, without
    features first: plasmids of one group of new work without that group, and once more without
    their lab; and plasmids of known work of one lab, all of them left out."""
    new, known = scoring.groups(is_new=True), scoring.groups(is_new=False)
    asked = [*((members, False) for members in new + known), *((members, True) for members in new)]
    blocks = [
        asked[start : start + _GROUPS_AT_ONCE] for start in range(0, len(asked), _GROUPS_AT_ONCE)
    ]
    rows = list(chain.from_iterable(run(partial(Scoring.score_together, cases=cases), blocks)))
    return [
        CaseRows(
            np.array([row.kinds[kind][0] for row in rows], dtype=np.float32),
            np.array([row.truth for row in rows], dtype=np.int64),
            np.array([row.case for row in rows], dtype=np.int64),
            np.array([row.kinds[kind][1] for row in rows]),
            np.ones(len(rows)),
        )
        for kind in range(len(cases))
    ]


def most_scored(labs: int) -> int:
    """How many reserved plasmids of each kind of work are scored in an index of so many labs: three
    times as many scores of each lab are kept, without features and with."""
    return max(1, min(MOST, _MOST_SCORES // (6 * max(1, labs))))


def evenly_spaced(is_new: NDArray[np.bool_], *, most: int) -> NDArray[np.intp]:
    """At most so many rows of each kind, evenly spaced."""
    kinds = [np.flatnonzero(is_new == kind) for kind in (False, True)]
    return np.sort(np.concatenate([rows[:: max(1, -(-len(rows) // most))] for rows in kinds]))
