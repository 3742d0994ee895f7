"""Held-out plasmids scored as if they were not stored: a scorer and plasmids in, scores of labs and
facts out, by this process or by several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.calibration_set import HeldOut
from vecattr.calibration.cases import CaseModel
from vecattr.calibration.expectation import CASES
from vecattr.calibration.joint import joint_facts, joint_scores, log_shares
from vecattr.calibration.outcomes import OUTSIDE
from vecattr.indexes.answering.worker_pool import worker_pool
from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.joining.joined_kmers import open_joined
from vecattr.indexes.scoring.lab_scorer import LabScorer, Maxima, lab_scorer
from vecattr.indexes.storage.live_segment import (
    LiveSegment,
    living_places,
    open_segments,
    row_numbers,
)
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.stored_plasmids import as_plasmid
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import EvidenceRanker, without_phenotypes
from vecattr.ranking.lab_columns import LabColumns
from vecattr.vectors import Column, Rows

#: Of so many groups of each case, evenly spaced, so many plasmids are asked about together.
MOST_GROUPS, MOST_TOGETHER = 250, 5
#: With fewer plasmids one process takes less time than it takes to start others.
FEW = 400

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Some held-out plasmids by their number, and whether they are asked about as if their labs were
#: not stored at all.
Asked = tuple[Sequence[int], bool]


class Scored(NamedTuple):
    """What the scorer says of one plasmid: scores of labs (l,) and facts (f,), without features and
    with; the code of its lab, -1 if nothing of it is left; its case and its group; the cosine of
    the nearest plasmid, and of the nearest of another lab."""

    scores: tuple[NDArray[np.float32], NDArray[np.float32]]
    facts: tuple[Column, Column]
    truth: int
    case: int
    group: int
    nearest: tuple[float, float]


class JointRow(NamedTuple):
    """Joint scores and facts of some plasmids, without features and, if asked for, with; the code
    of their lab, -1 if nothing of it is left; and their case."""

    kinds: Sequence[tuple[NDArray[np.float32], Column]]
    truth: int
    case: int


class Scoring:
    """Scores held-out plasmids without themselves, or without more of what is stored."""

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

    @classmethod
    def from_sample(
        cls, scorer: LabScorer, sample: HeldOut, segments: Sequence[LiveSegment]
    ) -> Scoring:
        """Of these held-out plasmids, which the segments store."""
        return cls(scorer, sample, _stored_plasmids(sample, segments))

    def score(self, asked: Asked) -> list[Scored]:
        """Score some plasmids, each by itself. A plasmid of new work is scored as if its whole
        group were not stored, any other as if only itself were not."""
        queries, hidden = asked
        columns = self._scorer.columns_of(
            [self._stored[query][0] for query in queries],
            self._sample.bare[list(queries)],
            [self._class_cosines(query, hidden=hidden) for query in queries],
            [self._left_out([query], hidden=hidden) for query in queries],
        )
        return [self._scored(query, one) for query, one in zip(queries, columns, strict=True)]

    def _scored(self, query: int, columns: LabColumns) -> Scored:
        plasmid, lab, row = self._stored[query]
        lab_code = self._lab_codes[lab]
        nearest_of_others = np.delete(columns["nearest"], lab_code)
        kinds = (without_phenotypes(columns), columns)
        scores, _, facts = zip(
            *(self._scorer.evidence_of(plasmid, kind) for kind in kinds), strict=True
        )
        return Scored(
            (scores[0].astype(np.float32), scores[1].astype(np.float32)),
            (facts[0], facts[1]),
            *self._truth(query, columns),
            int(self._scorer.catalogue.groups[row]),
            (float(columns["nearest"].max(initial=-1)), float(nearest_of_others.max(initial=-1))),
        )

    def _truth(self, query: int, columns: LabColumns) -> tuple[int, int]:
        """The code of a plasmid's lab, -1 if nothing of it is left, and the plasmid's case."""
        lab_code = self._lab_codes[self._stored[query][1]]
        if columns["plasmids"][lab_code] == 0:
            return -1, OUTSIDE
        return lab_code, CASES.index("new" if self._sample.is_new[query] else "known")

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

    def score_together(self, groups: Sequence[Asked], cases: Sequence[CaseModel]) -> list[JointRow]:
        """Of each group of plasmids, as if none of them, nor, if they are of new work, their group
        were stored, without features and, if there are two case models, with them."""
        asked = [(query, hidden) for members, hidden in groups for query in members]
        queries = [query for query, _ in asked]
        left_out = [
            rows
            for members, hidden in groups
            for rows in [self._left_out(members, hidden=hidden)] * len(members)
        ]
        columns = self._scorer.columns_of(
            [self._stored[query][0] for query in queries],
            self._sample.bare[queries],
            [self._class_cosines(query, hidden=hidden) for query, hidden in asked],
            left_out,
        )
        return [
            self._joint_row(members, [next(columns) for _ in members], cases)
            for members, _ in groups
        ]

    def _left_out(self, members: Sequence[int], *, hidden: bool) -> Rows:
        """The rows that some plasmids, one or several, are scored without."""
        rows = [self._stored[query][2] for query in members]
        is_new, lab = bool(self._sample.is_new[members[0]]), self._stored[members[0]][1]
        left_out: Rows = np.array(sorted(rows))
        if is_new:
            left_out = _group_rows(self._scorer.catalogue, rows[0])
        return np.union1d(left_out, self._lab_rows(lab)) if hidden else left_out

    def _joint_row(
        self,
        members: Sequence[int],
        columns: Sequence[LabColumns],
        cases: Sequence[CaseModel],
    ) -> JointRow:
        plasmids = [self._stored[query][0] for query in members]
        bare = list(map(without_phenotypes, columns))
        return JointRow(
            [
                self._joint(plasmids, kind_columns, model)
                for model, kind_columns in zip(cases, (bare, columns), strict=False)
            ],
            *self._truth(members[0], columns[0]),
        )

    def _joint(
        self, plasmids: Sequence[Plasmid], columns: Sequence[LabColumns], cases: CaseModel
    ) -> tuple[NDArray[np.float32], Column]:
        """Joint scores (l,) and facts (f,) of some plasmids from the ranker's inputs of each."""
        scores, _, facts = zip(*map(self._scorer.evidence_of, plasmids, columns), strict=True)
        maxima = reduce(Maxima.joined, map(Maxima, columns))
        logarithms = log_shares(np.stack(scores))
        pooled = log_shares(self._scorer.scores_of(maxima)[None, :])[0]
        joint = joint_scores(logarithms, pooled)
        facts_of_all = joint_facts(cases.log_likelihoods(np.stack(facts)), logarithms, joint)
        return joint.astype(np.float32), facts_of_all


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
        plasmids.append((as_plasmid(stored), stored.lab, row_of[name]))
    return plasmids


