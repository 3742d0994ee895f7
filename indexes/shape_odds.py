"""How a query's topology and length fit each lab: the query in, log odds against all plasmids out.

Some labs hand in whole circular plasmids, others partial reads, and a lab's plasmids are often of
one length, give or take an insert. Both odds are naive Bayes scores, drawn toward what is usual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.catalogue import NOBODY, Catalogue, Rows
from vecattr.indexes.live import LiveSegment
from vecattr.plasmid import Plasmid

Column = NDArray[np.float64]

#: Plasmids of the usual kind that every lab is taken to have beside its own: for its share of each
#: topology, and for the lengths of its plasmids of one topology.
_OF_TOPOLOGY, _OF_LENGTH = 1.0, 2.0
_WIDTH = 0.1  # of the kernel, in units of ln(bases): lengths a tenth apart are alike
_LEAST = 1e-6


@dataclass(frozen=True)
class Likes:
    """Of each lab (l,): how many plasmids it has, how many of the query's topology, and how many of
    these are about as long (a sum of kernels)."""

    plasmids: Column
    topology: Column
    length: Column

    @classmethod
    def of(
        cls, plasmid: Plasmid, logs: Column, linear: NDArray[np.bool_], labs: Rows, *, count: int
    ) -> Likes:
        """From the logarithms of the lengths, topologies and labs of rows (n,), of `count` labs."""
        alike = linear == (not plasmid.is_circular)
        mine = labs[alike]
        apart = (logs[alike] - math.log(len(plasmid))) / _WIDTH
        return cls(
            np.bincount(labs, minlength=count).astype(np.float64),
            np.bincount(mine, minlength=count).astype(np.float64),
            np.bincount(mine, np.exp(-(apart**2) / 2), minlength=count).astype(np.float64),
        )

    def and_more(self, others: Likes) -> Likes:
        """These labs, and others behind them."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Likes(*(np.concatenate(pair) for pair in pairs))

    def some(self, labs: Rows) -> Likes:
        """The same of some labs (s,)."""
        return Likes(*(column[labs] for column in vars(self).values()))

    def total(self) -> Likes:
        """Of all labs together, () each."""
        return Likes(*(column.sum() for column in vars(self).values()))

    def odds(self, everything: Likes) -> dict[str, Column]:
        """Log odds of each lab (l,) by topology, and by length; `everything` is what all labs have
        together. 0 when no plasmid has this topology."""
        if not everything.topology:
            return {name: np.zeros(len(self.plasmids)) for name in ("topology", "length")}
        usual = everything.topology / everything.plasmids
        near = everything.length / everything.topology + _LEAST
        topology = (self.topology + _OF_TOPOLOGY * usual) / (self.plasmids + _OF_TOPOLOGY)
        length = (self.length + _OF_LENGTH * near) / (self.topology + _OF_LENGTH)
        return {"topology": np.log(topology / usual), "length": np.log(length / near)}


class ShapeOdds:
    """Of a catalogue's living rows."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self._catalogue = catalogue
        self._segments = segments

    @cached_property
    def _shapes(self) -> tuple[Column, NDArray[np.bool_]]:
        """The logarithm of the length of every row, and whether it is linear, (n,)."""
        stored = [segment.stored for segment in self._segments]
        lengths = np.concatenate([one.lengths for one in stored])
        return np.log(lengths), np.concatenate([one.are_linear for one in stored])

    def _shapes_without(self, left_out: Rows) -> tuple[Column, NDArray[np.bool_], Rows]:
        """The same of the living rows but these, and their labs."""
        labs = self._catalogue.labs
        alive = labs != NOBODY
        alive[left_out] = False
        logs, linear = self._shapes
        return logs[alive], linear[alive], labs[alive]

    @cached_property
    def _living(self) -> tuple[Column, NDArray[np.bool_], Rows]:
        return self._shapes_without(np.zeros(0, dtype=np.int64))

    def likes(self, plasmid: Plasmid, *, left_out: Rows) -> Likes:
        """What each lab has that is like a query, without some rows."""
        shapes = self._shapes_without(left_out) if len(left_out) else self._living
        return Likes.of(plasmid, *shapes, count=len(self._catalogue.lab_names))

    def of(self, plasmid: Plasmid, *, left_out: Rows) -> dict[str, Column]:
        """Log odds of each lab (l,), by name."""
        likes = self.likes(plasmid, left_out=left_out)
        return likes.odds(likes.total())
