"""How well would new labs be found? Their plasmids and an index in, accuracy by shots out.

Each repeat draws some plasmids of every new lab as supports, makes the lab vectors that
`vecattr.indexes.add.add_labs` would make of them, and ranks the new labs' other plasmids among all
labs, the index's and the new ones. Vectors are made once; nothing is trained or written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.background import Background
from vecattr.errors import InputError
from vecattr.indexes.embedding import Progress
from vecattr.indexes.engine import BATCH, Index
from vecattr.indexes.labs import mean_part
from vecattr.indexes.live import background_of
from vecattr.intervals import group_codes
from vecattr.metrics import Ranks, mean_ranks, top_share
from vecattr.plasmid import Plasmid
from vecattr.table import Vectors

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Shots:
    """Mean shares over the repeats; `sd` is the standard deviation of top-10 between repeats, `n`
    the number of plasmids asked about in each repeat."""

    top1: float | None
    top10: float | None
    sd: float | None
    n: int

    @classmethod
    def of(cls, repeats: Sequence[Ranks]) -> Shots:
        """Of the ranks of each repeat."""
        if not len(repeats[0]):
            return cls(None, None, None, 0)
        tops = [[top_share(ranks, k=k) for ranks in repeats] for k in (1, 10)]
        sd = float(np.std(tops[1], ddof=1)) if len(repeats) > 1 else None
        return cls(float(np.mean(tops[0])), float(np.mean(tops[1])), sd, len(repeats[0]))


@dataclass(frozen=True)
class Newcomers:
    """Plasmids of new labs: cosines with the classes of an index (q, n), unit vectors made of the
    sequences alone (q, d), the numbers of lab and group of each (q,)."""

    cosines: NDArray[np.float64]
    vectors: Vectors
    labs: Codes
    groups: Codes
    background: Background | None

    @classmethod
    def of(cls, index: Index, plasmids: Sequence[Plasmid], *, progress: Progress) -> Newcomers:
        """InputError for a plasmid of a lab that is a class of the index already."""
        known = frozenset(index.lab_names)
        for plasmid in plasmids:
            if plasmid.lab in known:
                raise InputError(
                    f"the index knows the lab {plasmid.lab!r} already",
                    where=f"record {plasmid.id!r}",
                    hint="choose plasmids of labs that the index lacks",
                )
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
            background_of(index.segments),
        )

    def few_shot(self, *, shots: int, repeats: int, seed: int) -> Shots:
        """Supports at random; a lab gives at most all but one of its plasmids, and is asked about
        with the others."""
        return Shots.of([self._ranks(order, shots) for order in self._orders(repeats, seed)])

    def few_shot_disjoint(self, *, shots: int, repeats: int, seed: int) -> Shots:
        """Supports of a query's own lab from other groups than the query's (fewer when there are
        fewer); every plasmid is asked about whose lab has another group. The other new labs are
        made as in `few_shot`, of the same draws."""
        return Shots.of([self._disjoint(order, shots) for order in self._orders(repeats, seed)])

    def _orders(self, repeats: int, seed: int) -> Iterator[list[Codes]]:
        """For each repeat the rows of each lab in the order in which they become supports, so
        that one shot is the first of five."""
        members = [np.flatnonzero(self.labs == lab) for lab in range(self.labs.max() + 1)]
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat])
            yield [rng.permutation(rows) for rows in members]

    def _ranks(self, order: Sequence[Codes], shots: int) -> Ranks:
        scores, columns = self._scores(order, shots)
        asked = np.concatenate([rows[_drawn(rows, shots) :] for rows in order])
        asked = asked[columns[asked] >= 0]
        return mean_ranks(scores[asked], columns[asked])

    def _disjoint(self, order: Sequence[Codes], shots: int) -> Ranks:
        scores, columns = self._scores(order, shots)
        asked: list[Codes] = []
        for rows in order:
            for group in np.unique(self.groups[rows]):
                outside = rows[self.groups[rows] != group][:shots]
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
            if drawn := _drawn(rows, shots):
                columns[rows] = self.cosines.shape[1] + len(vectors)
                vectors.append(self.lab_vector(rows[:drawn]))
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
        mean = mean_part("new", self.vectors[supports]).vector
        return mean if self.background is None else self.background.direction(mean)


def _drawn(rows: Codes, shots: int) -> int:
    """How many supports a lab gives: one plasmid is left to ask about."""
    return min(shots, len(rows) - 1)
