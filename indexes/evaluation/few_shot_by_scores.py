"""Few-shot evaluation of an index that ranks by an evidence ranker: plasmids of new labs in,
accuracy out.

Queries are the outer loop, because most of the work on a query does not depend on the draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vecattr.indexes.evaluation.accuracy_by_shots import AccuracyByShots, FewShotAccuracy
from vecattr.indexes.evaluation.new_plasmids import NewPlasmids, SupportSet
from vecattr.indexes.evaluation.rescoring import LIKELIEST, Rescoring
from vecattr.indexes.evaluation.simulated_query import SimulatedQuery
from vecattr.indexes.evaluation.support_draws import (
    check_labs_are_new,
    disjoint_supports,
    random_supports,
    support_orders,
)
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.scoring.opened_index import BATCH, OpenedIndex
from vecattr.indexes.search.embedding import Progress, QueryVectors
from vecattr.metrics.bootstrap import group_codes
from vecattr.plasmid import Plasmid
from vecattr.vectors import Cosines, Rows

PROTOCOLS = ("few_shot", "few_shot_disjoint")

#: A protocol, a number of shots and a repeat: the ranks that are counted together.
RankKey = tuple[str, int, int]


@dataclass(frozen=True)
class SupportDraw:
    """One repeat with one number of shots: the rows of each new lab in the order in which they
    become supports, and the supports."""

    shots: int
    repeat: int
    order: tuple[Rows, ...]
    supports: SupportSet


@dataclass(frozen=True)
class FewShotByScores:
    """q plasmids of new labs, ordered by lab, and the index that ranks them: their vectors, and
    their cosines with the index's classes (q, c)."""

    rescoring: Rescoring
    vectors: QueryVectors
    cosines: Cosines

    @classmethod
    def from_plasmids(
        cls,
        index: OpenedIndex,
        scorer: LabScorer,
        plasmids: Sequence[Plasmid],
        *,
        likeliest: int | None = LIKELIEST,
    ) -> FewShotByScores:
        """Embed the plasmids; InputError for one of a lab that is in the index already, also when
        it is pooled. `scorer` is the index's; `likeliest` as in `Rescoring`."""
        lab_names = frozenset((*index.lab_names, *scorer.catalogue.lab_names))
        check_labs_are_new(plasmids, lab_names)
        labs = group_codes([plasmid.lab for plasmid in plasmids])
        order = np.argsort(labs, kind="stable")
        by_lab = tuple(plasmids[row] for row in order.tolist())
        vectors = _embedded(index, by_lab)
        features = (plasmid.features or {} for plasmid in plasmids)
        new_plasmids = NewPlasmids(
            by_lab,
            vectors.bare,
            labs[order],
            group_codes([plasmid.group for plasmid in by_lab]),
            tuple(sorted(set(scorer.phenotype_odds.names).union(*features))),
            index.discriminant,
            scorer.lab_features.scaled,
        )
        rescoring = Rescoring(scorer, new_plasmids, likeliest)
        return cls(rescoring, vectors, index.lab_cosines(vectors))

    @property
    def new_plasmids(self) -> NewPlasmids:
        """The plasmids with what an index would store of them."""
        return self.rescoring.new_plasmids

    def accuracy(
        self, *, shots: Sequence[int], repeats: int, seed: int, progress: Progress
    ) -> dict[str, AccuracyByShots]:
        """As in `vecattr.indexes.evaluation.few_shot.few_shot_accuracy`; `progress` is called for
        each query."""
        draws = self._draws(shots, repeats=repeats, seed=seed)
        ranks: dict[RankKey, list[float]] = {
            (protocol, number, repeat): []
            for protocol in PROTOCOLS
            for number in shots
            for repeat in range(repeats)
        }
        for query in range(len(self.vectors)):
            for key, rank in self._ranks(query, draws):
                ranks[key].append(rank)
            progress(1)
        return {
            protocol: {
                number: FewShotAccuracy.from_ranks(
                    [np.array(ranks[protocol, number, repeat]) for repeat in range(repeats)]
                )
                for number in shots
            }
            for protocol in PROTOCOLS
        }

    def _draws(self, shots: Sequence[int], *, repeats: int, seed: int) -> list[SupportDraw]:
        new_plasmids = self.new_plasmids
        orders = support_orders(new_plasmids.labs, repeats=repeats, seed=seed)
        return [
            SupportDraw(
                number,
                repeat,
                tuple(order),
                new_plasmids.support_set([random_supports(rows, number) for rows in order]),
            )
            for repeat, order in enumerate(orders)
            for number in shots
        ]

    def _ranks(self, query: int, draws: Sequence[SupportDraw]) -> Iterator[tuple[RankKey, float]]:
        """The ranks of a query's lab, one for each protocol and draw in which it is a query."""
        new_plasmids = self.new_plasmids
        lab, group = int(new_plasmids.labs[query]), int(new_plasmids.groups[query])
        simulated = self.simulated_query(query)
        for draw in draws:
            rank: float | None = None
            rows, groups = draw.order[lab], new_plasmids.groups
            supports = random_supports(rows, draw.shots)
            if len(supports) and query not in supports:
                rank = simulated.rank(draw.supports, lab)
                yield ("few_shot", draw.shots, draw.repeat), rank
            disjoint = disjoint_supports(rows, draw.shots, groups=groups, group=group)
            if len(disjoint):
                if rank is None or not np.array_equal(supports, disjoint):
                    support_set = new_plasmids.with_lab_replaced(draw.supports, lab, disjoint)
                    rank = simulated.rank(support_set, lab)
                yield ("few_shot_disjoint", draw.shots, draw.repeat), rank

    def simulated_query(self, query: int) -> SimulatedQuery:
        """One of the plasmids as a query."""
        return SimulatedQuery.from_plasmid(
            self.rescoring,
            self.vectors.plasmids[query],
            self.vectors.bare[query],
            self.cosines[query],
        )


def _embedded(index: OpenedIndex, plasmids: tuple[Plasmid, ...]) -> QueryVectors:
    batches = [
        index.embed(plasmids[start : start + BATCH]) for start in range(0, len(plasmids), BATCH)
    ]
    return QueryVectors(
        np.concatenate([batch.full for batch in batches]),
        np.concatenate([batch.bare for batch in batches]),
        plasmids=plasmids,
    )
