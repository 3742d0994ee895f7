"""Lab cosines as if some stored plasmids were not there: cosines of queries in, changed in place.

What stored plasmids gave to the mean of a lab can be taken away again, exactly. A vector that was
learned in training was learned with them, and keeps what it learned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.vector_search import checked_queries, cosines
from vecattr.indexes.storage.lab_parts import LabPart, effective_labs
from vecattr.indexes.storage.live_segment import LiveSegment, living_places
from vecattr.ranking.discriminant import Discriminant
from vecattr.vectors import Vectors

#: A sum of unit vectors that is no longer than this is what rounding left of no vectors at all.
_NOTHING_LEFT = 1e-3


def leave_out(
    lab_cosines: NDArray[np.float64],
    vectors: QueryVectors,
    segments: Sequence[LiveSegment],
    *,
    names: Sequence[str],
    learned: Collection[str],
    discriminant: Discriminant | None,
) -> None:
    """Set the cosines (q, labs) of queries with the classes `names` that change without the
    plasmids in `vectors.left_out`. A class that has nothing else gets the lowest cosine, -1."""
    column_of = {name: column for column, name in enumerate(names)}
    for row, ids in enumerate(vectors.left_out):
        changed = _classes_without(segments, ids, discriminant) if ids else {}
        for name, lab_vector in changed.items():
            rows = vectors.full if name in learned else vectors.bare
            [query] = checked_queries(rows[row : row + 1], width=rows.shape[1])
            column = column_of[name]
            lab_cosines[row, column] = (
                -1.0 if lab_vector is None else cosines(lab_vector[None, :], query)[0]
            )


def _classes_without(
    segments: Sequence[LiveSegment], ids: Collection[str], discriminant: Discriminant | None
) -> dict[str, Vectors | None]:
    """The vectors (d,) of the classes that change when these plasmids are left out, by name; None
    when a class has nothing else. Only means of plasmids change."""
    subtracted: dict[str, list[LabPart]] = defaultdict(list)
    for segment, row in living_places(segments, sorted(ids)).values():
        name = segment.label(row)
        if {part.origin for part in segment.parts if part.name == name} == {"mean"}:
            [vector] = segment.stored.fetch_vectors(np.array([row]))
            subtracted[name].append(LabPart(name, vector, -1.0, "mean"))
    parts = [part for segment in segments for part in segment.parts if part.name in subtracted]
    negative = [part for lab_parts in subtracted.values() for part in lab_parts]
    return {
        part.name: None if part.origin == "mean" and part.weight < _NOTHING_LEFT else part.vector
        for part in effective_labs([*parts, *negative], discriminant)
    }
