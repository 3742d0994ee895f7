"""How a query's topology, length and composition fit each lab: the query in, log odds against all
plasmids out.

Some labs hand in whole circular plasmids, others partial reads; a lab's plasmids are often of one
length, give or take an insert, and made of the words of one organism
(`vecattr.sequences.composition`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.catalogue import NO_LAB, Catalogue, Rows
from vecattr.indexes.scoring.log_odds import Column, LabSums, log_odds
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.sequences.composition import composition

#: Plasmids of the usual kind that every lab is taken to have beside its own, for its share of each
#: topology.
_OF_TOPOLOGY = 1.0
_WIDTH = 0.1  # of the kernel, in units of ln(bases): lengths a tenth apart are alike
_REACH = 0.0025  # of the kernel, as a squared distance: one plasmid in twenty is so near to another


@dataclass(frozen=True)
class Shapes:
    """Of plasmids: the logarithm of the length (n,), whether it is linear (n,), and the composition
    (n, w), zeros where it is not known."""

    logs: Column
    linear: NDArray[np.bool_]
    made_of: NDArray[np.float32]

    def some(self, rows: NDArray[np.bool_]) -> Shapes:
        """Those of some rows (n,)."""
        return Shapes(self.logs[rows], self.linear[rows], self.made_of[rows])

    def near_in_length(self, plasmid: Plasmid) -> Column:
        """How near each is to one, from 0 to 1 (n,)."""
        apart = (self.logs - math.log(len(plasmid))) / _WIDTH
        return np.exp(-(apart**2) / 2)

    def near_in_composition(self, made_of: NDArray[np.float32]) -> Column:
        """How near each is to one composition (w,), from 0 to 1 (n,); 0 where it is not known."""
        # the squared distance of unit vectors
        distance = 2 - 2 * (self.made_of @ made_of).astype(np.float64)
        return np.where(self.known, np.exp(-np.maximum(distance, 0) / _REACH), 0.0)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whose composition is known (n,)."""
        known: NDArray[np.bool_] = np.count_nonzero(self.made_of, axis=1) > 0
        return known


@dataclass(frozen=True)
class Likes(LabSums):
    """Of each lab (l,): how many plasmids it has, how many of the query's topology, how many of
    these are about as long, of how many of these the composition is known, and how many are made of
    the same (sums of kernels)."""

    plasmids: Column
    topology: Column
    length: Column
    known: Column
    composition: Column

    @classmethod
    def of(cls, plasmid: Plasmid, shapes: Shapes, labs: Rows, *, count: int) -> Likes:
        """From the shapes and labs of rows (n,), of `count` labs."""
        alike = shapes.linear == (not plasmid.is_circular)
        made_of = composition(plasmid.sequence, circular=plasmid.is_circular)
        comparable = alike & shapes.known if made_of.any() else np.zeros_like(alike)

        def total(weights: NDArray[np.floating] | NDArray[np.bool_]) -> Column:
            """Of each lab (l,), from the rows' (n,)."""
            return np.bincount(labs, weights, minlength=count).astype(np.float64)

        return cls(
            np.bincount(labs, minlength=count).astype(np.float64),
            total(alike),
            total(shapes.near_in_length(plasmid) * alike),
            total(comparable),
            total(shapes.near_in_composition(made_of) * comparable),
        )

    def odds(self, everything: Likes) -> dict[str, Column]:
        """Log odds of each lab (l,) by topology, length and composition; `everything` is what all
        labs have together. 0 where nothing can be compared."""
        return {
            "topology": log_odds(
                self.topology,
                self.plasmids,
                everything.topology,
                everything.plasmids,
                more=_OF_TOPOLOGY,
                least=0.0,
            ),
            "length": log_odds(self.length, self.topology, everything.length, everything.topology),
            "composition": log_odds(
                self.composition, self.known, everything.composition, everything.known
            ),
        }


class ShapeOdds:
    """Of a catalogue's living rows."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self._catalogue = catalogue
        self._segments = segments

    @cached_property
    def _shapes(self) -> Shapes:
        """Of every row."""
        stored = [segment.stored for segment in self._segments]
        kmers = [one.kmers for one in stored]
        return Shapes(
            np.log(np.concatenate([one.lengths for one in stored])),
            np.concatenate([one.are_linear for one in stored]),
            np.concatenate([one.compositions for one in kmers if one is not None]),
        )

    def _without(self, left_out: Rows) -> tuple[Shapes, Rows]:
        """Those of the living rows but these, and their labs."""
        labs = self._catalogue.labs
        alive = labs != NO_LAB
        alive[left_out] = False
        return self._shapes.some(alive), labs[alive]

    @cached_property
    def _living(self) -> tuple[Shapes, Rows]:
        return self._without(np.zeros(0, dtype=np.int64))

    def likes(self, plasmid: Plasmid, *, left_out: Rows) -> Likes:
        """What each lab has that is like a query, without some rows."""
        shapes, labs = self._without(left_out) if len(left_out) else self._living
        return Likes.of(plasmid, shapes, labs, count=len(self._catalogue.lab_names))

    def of(self, plasmid: Plasmid, *, left_out: Rows) -> dict[str, Column]:
        """Log odds of each lab (l,), by name."""
        likes = self.likes(plasmid, left_out=left_out)
        return likes.odds(likes.total())
