"""Scores of stored plasmids by the evidence ranker, leave-one-out: a calibration set without them
and the segments in, the set with them out, and the rows that outcomes are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.calibration import Calibration
from vecattr.calibration.calibration_set import HeldOut
from vecattr.calibration.cases import CaseModel
from vecattr.calibration.expectation import CASES
from vecattr.calibration.joint import joint_facts, joint_scores, log_shares
from vecattr.calibration.outcomes import OUTSIDE, CaseRows, fit_outcome
from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.lab_scorer import LabScorer, Maxima, lab_scorer
from vecattr.indexes.storage.live_segment import LiveSegment, living_places, row_numbers
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import PHENOTYPES, EvidenceRanker
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import Codes, Column, Rows

#: At most this many reserved plasmids of each kind of work are scored, evenly spaced, and as many
#: of all of them as if their lab were not stored; fewer in an index of very many labs, so that
#: there are at most so many scores.
MOST = 1_500
_MOST_SCORES = 1 << 27
#: Of so many groups of each case, evenly spaced, so many plasmids are asked about together.
MOST_GROUPS, MOST_TOGETHER = 250, 5


@dataclass(frozen=True)
class LeftOutScores:
    """The held-out plasmids with the ranker's scores of classes, and what outcomes are fitted on,
    without features and with; None where vectors rank alone."""

    held_out: HeldOut
    case_rows: tuple[CaseRows, CaseRows] | None
    scoring: Scoring | None = None

    def with_groups(self, calibration: Calibration) -> Calibration:
        """The calibration with fits for several plasmids of one lab; unchanged without a ranker,
        or when too few groups are reserved."""
        if self.scoring is None or not calibration.weighs_outcomes:
            return calibration
        kinds = (False, True) if calibration.features else (False,)
        fits = [calibration.fits(features=features) for features in kinds]
        outcomes = [fit.outcome for fit in fits if fit.outcome is not None]  # all, as it weighs
        rows = group_rows(self.scoring, [outcome.cases for outcome in outcomes])
        joint = [
            replace(fit, together=fit_outcome(kind_rows))
            for fit, kind_rows in zip(fits, rows, strict=True)
        ]
        return replace(calibration, sequence=joint[0], features=calibration.features and joint[-1])


def with_lab_scores(
    held_out: HeldOut, ranker: EvidenceRanker | None, segments: Sequence[LiveSegment]
) -> LeftOutScores:
    """At most MOST plasmids of each kind of work, with the ranker's scores; without a ranker or
    k-mers the whole set, unchanged.

    A plasmid of new work is scored as if its whole group were not stored, any other as if only
    itself were not; and some of both as if nothing of their lab were, as plasmids of an outside
    lab. One whose lab has nothing else stored is of an outside lab, too.
    """
    scorer = lab_scorer(ranker, segments, held_out.labs.names)
    if scorer is None:
        return LeftOutScores(held_out, None)
    most = most_scored(len(scorer.catalogue.lab_names))
    sample = held_out.where(evenly_spaced(held_out.is_new, most=most))
    scoring = Scoring.from_sample(scorer, sample, segments)
    scoring.score(range(len(sample)), hidden=False)
    scoring.score(range(0, len(sample), -(-len(sample) // most)), hidden=True)
    plain, featured = scoring.case_rows()
    seen = len(sample)
    lab_scores = tuple(
        scorer.class_scores(rows.scores[:seen]).astype(np.float32) for rows in (plain, featured)
    )
    nearest = np.array(scoring.nearest[:seen], dtype=np.float32).T
    sample = replace(
        sample,
        nearest=nearest[0],
        nearest_other=nearest[1],
        lab_scores=(lab_scores[0], lab_scores[1]),
    )
    return LeftOutScores(sample, (plain, featured), scoring)


class JointRow(NamedTuple):
    """Joint scores and facts of some plasmids, without features and, if asked for, with; the code
    of their lab, -1 if nothing of it is left; and their case."""

    kinds: Sequence[tuple[Column, Column]]
    truth: int
    case: int


class Scoring:
    """Collects what the scorer says of held-out plasmids, one after another."""

    def __init__(
        self,
        scorer: LabScorer,
        sample: HeldOut,
        stored: list[tuple[Plasmid, str, int]],
    ) -> None:
        self._scorer, self._sample, self._stored = scorer, sample, stored
        self._cosines = sample.scores(features=False)
        self._lab_codes = {name: code for code, name in enumerate(scorer.catalogue.lab_names)}
        self._class_codes = {name: code for code, name in enumerate(scorer.class_names)}
        self._scores: tuple[list[Column], list[Column]] = ([], [])
        self._facts: tuple[list[Column], list[Column]] = ([], [])
        self._truths: list[int] = []
        self._cases: list[int] = []
        self._groups: list[int] = []
        #: Of each scored plasmid: the cosine of the nearest plasmid, and of the nearest of another
        #: lab.
        self.nearest: list[tuple[float, float]] = []

    @classmethod
    def from_sample(
        cls, scorer: LabScorer, sample: HeldOut, segments: Sequence[LiveSegment]
    ) -> Scoring:
        """Of these held-out plasmids, which the segments store."""
        return cls(scorer, sample, _stored_plasmids(sample, segments))

    def score(self, queries: Sequence[int], *, hidden: bool) -> None:
        """Score some plasmids; `hidden`: as if their labs were not stored at all."""
        left_out = [self._left_out(query, hidden=hidden) for query in queries]
        columns = self._scorer.columns_of(
            [self._stored[query][0] for query in queries],
            self._sample.bare[list(queries)],
            [self._class_cosines(query, hidden=hidden) for query in queries],
            left_out,
        )
        for query, query_columns in zip(queries, columns, strict=True):
            self._collect(query, query_columns)

    def _left_out(self, query: int, *, hidden: bool) -> Rows:
        """The rows that a plasmid is scored without."""
        (_, lab, row), catalogue = self._stored[query], self._scorer.catalogue
        is_new = bool(self._sample.is_new[query])
        left_out = _group_rows(catalogue, row) if is_new else np.array([row])
        if hidden:
            left_out = np.union1d(left_out, self._lab_rows(lab))
        return left_out

    def _lab_rows(self, lab: str) -> Rows:
        """All living rows of a lab."""
        return np.flatnonzero(self._scorer.catalogue.labs == self._lab_codes[lab])

    def _class_cosines(self, query: int, *, hidden: bool) -> Column:
        """The cosines of a plasmid with the classes (c,)."""
        cosines: Column = self._cosines[query]
        lab = self._stored[query][1]
        if hidden and lab in self._class_codes:
            cosines = cosines.copy()
            cosines[self._class_codes[lab]] = -1.0
        return cosines

    def _collect(self, query: int, columns: dict[str, Column]) -> None:
        plasmid, lab, row = self._stored[query]
        is_new, lab_code = bool(self._sample.is_new[query]), self._lab_codes[lab]
        nearest_of_others = np.delete(columns["nearest"], lab_code)
        self.nearest.append(
            (float(columns["nearest"].max(initial=-1)), float(nearest_of_others.max(initial=-1)))
        )
        is_outside = columns["plasmids"][lab_code] == 0
        self._truths.append(-1 if is_outside else lab_code)
        self._cases.append(OUTSIDE if is_outside else CASES.index("new" if is_new else "known"))
        self._groups.append(int(self._scorer.catalogue.groups[row]))
        self._keep(plasmid, columns, features=True)
        for name in PHENOTYPES:
            columns.pop(name, None)
        self._keep(plasmid, columns, features=False)

    def groups(self, *, is_new: bool) -> list[list[int]]:
        """Plasmids that are asked about together: of new work those of one group, of known work
        some of one lab; at least 2 and at most MOST_TOGETHER of each, MOST_GROUPS groups."""
        found: dict[int | str, list[int]] = {}
        for query in np.flatnonzero(self._sample.is_new == is_new).tolist():
            _, lab, row = self._stored[query]
            key = int(self._scorer.catalogue.groups[row]) if is_new else lab
            found.setdefault(key, []).append(query)
        parts = [
            queries[start : start + MOST_TOGETHER]
            for queries in found.values()
            for start in range(0, 1 if is_new else len(queries), MOST_TOGETHER)
        ]
        several = [part for part in parts if len(part) > 1]
        return several[:: max(1, -(-len(several) // MOST_GROUPS))]

    def score_together(
        self, members: Sequence[int], cases: Sequence[CaseModel], *, hidden: bool
    ) -> JointRow:
        """Some plasmids as if none of them, nor, if they are of new work, their group were stored,
        without features and, if there are two case models, with them."""
        catalogue = self._scorer.catalogue
        rows = [self._stored[query][2] for query in members]
        is_new, lab = bool(self._sample.is_new[members[0]]), self._stored[members[0]][1]
        left_out = _group_rows(catalogue, rows[0]) if is_new else np.array(sorted(rows))
        if hidden:
            left_out = np.union1d(left_out, self._lab_rows(lab))
        plasmids = [self._stored[query][0] for query in members]
        columns = list(
            self._scorer.columns_of(
                plasmids,
                self._sample.bare[list(members)],
                [self._class_cosines(query, hidden=hidden) for query in members],
                [left_out] * len(members),
            )
        )
        lab_code = self._lab_codes[lab]
        is_outside = columns[0]["plasmids"][lab_code] == 0
        bare = [{name: c[name] for name in c if name not in PHENOTYPES} for c in columns]
        return JointRow(
            [
                self._joint(plasmids, kind_columns, model)
                for model, kind_columns in zip(cases, (bare, columns), strict=False)
            ],
            -1 if is_outside else lab_code,
            OUTSIDE if is_outside else CASES.index("new" if is_new else "known"),
        )

    def _joint(
        self, plasmids: Sequence[Plasmid], columns: Sequence[dict[str, Column]], cases: CaseModel
    ) -> tuple[Column, Column]:
        """Joint scores (l,) and facts (f,) of some plasmids from the ranker's inputs of each."""
        scores, _, facts = zip(*map(self._scorer.evidence_of, plasmids, columns), strict=True)
        maxima = reduce(Maxima.joined, map(Maxima, columns))
        logarithms = log_shares(np.stack(scores))
        pooled = log_shares(self._scorer.scores_of(maxima)[None, :])[0]
        joint = joint_scores(logarithms, pooled)
        return joint, joint_facts(cases.log_likelihoods(np.stack(facts)), logarithms, joint)

    def _keep(self, plasmid: Plasmid, columns: dict[str, Column], *, features: bool) -> None:
        scores, _, facts = self._scorer.evidence_of(plasmid, columns)
        self._scores[features].append(scores.astype(np.float32))
        self._facts[features].append(facts)

    def case_rows(self) -> tuple[CaseRows, CaseRows]:
        """What was collected, without features and with; the plasmids of one group together count
        as the square root of their number."""
        _, places, counts = np.unique(self._groups, return_inverse=True, return_counts=True)
        truths: Codes = np.array(self._truths, dtype=np.int64)
        cases = np.array(self._cases, dtype=np.int64)
        weights: Column = counts[places].astype(np.float64) ** -0.5
        plain, featured = (
            CaseRows(np.stack(scores), truths, cases, np.stack(facts), weights)
            for scores, facts in zip(self._scores, self._facts, strict=True)
        )
        return plain, featured


