"""Few-shot evaluation of an index that ranks by cosines: plasmids of new labs in, accuracy out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evaluation.accuracy_by_shots import FewShotAccuracy
from vecattr.indexes.evaluation.new_plasmids import added_vector
from vecattr.indexes.evaluation.support_draws import (
    check_labs_are_new,
    disjoint_supports,
    random_supports,
    support_orders,
)
from vecattr.indexes.scoring.opened_index import BATCH, OpenedIndex
from vecattr.indexes.search.embedding import Progress
from vecattr.indexes.storage.live_segment import discriminant_of
from vecattr.metrics.bootstrap import group_codes
from vecattr.metrics.ranking import mean_ranks
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant
from vecattr.vectors import Codes, Cosines, Ranks, Rows, Vectors


@dataclass(frozen=True)
class FewShotByCosines:
    """q plasmids of new labs: their cosines with the n classes of an index (q, n), their unit
    vectors by sequence alone (q, d), and the numbers of the lab and group of each (q,)."""

    cosines: Cosines
    vectors: Vectors
    labs: Codes
    groups: Codes
    discriminant: Discriminant | None

    @classmethod
    def from_plasmids(
        cls, index: OpenedIndex, plasmids: Sequence[Plasmid], *, progress: Progress
    ) -> FewShotByCosines:
        """Embed the plasmids; InputError for one of a lab that is a class of the index already."""
        check_labs_are_new(plasmids, frozenset(index.lab_names))
        cosines, vectors = [], []
        for start in range(0, len(plasmids), BATCH):
            batch = index.embed(plasmids[start : start + BATCH])
            cosines.append(index.lab_cosines(batch))
            vectors.append(batch.bare)
            progress(len(batch))
        return cls(
            np.concatenate(cosines),
            np.concatenate(vectors),
            group_codes([plasmid.lab for plasmid in plasmids]),
            group_codes([plasmid.group for plasmid in plasmids]),
            discriminant_of(index.segments),
        )

    def few_shot(self, *, shots: int, repeats: int, seed: int) -> FewShotAccuracy:
        """As in `vecattr.indexes.evaluation.few_shot.few_shot_accuracy`."""
        orders = support_orders(self.labs, repeats=repeats, seed=seed)
        return FewShotAccuracy.from_ranks([self._ranks(order, shots) for order in orders])

    def few_shot_disjoint(self, *, shots: int, repeats: int, seed: int) -> FewShotAccuracy:
        """As in `vecattr.indexes.evaluation.few_shot.few_shot_accuracy`."""
        orders = support_orders(self.labs, repeats=repeats, seed=seed)
        return FewShotAccuracy.from_ranks([self._disjoint_ranks(order, shots) for order in orders])

    def _ranks(self, order: Sequence[Rows], shots: int) -> Ranks:
        cosines, true_columns = self._cosines_with_all_labs(order, shots)
        queries = np.concatenate([rows[len(random_supports(rows, shots)) :] for rows in order])
        queries = queries[true_columns[queries] >= 0]
        return mean_ranks(cosines[queries], true_columns[queries])

    def _disjoint_ranks(self, order: Sequence[Rows], shots: int) -> Ranks:
        cosines, true_columns = self._cosines_with_all_labs(order, shots)
        queries: list[Rows] = [np.zeros(0, dtype=np.intp)]
        for rows in order:
            for group in np.unique(self.groups[rows]):
                supports = disjoint_supports(rows, shots, groups=self.groups, group=group)
                if len(supports):
                    group_rows = rows[self.groups[rows] == group]
                    vectors = self.lab_vector(supports)[None, :]
                    true_cosines = self._cosines_with(vectors, group_rows)[:, 0]
                    cosines[group_rows, true_columns[group_rows]] = true_cosines
                    queries.append(group_rows)
        all_queries = np.concatenate(queries)
        return mean_ranks(cosines[all_queries], true_columns[all_queries])

    def _cosines_with_all_labs(self, order: Sequence[Rows], shots: int) -> tuple[Cosines, Codes]:
        """Cosines with all labs, the m new ones last (q, n + m), and the column of each plasmid's
        own lab (q,), -1 where the lab has a single plasmid and so no support."""
        true_columns = np.full(len(self.labs), -1, dtype=np.intp)
        vectors: list[Vectors] = []
        for rows in order:
            if len(supports := random_supports(rows, shots)):
                true_columns[rows] = self.cosines.shape[1] + len(vectors)
                vectors.append(self.lab_vector(supports))
        new_vectors = np.stack(vectors) if vectors else np.zeros((0, self.vectors.shape[1]))
        new_cosines = self._cosines_with(new_vectors, np.arange(len(self.labs)))
        return np.hstack([self.cosines, new_cosines]), true_columns

    def _cosines_with(self, lab_vectors: NDArray[np.floating], rows: Rows) -> Cosines:
        """Cosines of r of the plasmids with lab vectors (m, d), (r, m)."""
        queries, labs = self.vectors[rows].astype(np.float64), lab_vectors.astype(np.float64)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        labs /= np.linalg.norm(labs, axis=1, keepdims=True)
        cosines: Cosines = np.clip(queries @ labs.T, -1.0, 1.0)  # (r, d) @ (d, m)
        return cosines

    def lab_vector(self, supports: Rows) -> Vectors:
        """The vector (d,) that a lab gets when it is added with these plasmids."""
        return added_vector(self.vectors[supports], self.discriminant)
