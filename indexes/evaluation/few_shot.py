"""How well would new labs be found? Their plasmids and an index in, accuracy by shots out.

Each repeat draws some plasmids of every new lab as supports, makes of them what
`vecattr.indexes.editing.add.add_labs` would make, and ranks the new labs' other plasmids among all
labs, the index's and the new ones: by cosines (`Newcomers`), or, where the index ranks by a fusion,
by that (`ScoredNewcomers`). Vectors are made once; nothing is trained or written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evaluation.few_shot_scored import ScoredNewcomers
from vecattr.indexes.evaluation.new_plasmids import added_vector
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
from vecattr.indexes.search.embedding import Progress
from vecattr.indexes.storage.live_segment import discriminant_of
from vecattr.metrics.bootstrap import group_codes
from vecattr.metrics.ranking import Ranks, mean_ranks
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant
from vecattr.vectors import Vectors


def few_shot_accuracy(
    index: OpenedIndex,
    plasmids: Sequence[Plasmid],
    *,
    shots: Sequence[int],
    repeats: int,
    seed: int,
    progress: Progress,
) -> dict[str, ByShots]:
    """By protocol: `few_shot` draws supports at random (a lab gives at most all but one of its
    plasmids, and is asked about with the others); `few_shot_disjoint` draws those of a query's own
    lab from other groups than the query's (fewer when there are fewer) and asks about every plasmid
    whose lab has another group; the other new labs are made as in `few_shot`, of the same draws.

    InputError for a plasmid of a lab that the index knows.
    """
    if index.scorer is not None:
        fused = ScoredNewcomers.of(index, plasmids)
        return fused.figures(shots=shots, repeats=repeats, seed=seed, progress=progress)
    fresh = Newcomers.of(index, plasmids, progress=progress)
    asked = {"few_shot": fresh.few_shot, "few_shot_disjoint": fresh.few_shot_disjoint}
    return {
        name: {number: ask(shots=number, repeats=repeats, seed=seed) for number in shots}
        for name, ask in asked.items()
    }


@dataclass(frozen=True)
class Newcomers:
    """Plasmids of new labs: cosines with the classes of an index (q, n), unit vectors made of the
    sequences alone (q, d), the numbers of lab and group of each (q,)."""

    cosines: NDArray[np.float64]
    vectors: Vectors
    labs: Codes
    groups: Codes
    discriminant: Discriminant | None

    @classmethod
    def of(
        cls, index: OpenedIndex, plasmids: Sequence[Plasmid], *, progress: Progress
    ) -> Newcomers:
        """InputError for a plasmid of a lab that is a class of the index already."""
        refuse_known(plasmids, frozenset(index.lab_names))
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

    def few_shot(self, *, shots: int, repeats: int, seed: int) -> Shots:
        """As in `few_shot_accuracy`."""
        drawings = orders(self.labs, repeats=repeats, seed=seed)
        return Shots.of([self._ranks(order, shots) for order in drawings])

    def few_shot_disjoint(self, *, shots: int, repeats: int, seed: int) -> Shots:
        """As in `few_shot_accuracy`."""
        drawings = orders(self.labs, repeats=repeats, seed=seed)
        return Shots.of([self._disjoint(order, shots) for order in drawings])

    def _ranks(self, order: Sequence[Codes], shots: int) -> Ranks:
        scores, columns = self._scores(order, shots)
        asked = np.concatenate([rows[len(drawn(rows, shots)) :] for rows in order])
        asked = asked[columns[asked] >= 0]
        return mean_ranks(scores[asked], columns[asked])

    def _disjoint(self, order: Sequence[Codes], shots: int) -> Ranks:
        scores, columns = self._scores(order, shots)
        asked: list[Codes] = []
        for rows in order:
            for group in np.unique(self.groups[rows]):
                outside = drawn_outside(rows, shots, groups=self.groups, group=group)
                if len(outside):
                    mine = rows[self.groups[rows] == group]
                    vector = self.lab_vector(outside)
                    scores[mine, columns[mine]] = self._with(vector[None, :], mine)[:, 0]
                    asked.append(mine)
        queries = np.concatenate([np.zeros(0, dtype=np.intp), *asked])
        return mean_ranks(scores[queries], columns[queries])

    def _scores(
        self, order: Sequence[Codes], shots: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Cosines with all labs, the new ones last (q, n + m), and the column of each plasmid's own
        lab (q,), -1 for a lone plasmid, which leaves none to support its lab."""
        columns = np.full(len(self.labs), -1, dtype=np.intp)
        vectors: list[Vectors] = []
        for rows in order:
            if len(mine := drawn(rows, shots)):
                columns[rows] = self.cosines.shape[1] + len(vectors)
                vectors.append(self.lab_vector(mine))
        made = np.stack(vectors) if vectors else np.zeros((0, self.vectors.shape[1]))
        everything = np.arange(len(self.labs))
        return np.hstack([self.cosines, self._with(made, everything)]), columns

    def _with(self, labs: NDArray[np.floating], rows: Codes) -> NDArray[np.float64]:
        """Cosines of some plasmids with lab vectors (m, d), (r, m)."""
        mine, theirs = self.vectors[rows].astype(np.float64), labs.astype(np.float64)
        mine /= np.linalg.norm(mine, axis=1, keepdims=True)
        theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
        found: NDArray[np.float64] = np.clip(mine @ theirs.T, -1.0, 1.0)  # (r, d) @ (d, m)
        return found

    def lab_vector(self, supports: Codes) -> Vectors:
        """What adding a lab with these plasmids makes of it, (d,)."""
        return added_vector(self.vectors[supports], self.discriminant)
