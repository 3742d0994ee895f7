"""Plasmids of new labs that are not stored: what an index would know of them once some were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evaluation.support_draws import Codes
from vecattr.indexes.scoring.lab_features import SHARPNESSES, log_votes
from vecattr.indexes.scoring.phenotype_odds import Alike, Tally
from vecattr.indexes.scoring.shape_odds import Likes, Shapes
from vecattr.indexes.storage.kmer_schema import sketch_of
from vecattr.indexes.storage.lab_parts import mean_part
from vecattr.indexes.storage.segment import MISSING_FEATURE
from vecattr.indexes.storage.segment_kmers import joined_ranges
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant
from vecattr.sequences.composition import composition
from vecattr.sequences.kmers import Hashes
from vecattr.vectors import Vectors

Column = NDArray[np.float64]


def added_vector(vectors: Vectors, discriminant: Discriminant | None) -> Vectors:
    """What adding a lab with plasmids of these vectors (n, d) makes of it, (d,)."""
    mean = mean_part("new", vectors).vector
    return mean if discriminant is None else discriminant.direction(mean)


@dataclass(frozen=True)
class Supports:
    """The plasmids with which m labs are added: which of the n they are (n,), and of each lab how
    many (m,), from how many groups (m,), their features (m, f), and the lab's vector (m, d), of
    length 1 but for labs without any, 0."""

    chosen: NDArray[np.bool_]
    plasmids: NDArray[np.int64]
    works: NDArray[np.int64]
    tally: Tally
    vectors: NDArray[np.float64]


@dataclass(frozen=True)
class NewPlasmids:
    """n plasmids of m labs, those of a lab together, with their vectors by sequence alone (n, d),
    the numbers of lab and group of each (n,), and the names of the features of index and plasmids
    (f,)."""

    plasmids: Sequence[Plasmid]
    vectors: Vectors
    labs: Codes
    groups: Codes
    feature_names: tuple[str, ...]
    discriminant: Discriminant | None

    def __len__(self) -> int:
        return len(self.plasmids)

    @cached_property
    def first_of_lab(self) -> Codes:
        """Where each lab begins (m,)."""
        return np.searchsorted(self.labs, np.arange(self.labs.max() + 1))

    @cached_property
    def values(self) -> NDArray[np.uint8]:
        """The features (n, f), MISSING_FEATURE where one is not known."""
        rows = [
            [(one.features or {}).get(name, MISSING_FEATURE) for name in self.feature_names]
            for one in self.plasmids
        ]
        return np.array(rows, dtype=np.uint8).reshape(len(self), len(self.feature_names))

    @cached_property
    def _sketches(self) -> list[Hashes]:
        return [sketch_of(one.sequence, circular=one.is_circular) for one in self.plasmids]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many k-mers each has (n,)."""
        return np.array([len(one) for one in self._sketches], dtype=np.int64)

    @cached_property
    def _holders(self) -> tuple[Hashes, NDArray[np.int64]]:
        """The k-mers of all and who has each, (e,), by k-mer, lab and group."""
        hashes = np.concatenate(self._sketches)
        rows = np.repeat(np.arange(len(self)), self.sizes)
        order = np.lexsort((self.groups[rows], self.labs[rows], hashes))
        return hashes[order], rows[order]

    def postings(self, distinct: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of these ascending k-mers (m,) the plasmids have, and which plasmids, (e,), by
        k-mer, lab and group."""
        hashes, rows = self._holders
        starts = np.searchsorted(hashes, distinct, side="left")
        counts = np.searchsorted(hashes, distinct, side="right") - starts
        at = joined_ranges(starts, counts)  # (e,)
        return np.repeat(np.arange(len(distinct)), counts), rows[at]

    def supports(self, rows_of_lab: Sequence[Codes]) -> Supports:
        """Each lab with these of its rows."""
        labs, width = len(rows_of_lab), self.vectors.shape[1]
        shape = labs, len(self.feature_names)
        found = Supports(
            np.zeros(len(self), dtype=bool),
            np.zeros(labs, dtype=np.int64),
            np.zeros(labs, dtype=np.int64),
            Tally(np.zeros(shape), np.zeros(shape)),
            np.zeros((labs, width)),
        )
        for lab, rows in enumerate(rows_of_lab):
            self._put(found, lab, rows)
        return found

    def with_lab(self, supports: Supports, lab: int, rows: Codes) -> Supports:
        """The same, one lab with other rows."""
        found = replace(
            supports,
            chosen=supports.chosen & (self.labs != lab),
            plasmids=supports.plasmids.copy(),
            works=supports.works.copy(),
            tally=Tally(supports.tally.having.copy(), supports.tally.knowing.copy()),
            vectors=supports.vectors.copy(),
        )
        self._put(found, lab, rows)
        return found

    def _put(self, supports: Supports, lab: int, rows: Codes) -> None:
        """Fill in one lab, which has none so far."""
        supports.chosen[rows] = True
        supports.plasmids[lab] = len(rows)
        supports.works[lab] = len(np.unique(self.groups[rows]))
        supports.tally.having[lab] = (self.values[rows] == 1).sum(axis=0)
        supports.tally.knowing[lab] = (self.values[rows] != MISSING_FEATURE).sum(axis=0)
        if len(rows):
            vector = added_vector(self.vectors[rows], self.discriminant).astype(np.float64)
            supports.vectors[lab] = vector / np.linalg.norm(vector)

    def likes(self, plasmid: Plasmid, chosen: NDArray[np.bool_]) -> Likes:
        """What each lab has that is like a query, of the chosen plasmids (n,)."""
        count = len(self.first_of_lab)
        return Likes.of(plasmid, self._shapes.some(chosen), self.labs[chosen], count=count)

    def alike(
        self, columns: Sequence[int], has: NDArray[np.bool_], chosen: NDArray[np.bool_]
    ) -> Alike:
        """What each lab has that is like a query that has some of these features (a,), of the
        chosen plasmids (n,)."""
        values = self.values[chosen][:, columns].T
        return Alike.of(values, has, self.labs[chosen], count=len(self.first_of_lab))

    @cached_property
    def _shapes(self) -> Shapes:
        """Of each (n,)."""
        return Shapes(
            np.log([len(one) for one in self.plasmids]),
            np.array([not one.is_circular for one in self.plasmids]),
            np.stack(
                [composition(one.sequence, circular=one.is_circular) for one in self.plasmids]
            ),
        )

    def near(self, vector: Vectors) -> Near:
        """How near each is to a query (d,)."""
        return Near(self.first_of_lab, (self.vectors @ vector).astype(np.float64))


@dataclass(frozen=True)
class Near:
    """The cosines of a query with n plasmids (n,), and where each of their m labs begins (m,)."""

    first: Codes
    cosines: Column

    @cached_property
    def _votes(self) -> dict[int, Column]:
        return {sharp: np.exp(sharp * (self.cosines - 1)) for sharp in SHARPNESSES}

    def columns(self, chosen: NDArray[np.bool_]) -> dict[str, Column]:
        """What `vecattr.indexes.scoring.lab_features` says of the vectors of the chosen ones (n,),
        (m,)."""
        cosines = np.where(chosen, self.cosines, -1.0)
        found = {"nearest": np.clip(np.maximum.reduceat(cosines, self.first), -1, 1)}
        for sharp, votes in self._votes.items():
            total = np.add.reduceat(np.where(chosen, votes, 0.0), self.first)
            found[f"votes{sharp}"] = log_votes(total, sharp)
        return found
