"""Kernels of queries with stored plasmids: vectors, lengths, topologies and compositions in; how
near, and how similar in shape, each pair is out.

Vectors and compositions are compared by `short_rows` of 12 binary digits, whose products a float32
holds exactly (docs/decisions/0079-compare-by-twelve-digits.md), and kernels are rounded to a grid,
so that sums over the plasmids of a lab are exact, up to 2,000 whose vectors are that of the query
and two million of its shape: they depend neither on the other queries nor on how plasmids are
divided among segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vecattr.plasmid import Plasmid
from vecattr.products import SHORT_DIGITS, short_losses, short_rows, shrinkage
from vecattr.sequences.composition import composition
from vecattr.vectors import Codes, Mask, Rows

#: Inverse temperatures of the kernels by which the plasmids of a lab vote with their cosines; the
#: second is twice the first.
SHARPNESSES = (20, 40)
LENGTH_WIDTH = 0.1  # of the kernel, in ln(bases): lengths that differ by a tenth are similar
#: Of the kernel, as a squared distance: one plasmid in twenty is so near to another.
COMPOSITION_WIDTH = 0.0025
#: How values are joined over the plasmids of a lab: the largest cosine, and sums of votes at each
#: sharpness, lengths and compositions.
JOINS = (np.maximum, np.add, np.add, np.add, np.add)

#: Added to a vote and taken away again, it leaves a multiple of 2^-42, of which a float64 sums
#: 2,000 exactly, however large they are; logarithms tell small votes apart. Of similarities of
#: shape, to which pseudocounts are added, 2^-32 is enough.
_VOTE_SHIFT, _SHAPE_SHIFT = np.float32(1.5 * 2.0**-19), np.float32(1.5 * 2.0**-9)
assert (np.spacing(_VOTE_SHIFT), np.spacing(_SHAPE_SHIFT)) == (2.0**-42, 2.0**-32)
#: How far logarithms of lengths of linear plasmids are from those of circular ones: enough for a
#: kernel of 0.
_FAR = 32.0
#: By how much products of compositions are smaller where topologies differ, which is enough, too.
_OTHER_TOPOLOGY = 0.5


@dataclass(frozen=True)
class ComparedQueries:
    """q queries: what short coordinates of vectors are multiplied by (r + 2, q), logarithms of
    lengths by topology (q,), what short compositions with topologies are multiplied by (w + 4, q),
    which are linear, and of which the composition is known (q,)."""

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    shapes: NDArray[np.float32]
    are_linear: Mask
    have_composition: Mask

    @classmethod
    def from_plasmids(cls, plasmids: Sequence[Plasmid], coordinates: NDArray[np.floating]) -> Self:
        """Of plasmids with the coordinates of their unit vectors (q, r)."""
        compositions = np.stack(
            [composition(plasmid.sequence, circular=plasmid.is_circular) for plasmid in plasmids]
        )
        lengths = np.array([len(plasmid) for plasmid in plasmids])
        are_linear = np.array([not plasmid.is_circular for plasmid in plasmids])
        others = -_OTHER_TOPOLOGY * np.stack([~are_linear, are_linear], axis=1)
        return cls(
            _factors(coordinates),
            scaled_lengths(lengths, are_linear),
            _factors(compositions, others),
            are_linear,
            np.asarray(compositions.any(axis=1)),
        )

    def only(self, query: int) -> Self:
        """One of them."""
        return type(self)(*(column[..., query : query + 1] for column in vars(self).values()))

    def length_kernels(self, lengths: NDArray[np.float32]) -> NDArray[np.float32]:
        """How similar in length plasmids of these `scaled_lengths` (b,) are, 0 to 1, (b, q)."""
        values = lengths[:, None] - self.lengths
        np.multiply(values, values, out=values)
        np.negative(values, out=values)
        return _rounded(np.exp(values, out=values), _SHAPE_SHIFT, out=values)

    def __len__(self) -> int:
        return len(self.lengths)


def _factors(rows: NDArray[np.floating], *beside: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the `_terms` of stored rows are multiplied by, so that the sum is minus half
    the square of the distance from each of these rows (q, d)."""
    short = short_rows(rows)
    constants = short_losses(short) - shrinkage(short.shape[1]) ** 2
    units = short * np.float32(2.0 ** (1 - 2 * SHORT_DIGITS))
    ones = np.ones(len(short))
    factors = np.column_stack([units, *beside, constants, ones]).astype(np.float32)
    return np.ascontiguousarray(factors.T)


