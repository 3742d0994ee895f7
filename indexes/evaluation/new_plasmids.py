"""Plasmids of new labs, not stored: the plasmids in, what an index would know of some of them, once
these were added, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.lab_features import QueryKmers
from vecattr.indexes.scoring.lab_similarities import log_votes
from vecattr.indexes.scoring.phenotype_odds import FeatureCounts, FeatureMatches
from vecattr.indexes.scoring.shape_odds import PlasmidShapes, ShapeMatches
from vecattr.indexes.search.kernels import SHARPNESSES
from vecattr.indexes.storage.kmer_schema import SCALED
from vecattr.indexes.storage.lab_parts import mean_part
from vecattr.indexes.storage.segment import MISSING_FEATURE
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant
from vecattr.sequences.composition import composition
from vecattr.sequences.kmers import Hashes
from vecattr.sequences.postings import Postings, joined_ranges
from vecattr.vectors import Codes, Column, LabColumn, Mask, Rows, Vectors


def added_vector(vectors: Vectors, discriminant: Discriminant | None) -> Vectors:
    """The vector (d,) of a lab that is added with plasmids of these vectors (n, d)."""
    mean = mean_part("new", vectors).vector
    return mean if discriminant is None else discriminant.direction(mean)


@dataclass(frozen=True)
class SupportSet:
    """The plasmids with which m labs are added: `chosen`, which of the n these are (n,); of each
    lab the number of plasmids (m,) and of publications (groups) they come from (m,), the counts of
    their features (m, f), and the lab's vector (m, d), of length 1, or 0 for a lab without any."""

    chosen: Mask
    plasmids: NDArray[np.int64]
    publications: NDArray[np.int64]
    feature_counts: FeatureCounts
    vectors: NDArray[np.float64]


