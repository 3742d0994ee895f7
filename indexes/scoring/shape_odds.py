"""How a query's topology, length and composition fit each lab: the query in, log odds against all
plasmids out.

Some labs submit whole circular plasmids, others partial reads; a lab's plasmids are often of one
length, give or take an insert, and have the composition of one organism
(`vecattr.sequences.composition`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.catalogue import NO_LAB, NO_ROWS, Catalogue
from vecattr.indexes.scoring.log_odds import LabSums, log_odds
from vecattr.indexes.search.kernels import COMPOSITION_WIDTH, LENGTH_WIDTH
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.products import on_grid
from vecattr.sequences.composition import composition
from vecattr.vectors import Codes, Column, LabColumn, Mask, Rows

#: The pseudocount of each lab's share of each topology.
_TOPOLOGY_PSEUDOCOUNT = 1.0


@dataclass(frozen=True)
class PlasmidShapes:
    """Of n plasmids: the logarithm of the length (n,), whether each is linear (n,), and the
    composition (n, w), zeros where it is not known."""

    log_lengths: Column
    are_linear: Mask
    compositions: NDArray[np.float32]

    def select(self, rows: Mask) -> PlasmidShapes:
        """The shapes of some of the rows (n,)."""
        return PlasmidShapes(self.log_lengths[rows], self.are_linear[rows], self.compositions[rows])

    def length_similarities(self, plasmid: Plasmid) -> Column:
        """How similar in length each is to a plasmid, a kernel from 0 to 1 (n,)."""
        distances = (self.log_lengths - math.log(len(plasmid))) / LENGTH_WIDTH
        return np.exp(-(distances**2) / 2)

    def composition_similarities(self, query_composition: NDArray[np.float32]) -> Column:
        """How similar each is to a composition (w,), a kernel from 0 to 1 (n,); 0 where it is not
        known."""
        products = self._compositions_on_grid @ on_grid(query_composition)  # (n, w) @ (w,) -> (n,)
        squared_distances = np.maximum(2 - 2 * products, 0)  # of unit vectors
        return np.where(self.have_composition, np.exp(-squared_distances / COMPOSITION_WIDTH), 0.0)

    @cached_property
    def _compositions_on_grid(self) -> NDArray[np.float64]:
        return on_grid(self.compositions)

    @cached_property
    def have_composition(self) -> Mask:
        """Whose composition is known (n,)."""
        known: Mask = np.count_nonzero(self.compositions, axis=1) > 0
        return known


@dataclass(frozen=True)
class ShapeMatches(LabSums):
    """Of each lab (l,): how many plasmids it has, how many of the query's topology, how many of
    these are of a similar length, of how many of these the composition is known, and how many have
    a similar one (sums of kernels)."""

    plasmids: LabColumn
    topology: LabColumn
    length: LabColumn
    comparable: LabColumn
    composition: LabColumn

    @classmethod
    def from_shapes(
        cls, plasmid: Plasmid, shapes: PlasmidShapes, labs: Codes, *, lab_count: int
    ) -> ShapeMatches:
        """How the plasmids of these shapes and labs (n,) match a query."""
        same_topology = shapes.are_linear == (not plasmid.is_circular)
        query_composition = composition(plasmid.sequence, circular=plasmid.is_circular)
        comparable = (
            same_topology & shapes.have_composition
            if query_composition.any()
            else np.zeros_like(same_topology)
        )

        def lab_sums(weights: NDArray[np.floating] | Mask) -> LabColumn:
            """Of each lab (l,), from weights of the rows (n,)."""
            return np.bincount(labs, weights, minlength=lab_count).astype(np.float64)

        return cls(
            np.bincount(labs, minlength=lab_count).astype(np.float64),
            lab_sums(same_topology),
            lab_sums(shapes.length_similarities(plasmid) * same_topology),
            lab_sums(comparable),
            lab_sums(shapes.composition_similarities(query_composition) * comparable),
        )

    def odds(self, total: ShapeMatches) -> dict[str, LabColumn]:
        """Log odds of each lab (l,) by topology, length and composition; `total` is of all labs
        together. 0 where nothing can be compared."""
        return {
            "topology": log_odds(
                self.topology,
                self.plasmids,
                total.topology,
                total.plasmids,
                pseudocount=_TOPOLOGY_PSEUDOCOUNT,
                share_floor=0.0,
            ),
            "length": log_odds(self.length, self.topology, total.length, total.topology),
            "composition": log_odds(
                self.composition, self.comparable, total.composition, total.comparable
            ),
        }


class ShapeOdds:
    """Log odds of labs by the shapes of a catalogue's living rows."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self._catalogue = catalogue
        self._segments = segments

    @cached_property
    def _shapes(self) -> PlasmidShapes:
        """The shapes of all rows."""
        stored_segments = [segment.stored for segment in self._segments]
        kmers_of_segments = [stored.kmers for stored in stored_segments]
        return PlasmidShapes(
            np.log(np.concatenate([stored.lengths for stored in stored_segments])),
            np.concatenate([stored.are_linear for stored in stored_segments]),
            np.concatenate(
                [kmers.compositions for kmers in kmers_of_segments if kmers is not None]
            ),
        )

    def _shapes_without(self, left_out: Rows) -> tuple[PlasmidShapes, Codes]:
        """The shapes of the living rows without these, and the rows' labs."""
        labs = self._catalogue.labs
        alive = labs != NO_LAB
        alive[left_out] = False
        return self._shapes.select(alive), labs[alive]

    @cached_property
    def _living_shapes(self) -> tuple[PlasmidShapes, Codes]:
        return self._shapes_without(NO_ROWS)

    def matches(self, plasmid: Plasmid, *, left_out: Rows) -> ShapeMatches:
        """How the plasmids of each lab match a query, without the rows that are left out."""
        shapes, labs = self._shapes_without(left_out) if len(left_out) else self._living_shapes
        lab_count = len(self._catalogue.lab_names)
        return ShapeMatches.from_shapes(plasmid, shapes, labs, lab_count=lab_count)

    def columns(self, plasmid: Plasmid, *, left_out: Rows) -> dict[str, LabColumn]:
        """Log odds of each lab (l,), by name."""
        matches = self.matches(plasmid, left_out=left_out)
        return matches.odds(matches.total())
