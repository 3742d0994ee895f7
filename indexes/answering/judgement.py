"""What is thought of queries before it is put into words: scores of labs in, ranked hits out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Hit
from vecattr.indexes.scoring.confidence import Confidence


@dataclass(frozen=True)
class Judgement:
    """Of q queries and n labs: `scores` sort them, `cosines` are the means over the indexes that
    know the lab, both (q, n); of one index they are the same. `sure` says how sure they are."""

    scores: NDArray[np.float64]
    cosines: NDArray[np.float64]
    sure: Confidence

    def best(self, query: int, *, k: int) -> NDArray[np.intp]:
        """Columns of the k best labs of one query, best first, ties by name (names ascend)."""
        return np.argsort(-self.scores[query], kind="stable")[:k]

    def hits(
        self, query: int, columns: NDArray[np.integer], *, names: Sequence[str]
    ) -> tuple[Hit, ...]:
        """Some labs of one query, in the order of their `columns`, under their `names` (n,)."""
        scores, cosines = self.scores[query], self.cosines[query]
        return tuple(
            Hit(
                names[lab],
                float(scores[lab]),
                float(cosines[lab]),
                self.sure.probability(query, lab),
            )
            for lab in columns.tolist()
        )