@dataclass(frozen=True)
class NewPlasmids:
    """n plasmids of m labs, ordered by lab, with their vectors by sequence alone (n, d), the
    numbers of the lab and group of each (n,), and the names of all features of the index and the
    plasmids (f,). One k-mer in `scaled` is compared."""

    plasmids: Sequence[Plasmid]
    vectors: Vectors
    labs: Codes
    groups: Codes
    feature_names: tuple[str, ...]
    discriminant: Discriminant | None
    scaled: int

    def __len__(self) -> int:
        return len(self.plasmids)

    @cached_property
    def first_of_lab(self) -> Rows:
        """Where each lab begins (m,)."""
        return np.searchsorted(self.labs, np.arange(self.labs.max() + 1))

    @cached_property
    def feature_values(self) -> NDArray[np.uint8]:
        """The features (n, f), MISSING_FEATURE where one is not known."""
        rows = [
            [(plasmid.features or {}).get(name, MISSING_FEATURE) for name in self.feature_names]
            for plasmid in self.plasmids
        ]
        return np.array(rows, dtype=np.uint8).reshape(len(self), len(self.feature_names))

    @cached_property
    def _sketches(self) -> list[Hashes]:
        kmers = (QueryKmers.from_plasmid(plasmid, scaled=self.scaled) for plasmid in self.plasmids)
        return [of_plasmid.distinct for of_plasmid in kmers]

    @cached_property
    def _sketch_sizes(self) -> NDArray[np.int64]:
        return np.array([len(sketch) for sketch in self._sketches], dtype=np.int64)

    @property
    def rare_sizes(self) -> Column:
        """How much the k-mers of each count (n,): few labs of a segment of their own have them."""
        return self._sketch_sizes.astype(np.float64) * (self.scaled / SCALED)

    @cached_property
    def _all_postings(self) -> tuple[Hashes, Rows]:
        """Every k-mer of every plasmid and the plasmid's row, (e,), by k-mer, lab and group."""
        hashes = np.concatenate(self._sketches)
        rows = np.repeat(np.arange(len(self)), self._sketch_sizes)
        order = np.lexsort((self.groups[rows], self.labs[rows], hashes))
        return hashes[order], rows[order]

    def postings(self, distinct: Hashes) -> Postings:
        """The plasmids' rows that have each of these ascending k-mers (m,), by lab and group."""
        hashes, rows = self._all_postings
        starts = np.searchsorted(hashes, distinct, side="left")
        counts = np.searchsorted(hashes, distinct, side="right") - starts
        places = joined_ranges(starts, counts)  # (e,)
        return Postings(np.arange(len(distinct)), counts, rows[places])

    def support_set(self, rows_of_lab: Sequence[Rows]) -> SupportSet:
        """Each lab added with these of its rows."""
        labs, width = len(rows_of_lab), self.vectors.shape[1]
        shape = labs, len(self.feature_names)
        supports = SupportSet(
            np.zeros(len(self), dtype=bool),
            np.zeros(labs, dtype=np.int64),
            np.zeros(labs, dtype=np.int64),
            FeatureCounts(np.zeros(shape), np.zeros(shape)),
            np.zeros((labs, width)),
        )
        for lab, rows in enumerate(rows_of_lab):
            self._fill_in(supports, lab, rows)
        return supports

    def with_lab_replaced(self, supports: SupportSet, lab: int, rows: Rows) -> SupportSet:
        """The same supports, but for one lab, which is added with other rows."""
        replaced = replace(
            supports,
            chosen=supports.chosen & (self.labs != lab),
            plasmids=supports.plasmids.copy(),
            publications=supports.publications.copy(),
            feature_counts=FeatureCounts(
                supports.feature_counts.present.copy(), supports.feature_counts.known.copy()
            ),
            vectors=supports.vectors.copy(),
        )
        self._fill_in(replaced, lab, rows)
        return replaced

    def _fill_in(self, supports: SupportSet, lab: int, rows: Rows) -> None:
        """Add one lab's rows to supports, in place; none of them is chosen before."""
        counts = supports.feature_counts
        supports.chosen[rows] = True
        supports.plasmids[lab] = len(rows)
        supports.publications[lab] = len(np.unique(self.groups[rows]))
        counts.present[lab] = (self.feature_values[rows] == 1).sum(axis=0)
        counts.known[lab] = (self.feature_values[rows] != MISSING_FEATURE).sum(axis=0)
        if len(rows):
            vector = added_vector(self.vectors[rows], self.discriminant).astype(np.float64)
            supports.vectors[lab] = vector / np.linalg.norm(vector)

    def shape_matches(self, plasmid: Plasmid, chosen: Mask) -> ShapeMatches:
        """How the chosen plasmids (n,) of each lab match a query in shape."""
        shapes = self._shapes.select(chosen)
        lab_count = len(self.first_of_lab)
        return ShapeMatches.from_shapes(plasmid, shapes, self.labs[chosen], lab_count=lab_count)

    def feature_matches(self, columns: Sequence[int], has: Mask, chosen: Mask) -> FeatureMatches:
        """How the chosen plasmids (n,) of each lab match a query that has some of these features
        (a,)."""
        values = self.feature_values[chosen][:, columns].T
        lab_count = len(self.first_of_lab)
        return FeatureMatches.from_values(values, has, self.labs[chosen], lab_count=lab_count)

    @cached_property
    def _shapes(self) -> PlasmidShapes:
        """The shapes of all (n,)."""
        return PlasmidShapes(
            np.log([len(plasmid) for plasmid in self.plasmids]),
            np.array([not plasmid.is_circular for plasmid in self.plasmids]),
            np.stack(
                [
                    composition(plasmid.sequence, circular=plasmid.is_circular)
                    for plasmid in self.plasmids
                ]
            ),
        )

    def query_cosines(self, vector: Vectors) -> QueryCosines:
        """The cosines of all with a query (d,)."""
        return QueryCosines(self.first_of_lab, (self.vectors @ vector).astype(np.float64))


@dataclass(frozen=True)
class QueryCosines:
    """The cosines of a query with n plasmids (n,), and where each of their m labs begins (m,)."""

    first_of_lab: Rows
    cosines: Column

    @cached_property
    def _votes(self) -> dict[int, Column]:
        return {sharpness: np.exp(sharpness * (self.cosines - 1)) for sharpness in SHARPNESSES}

    def columns(self, chosen: Mask) -> dict[str, LabColumn]:
        """The columns of `vecattr.indexes.scoring.lab_features` that vectors give, of the chosen
        plasmids (n,), (m,)."""
        cosines = np.where(chosen, self.cosines, -1.0)
        nearest = np.maximum.reduceat(cosines, self.first_of_lab)
        columns = {"nearest": np.clip(nearest, -1, 1)}
        for sharpness, votes in self._votes.items():
            lab_votes = np.add.reduceat(np.where(chosen, votes, 0.0), self.first_of_lab)
            columns[f"votes{sharpness}"] = log_votes(lab_votes, sharpness)
        return columns