def group_rows(scoring: Scoring, cases: Sequence[CaseModel]) -> list[CaseRows]:
    """What the outcomes of joint answers are fitted on, for each of the case models, without
    features first: plasmids of one group of new work without that group, and once more without
    their lab; and plasmids of known work of one lab, all of them left out."""
    new, known = scoring.groups(is_new=True), scoring.groups(is_new=False)
    asked = [*((members, False) for members in new + known), *((members, True) for members in new)]
    rows = [scoring.score_together(members, cases, hidden=hidden) for members, hidden in asked]
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


def _stored_plasmids(
    held_out: HeldOut, segments: Sequence[LiveSegment]
) -> list[tuple[Plasmid, str, int]]:
    """Each plasmid as it is stored, with its true lab and its row over all segments."""
    places = living_places(segments, held_out.ids)
    row_of = row_numbers(segments, places)
    plasmids = []
    for name in held_out.ids:
        segment, row = places[name]
        stored = segment.plasmid(row)
        assert stored.bases is not None, "segments with k-mers keep bases"
        features = (
            dict(zip(stored.features[0], stored.features[1], strict=True))
            if stored.features
            else None
        )
        plasmid = Plasmid(name, unpack_bases(stored.bases), stored.topology, features)
        plasmids.append((plasmid, stored.lab, row_of[name]))
    return plasmids


def _group_rows(catalogue: Catalogue, row: int) -> Rows:
    """All living rows of a row's group."""
    return np.flatnonzero((catalogue.groups == catalogue.groups[row]) & (catalogue.labs >= 0))