def _group_rows(catalogue: Catalogue, row: int) -> Rows:
    """All living rows of a row's group."""
    return np.flatnonzero((catalogue.groups == catalogue.groups[row]) & (catalogue.labs >= 0))


class Run(Protocol):
    """What applies a task to items: the scoring and an item in, a result out, in order."""

    def __call__(
        self, task: Callable[[Scoring, Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]: ...


@dataclass(frozen=True)
class Workers:
    """Worker processes that score: how many, and the index that they open; `few` plasmids are not
    worth it."""

    processes: int
    path: Path
    manifest: Manifest
    few: int = FEW


@contextmanager
def running(
    scoring: Scoring, workers: Workers | None, *, ranker: EvidenceRanker, sample: HeldOut
) -> Iterator[Run]:
    """What runs tasks: this process with its own scoring, or workers each with one like it."""
    if workers is None or len(sample) < workers.few:
        yield lambda task, items: (task(scoring, item) for item in items)
        return
    recipe = _Recipe(workers.path, workers.manifest, ranker, sample)
    with worker_pool(recipe.open, _done, processes=workers.processes) as results:
        yield lambda task, items: results((task, item) for item in items)


@dataclass(frozen=True)
class _Recipe:
    """What a worker needs to make the scoring of a sample."""

    path: Path
    manifest: Manifest
    ranker: EvidenceRanker
    sample: HeldOut

    def open(self) -> Scoring:
        segments = open_segments(self.path, self.manifest)
        joined = open_joined(self.path, segments)
        scorer = lab_scorer(self.ranker, segments, self.sample.labs.names, joined=joined)
        assert scorer is not None, "the segments that this process scores"
        return Scoring.from_sample(scorer, self.sample, segments)


def _done(scoring: Scoring, order: tuple[Callable[[Scoring, Any], Any], Any]) -> Any:
    """In a worker: the result of a task."""
    task, item = order
    return task(scoring, item)