@dataclass(frozen=True)
class ComparedRows:
    """b stored plasmids as they are compared: short coordinates of vectors, 1, and what was lost by
    rounding (b, r + 2), logarithms of lengths by topology (b,), and short compositions,
    topologies and the same (b, w + 4)."""

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    shapes: NDArray[np.float32]

    @classmethod
    def from_stored(
        cls,
        coordinates: NDArray[np.float32],
        lengths: NDArray[np.float32],
        compositions: NDArray[np.float32],
        are_linear: Mask,
    ) -> Self:
        """Of coordinates of unit vectors (b, r), `scaled_lengths` (b,), compositions (b, w) and
        which are linear (b,)."""
        topologies = np.stack([are_linear, ~are_linear], axis=1)
        return cls(_terms(coordinates), lengths, _terms(compositions, topologies))

    def kernels(
        self, queries: ComparedQueries, lengths: NDArray[np.float32] | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """In the order of JOINS: nearness, which `cosines_of` makes cosines of, then votes at each
        of SHARPNESSES, then similarities of length and composition, 0 to 1, (b, q) each; shapes are
        similar to those of the same topology alone. `lengths`: the `length_kernels`, where they are
        known. Each is overwritten by the next."""
        values = self.vectors @ queries.vectors  # (b, r + 2) @ (r + 2, q)
        yield values
        values *= np.float32(SHARPNESSES[0] / shrinkage(self.vectors.shape[1] - 2) ** 2)
        np.exp(values, out=values)
        yield _rounded(values, _VOTE_SHIFT, out=np.empty_like(values))
        np.multiply(values, values, out=values)  # the second sharpness is twice the first
        yield _rounded(values, _VOTE_SHIFT, out=values)
        yield queries.length_kernels(self.lengths) if lengths is None else lengths
        np.matmul(self.shapes, queries.shapes, out=values)  # (b, w + 4) @ (w + 4, q)
        values *= np.float32(2 / COMPOSITION_WIDTH / shrinkage(self.shapes.shape[1] - 4) ** 2)
        yield _rounded(np.exp(values, out=values), _SHAPE_SHIFT, out=values)


def _terms(rows: NDArray[np.floating], *beside: NDArray[np.generic]) -> NDArray[np.float32]:
    """Stored unit rows (b, d) with what is `beside` them, 1, and what was lost by rounding."""
    short = short_rows(rows, digits=SHORT_DIGITS - 1)
    losses = short_losses(short, digits=SHORT_DIGITS - 1)
    terms = [short, *beside, np.ones(len(short)), losses]
    return np.column_stack(terms).astype(np.float32)


def cosines_of(nearness: NDArray[np.float32], *, width: int) -> NDArray[np.float32]:
    """Cosines of vectors of so many coordinates, in place, from minus half the squares of
    distances of short ones."""
    nearness /= np.float32(shrinkage(width) ** 2)
    nearness += 1
    return np.clip(nearness, -1, 1, out=nearness)


def scaled_lengths(lengths: NDArray[np.int64], are_linear: Mask) -> NDArray[np.float32]:
    """Of plasmids of so many bases (n,) the logarithms, of which squared differences are exponents
    of a kernel; those of linear ones are far from those of circular ones."""
    far = np.log(lengths) + _FAR * are_linear
    scaled: NDArray[np.float32] = (far * (0.5**0.5 / LENGTH_WIDTH)).astype(np.float32)
    return scaled


def _rounded(
    kernels: NDArray[np.float32], shift: np.float32, *, out: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Numbers from 0 to 1 on the grid of a shift, written to `out`."""
    np.add(kernels, shift, out=out)
    out -= shift
    return out


class PackedRows:
    """n stored plasmids in memory, as `ComparedRows` that take less of it."""

    def __init__(self, rows: int, compared: ComparedRows) -> None:
        """Of so many plasmids that are still to be put, as wide as these."""
        self._vectors = np.empty((rows, compared.vectors.shape[1]), dtype=np.int16)
        self._shapes = np.empty((rows, compared.shapes.shape[1]), dtype=np.int16)
        self._vector_losses, self._shape_losses, self._lengths = np.empty((3, rows), np.float32)

    def put(self, places: Rows, rows: ComparedRows) -> None:
        """Put plasmids (b,) in these places."""
        self._vectors[places], self._vector_losses[places] = rows.vectors, rows.vectors[:, -1]
        self._shapes[places], self._shape_losses[places] = rows.shapes, rows.shapes[:, -1]
        self._lengths[places] = rows.lengths

    def compared(self, rows: slice) -> ComparedRows:
        """Some of them."""
        vectors = self._vectors[rows].astype(np.float32)
        shapes = self._shapes[rows].astype(np.float32)
        vectors[:, -1], shapes[:, -1] = self._vector_losses[rows], self._shape_losses[rows]
        return ComparedRows(vectors, self._lengths[rows], shapes)

    @cached_property
    def lengths(self) -> tuple[NDArray[np.float32], Codes]:
        """The lengths that occur, and which of these each plasmid has (n,)."""
        return np.unique(self._lengths, return_inverse=True)
