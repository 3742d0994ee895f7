"""Near copies of a query: queries and an index in, what to say of their stored copies out, and
what is left of neighbours and labs without them.

What stored plasmids gave to the mean of a lab can be taken away again, exactly. A vector that was
learned in training was learned with them, and keeps what it learned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.indexes.evidence.kmer_overlap import NEAREST, K, Overlap, near_copies_among
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.vector_search import checked_queries, cosines
from vecattr.indexes.storage.lab_parts import LabPart, effective_labs
from vecattr.indexes.storage.live_segment import LiveSegment, living_places
from vecattr.plasmid import Plasmid
from vecattr.vectors import Vectors

if TYPE_CHECKING:
    from vecattr.indexes.scoring.opened_index import Index
    from vecattr.ranking.discriminant import Discriminant

#: A sum of unit vectors that is no longer than this is what rounding left of no vectors at all.
_NOTHING_LEFT = 1e-3


def check_bases_kept(indexes: Iterable[Index]) -> None:
    """UsageError when an index keeps no sequences, so that near copies cannot be told."""
    for index in indexes:
        if not index.manifest.keep_sequences:
            raise UsageError(
                f"the index {index.path} keeps no sequences, so near copies cannot be told",
                hint="build it without --no-sequences, or leave out --exclude-near-copies",
            )


def near_copies(
    index: Index, plasmids: Sequence[Plasmid], vectors: QueryVectors, *, beside: int = 0
) -> list[tuple[Overlap, ...]]:
    """The near copies that the index holds of each plasmid, nearest vector first.

    Stored plasmids are compared by falling cosine until the last NEAREST of them hold no near copy
    and `beside` others were met: so the nearest `beside` others are none. UsageError when the index
    keeps no sequences.
    """
    check_bases_kept([index])
    found: list[tuple[Overlap, ...]] = [()] * len(plasmids)
    pending, done, depth = list(range(len(plasmids))), 0, beside + NEAREST
    while pending:
        some = QueryVectors(vectors.full[pending], vectors.bare[pending])
        still = []
        for query, near in zip(pending, index.neighbors(some, n=depth), strict=True):
            copies = near_copies_among(index, plasmids[query], near[done:])
            found[query] += copies
            last = {one.id for one in near[done:][-NEAREST:]}
            enough = depth - len(found[query]) >= beside and last.isdisjoint(
                one.id for one in copies
            )
            if len(near) == depth and not enough:
                still.append(query)
        pending, done, depth = still, depth, 2 * depth
    return found


def set_apart(
    index: Index, plasmids: Sequence[Plasmid], vectors: QueryVectors, *, beside: int | None
) -> tuple[QueryVectors, list[tuple[Overlap, ...]]]:
    """The vectors and the near copies of each plasmid. With a number `beside`, the vectors leave
    all copies out that may stand before so many other neighbours; else they stay as they are."""
    if beside is None:
        near = index.neighbors(vectors, n=NEAREST)
        return vectors, [
            near_copies_among(index, plasmid, close)
            for plasmid, close in zip(plasmids, near, strict=True)
        ]
    copies = near_copies(index, plasmids, vectors, beside=beside)
    gone = tuple(frozenset(one.id for one in mine) for mine in copies)
    return replace(vectors, left_out=gone), copies


def set_apart_in_each(
    indexes: Sequence[Index], plasmids: Sequence[Plasmid], *, beside: int | None
) -> tuple[list[QueryVectors], list[tuple[Overlap, ...]]]:
    """As `set_apart`: the vectors in each index, and the near copies of each plasmid in all of
    them; one that several indexes hold is named once."""
    vectors = []
    copies: list[dict[str, Overlap]] = [{} for _ in plasmids]
    for index in indexes:
        mine, found = set_apart(index, plasmids, index.embed(plasmids), beside=beside)
        vectors.append(mine)
        for held, more in zip(copies, found, strict=True):
            held |= {one.id: one for one in more}
    return vectors, [tuple(held.values()) for held in copies]


def take_away(index: Index, vectors: QueryVectors, scores: NDArray[np.float64]) -> None:
    """Set the cosines of queries with classes (q, labs) that change without what is left out. A
    class that has nothing else gets the lowest cosine, -1."""
    learned = index.learned_labs
    for row, gone in enumerate(vectors.left_out):
        changed = _classes_without(index.segments, gone, index.discriminant) if gone else {}
        for name, vector in changed.items():
            rows = vectors.full if name in learned else vectors.bare
            [query] = checked_queries(rows[row : row + 1], width=index.manifest.width)
            lab = index.lab_names.index(name)
            scores[row, lab] = -1.0 if vector is None else cosines(vector[None, :], query)[0]


def _classes_without(
    segments: Sequence[LiveSegment], left_out: Collection[str], discriminant: Discriminant | None
) -> dict[str, Vectors | None]:
    """The vectors (d,) of the classes that change when these plasmids are left out, by name; None
    when a class has nothing else. Only means of plasmids change."""
    taken: dict[str, list[LabPart]] = defaultdict(list)
    for segment, row in living_places(segments, sorted(left_out)).values():
        name = segment.label(row)
        if {part.origin for part in segment.parts if part.name == name} == {"mean"}:
            [vector] = segment.stored.fetch_vectors(np.array([row]))
            taken[name].append(LabPart(name, vector, -1.0, "mean"))
    parts = [part for segment in segments for part in segment.parts if part.name in taken]
    gone = [part for mine in taken.values() for part in mine]
    return {
        part.name: None if part.origin == "mean" and part.weight < _NOTHING_LEFT else part.vector
        for part in effective_labs([*parts, *gone], discriminant)
    }


def copy_note(copies: Sequence[Overlap], *, left_out: bool, learned: Collection[str]) -> str | None:
    """What to say of the near copies of a query; None when there is none. `learned`: the classes
    with a learned vector, which does not change when copies are left out."""
    if not copies:
        return None
    best = max(copies, key=lambda one: (one.is_identical, one.jaccard))  # the nearest of equals
    alike = (
        "identical up to rotation and strand"
        if best.is_identical
        else f"Jaccard similarity {best.jaccard:.4f} of {K}-mers"
    )
    named = f"{best.id!r} of {best.lab!r}, {alike}"
    if not left_out:
        more = f"; {len(copies) - 1} more among the nearest" if len(copies) > 1 else ""
        return f"a near copy is stored: {named}{more}"
    kept = any(one.label in learned for one in copies)
    tail = "; learned lab vectors keep what they learned of them" if kept else ""
    return f"near copies left out: {len(copies)}, the most alike {named}{tail}"
