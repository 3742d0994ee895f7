"""Few-shot evaluation of an index that ranks by a fusion: plasmids of new labs in, shares out.

Queries are the outer loop, because most of the work on a query does not depend on the draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evaluation.new_plasmids import NewPlasmids, Supports
from vecattr.indexes.evaluation.rescoring import LIKELIEST, Rescoring
from vecattr.indexes.evaluation.simulated_query import SimulatedQuery
from vecattr.indexes.evaluation.support_draws import (
    ByShots,
    Codes,
    Shots,
    drawn,
    drawn_outside,
    orders,
    refuse_known,
)
from vecattr.indexes.scoring.opened_index import BATCH, OpenedIndex
from vecattr.indexes.search.embedding import Progress, QueryVectors
from vecattr.metrics.bootstrap import group_codes
from vecattr.plasmid import Plasmid

#: A protocol, a number of shots and a repeat: which ranks are counted together.
Bin = tuple[str, int, int]


@dataclass(frozen=True)
class ScoredNewcomers:
    """Plasmids of new labs (q,), those of a lab together, before an index that ranks by a fusion;
    their vectors, and their cosines with its classes (q, c)."""

    stage: Rescoring
    vectors: QueryVectors
    cosines: NDArray[np.float64]

    @classmethod
    def of(
        cls, index: OpenedIndex, plasmids: Sequence[Plasmid], *, likeliest: int | None = LIKELIEST
    ) -> ScoredNewcomers:
        """InputError for a plasmid of a lab that is in the index already, in the pool too;
        `likeliest` as in `vecattr.indexes.evaluation.rescoring.Rescoring`."""
        labs = index.scorer
        assert labs is not None, "only an index with a fusion ranks by one"
        refuse_known(plasmids, frozenset((*index.lab_names, *labs.catalogue.lab_names)))
        codes = group_codes([plasmid.lab for plasmid in plasmids])
        order = np.argsort(codes, kind="stable")
        sorted_plasmids = tuple(plasmids[row] for row in order.tolist())
        batches = [
            index.embed(sorted_plasmids[start : start + BATCH])
            for start in range(0, len(plasmids), BATCH)
        ]
        vectors = QueryVectors(
            np.concatenate([batch.full for batch in batches]),
            np.concatenate([batch.bare for batch in batches]),
            plasmids=sorted_plasmids,
        )
        given = (plasmid.features or {} for plasmid in plasmids)
        arrivals = NewPlasmids(
            sorted_plasmids,
            vectors.bare,
            codes[order],
            group_codes([plasmid.group for plasmid in sorted_plasmids]),
            tuple(sorted(set(labs.phenotype_odds.names).union(*given))),
            index.discriminant,
        )
        return cls(Rescoring(labs, arrivals, likeliest), vectors, index.lab_cosines(vectors))

    def figures(
        self, *, shots: Sequence[int], repeats: int, seed: int, progress: Progress
    ) -> dict[str, ByShots]:
        """As in `few_shot_accuracy`; `progress` is called for each plasmid asked about."""
        draws = self._draws(shots, repeats=repeats, seed=seed)
        protocols = "few_shot", "few_shot_disjoint"
        bins = [(name, n, repeat) for name in protocols for n in shots for repeat in range(repeats)]
        ranks: dict[Bin, list[float]] = {one: [] for one in bins}
        for query in range(len(self.vectors)):
            for key, rank in self._ranks(query, draws):
                ranks[key].append(rank)
            progress(1)
        return {
            name: {
                n: Shots.of([np.array(ranks[name, n, repeat]) for repeat in range(repeats)])
                for n in shots
            }
            for name in protocols
        }

    def _draws(self, shots: Sequence[int], *, repeats: int, seed: int) -> list[Draw]:
        arrivals = self.stage.arrivals
        return [
            Draw(
                number,
                repeat,
                tuple(order),
                arrivals.supports([drawn(rows, number) for rows in order]),
            )
            for repeat, order in enumerate(orders(arrivals.labs, repeats=repeats, seed=seed))
            for number in shots
        ]

    def _ranks(self, query: int, draws: Sequence[Draw]) -> Iterator[tuple[Bin, float]]:
        """Of one query after each draw in which it is asked about."""
        arrivals = self.stage.arrivals
        lab, group = int(arrivals.labs[query]), int(arrivals.groups[query])
        asked = self.rehearsal(query)
        for draw in draws:
            rank: float | None = None
            mine = drawn(draw.order[lab], draw.shots)
            if len(mine) and query not in mine:
                rank = asked.rank(draw.supports, lab)
                yield ("few_shot", draw.shots, draw.repeat), rank
            others = drawn_outside(draw.order[lab], draw.shots, groups=arrivals.groups, group=group)
            if len(others):
                if rank is None or not np.array_equal(mine, others):
                    rank = asked.rank(arrivals.with_lab(draw.supports, lab, others), lab)
                yield ("few_shot_disjoint", draw.shots, draw.repeat), rank

    def rehearsal(self, query: int) -> SimulatedQuery:
        """One of the plasmids as a query."""
        [plasmid] = self.vectors.plasmids[query : query + 1]
        return SimulatedQuery.of(self.stage, plasmid, self.vectors.bare[query], self.cosines[query])


@dataclass(frozen=True)
class Draw:
    """The rows of each new lab in the order in which they become supports, and so many of each."""

    shots: int
    repeat: int
    order: tuple[Codes, ...]
    supports: Supports
