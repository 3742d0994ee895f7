"""Lab vectors: parts of a lab from several segments in, one unit vector for each lab out.

A part stands for a sum of plasmid vectors: `weight * vector`. The weight of a mean is the length
of the sum of its plasmids' vectors, so that parts add up exactly as if all plasmids had been added
at once. The weight of a learned vector is the number of its plasmids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile
from vecattr.ranking.discriminant import Discriminant
from vecattr.vectors import EmbeddingTable, Vectors, length_of, unit_rows

Origin = Literal["learned", "mean"]
#: In the order of their codes in segments.
ORIGINS: tuple[Origin, ...] = ("mean", "learned")

#: A shorter sum has no reliable direction: its vectors cancel each other.
_SHORTEST_SUM = 1e-6


class LabPart(NamedTuple):
    """The share of one segment in the vector of a class: a unit vector (d,) and its weight."""

    name: str
    vector: Vectors
    weight: float
    origin: Origin


class PartColumns:
    """The m lab parts of a segment file by column; DamagedError as columns are read."""

    def __init__(self, file: ArrayFile) -> None:
        self._file = file

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The class of each (m,), as stored."""
        return self._file.strings("labs/name")

    @property
    def vectors(self) -> Vectors:
        """The unit vector of each (m, d)."""
        return cast("Vectors", self._file.array("labs/vector"))

    @cached_property
    def origins(self) -> NDArray[np.uint8]:
        """The origin of each (m,), as a place in ORIGINS."""
        codes = cast("NDArray[np.uint8]", self._file.array("labs/origin"))
        if len(codes) and int(codes.max()) >= len(ORIGINS):
            what = f"the code {int(codes.max())} stands for none of {ORIGINS}"
            raise DamagedError(what, where=self._file.name)
        return codes

    def parts(self, places: Sequence[int]) -> tuple[LabPart, ...]:
        """Some of them one by one."""
        chosen = np.array(places, dtype=np.int64)
        return tuple(
            map(
                LabPart,
                map(self.names.__getitem__, places),
                self.vectors[chosen],
                self._file.array("labs/weight")[chosen].tolist(),
                map(ORIGINS.__getitem__, self.origins[chosen].tolist()),
            )
        )


def mean_part(name: str, vectors: Vectors) -> LabPart:
    """The part that stands for these plasmids (n, d), n >= 1."""
    total = vectors.sum(axis=0, dtype=np.float64)  # (n, d) -> (d,)
    length = length_of(total)
    if length < _SHORTEST_SUM:  # they cancel each other: the first stands for all
        return LabPart(name, vectors[0], _SHORTEST_SUM, "mean")
    vector = vectors[0] if len(vectors) == 1 else unit_rows(total[None, :])[0]
    return LabPart(name, vector, length, "mean")


def lab_parts(
    labels: Sequence[str], vectors: Vectors, *, learned: EmbeddingTable | None = None
) -> list[LabPart]:
    """One part for each label, sorted by name: the learned vector where there is one, else the
    mean of its rows; labels (n,), vectors (n, d)."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        rows_of[label].append(row)
    learned_row = {name: row for row, name in enumerate(learned.names)} if learned else {}
    parts = []
    for name, rows in sorted(rows_of.items()):
        if learned is not None and name in learned_row:
            vector = learned.vectors[learned_row[name]]
            parts.append(LabPart(name, vector, float(len(rows)), "learned"))
        else:
            parts.append(mean_part(name, vectors[rows]))
    return parts


def combine_parts(parts: Iterable[LabPart]) -> list[LabPart]:
    """One part for each name, sorted by name; exactly the stored row where there is one part.

    The result does not depend on the order of the parts: they are summed in a canonical order, so
    that merging segments changes no bit of it.
    """
    all_parts = list(parts)
    sole = {part.name: part for part in all_parts}
    if len(sole) == len(all_parts):
        return [sole[name] for name in sorted(sole)]
    grouped: dict[str, list[LabPart]] = defaultdict(list)
    for part in all_parts:
        grouped[part.name].append(part)
    return [_combine(grouped[name]) for name in sorted(grouped)]


def effective_labs(parts: Iterable[LabPart], discriminant: Discriminant | None) -> list[LabPart]:
    """What queries are compared with: one part for each name, sorted by name.

    Means are replaced by the directions of the discriminant (when there is one), because learned
    vectors are such directions, too; then both are added.
    """
    all_parts = list(parts)
    learned = combine_parts(part for part in all_parts if part.origin == "learned")
    means = combine_parts(part for part in all_parts if part.origin == "mean")
    if discriminant is not None and means:
        directions = discriminant.directions(np.stack([part.vector for part in means]))
        means = [
            LabPart(part.name, vector, part.weight, part.origin)
            for part, vector in zip(means, directions, strict=True)
        ]
    return combine_parts([*learned, *means])


def _combine(parts: list[LabPart]) -> LabPart:
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    origin: Origin = "learned" if any(part.origin == "learned" for part in parts) else "mean"
    if all(np.array_equal(part.vector, first.vector) for part in parts):
        weight = sum(sorted(part.weight for part in parts))
        return LabPart(first.name, first.vector, weight, origin)
    ordered = sorted(parts, key=lambda part: (part.weight, part.vector.tobytes()))
    total = np.zeros(len(first.vector))  # (d,)
    for part in ordered:
        total += part.weight * part.vector.astype(np.float64)
    length = length_of(total)
    if length < _SHORTEST_SUM:
        return LabPart(first.name, ordered[-1].vector, _SHORTEST_SUM, origin)
    return LabPart(first.name, unit_rows(total[None, :])[0], length, origin)
