"""The vectors of the classes of an index: its segments in, one unit vector for each class out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from vecattr.indexes.storage.lab_parts import LabPart, effective_labs
from vecattr.indexes.storage.live_segment import LiveSegment, discriminant_of
from vecattr.vectors import Mask, Rows, Vectors

#: Directions that are made at once: what a core's cache holds.
_AT_ONCE = 256

_NONE: Rows = np.zeros(0, dtype=np.int64)


class ClassVectors(NamedTuple):
    """The n classes of an index, sorted by name: `vectors` (n, d), and which are `learned` (n,)."""

    names: tuple[str, ...]
    vectors: Vectors
    learned: Mask

    @classmethod
    def from_segments(cls, segments: Sequence[LiveSegment], *, width: int) -> Self:
        """The classes of these segments together."""
        names = sorted({name for segment in segments for name in segment.part_names})
        place = dict(zip(names, range(len(names)), strict=True))
        places = [
            np.array([*map(place.__getitem__, segment.part_names)], dtype=np.int64)
            for segment in segments
        ]
        parts_of = np.bincount(np.concatenate([_NONE, *places]), minlength=len(names))
        vectors = np.zeros((len(names), width), dtype=np.float32)
        learned = np.zeros(len(names), dtype=bool)
        repeated: list[LabPart] = []
        for segment, of_segment in zip(segments, places, strict=True):
            is_sole = parts_of[of_segment] == 1
            vectors[of_segment[is_sole]] = segment.part_vectors[is_sole]
            learned[of_segment[is_sole]] = segment.part_is_learned[is_sole]
            repeated += segment.some_parts(~is_sole)
        means = np.flatnonzero((parts_of == 1) & ~learned)
        has_means = len(means) or any(part.origin == "mean" for part in repeated)
        discriminant = discriminant_of(segments) if has_means else None
        if discriminant is not None:
            for start in range(0, len(means), _AT_ONCE):
                rows = means[start : start + _AT_ONCE]
                vectors[rows] = discriminant.directions(vectors[rows])
        for part in effective_labs(repeated, discriminant):
            vectors[place[part.name]] = part.vector
            learned[place[part.name]] = part.origin == "learned"
        return cls(tuple(names), vectors, learned)
