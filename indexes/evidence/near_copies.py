"""Near copies of queries: queries and an index in, their stored near copies and a note out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from vecattr.errors import UsageError
from vecattr.indexes.evidence.kmer_overlap import NEAREST, K, Overlap, near_copies_among
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.plasmid import Plasmid


def check_bases_kept(indexes: Iterable[OpenedIndex]) -> None:
    """UsageError when an index keeps no sequences, so that near copies cannot be told."""
    for index in indexes:
        if not index.manifest.keep_sequences:
            raise UsageError(
                f"the index {index.path} keeps no sequences, so near copies cannot be told",
                hint="build it without --no-sequences, or leave out --exclude-near-copies",
            )


def near_copies(
    index: OpenedIndex, plasmids: Sequence[Plasmid], vectors: QueryVectors, *, beside: int = 0
) -> list[tuple[Overlap, ...]]:
    """The near copies that the index holds of each plasmid, nearest vector first.

    Stored plasmids are compared by falling cosine until the last NEAREST of them hold no near copy
    and `beside` others were met: so the nearest `beside` others are none. UsageError when the index
    keeps no sequences.
    """
    check_bases_kept([index])
    copies: list[tuple[Overlap, ...]] = [()] * len(plasmids)
    pending, compared, depth = list(range(len(plasmids))), 0, beside + NEAREST
    while pending:
        pending_vectors = QueryVectors(vectors.full[pending], vectors.bare[pending])
        unfinished = []
        neighbors = index.neighbors(pending_vectors, n=depth)
        for query, candidates in zip(pending, neighbors, strict=True):
            new_copies = near_copies_among(index, plasmids[query], candidates[compared:])
            copies[query] += new_copies
            last_ids = {candidate.id for candidate in candidates[compared:][-NEAREST:]}
            is_done = depth - len(copies[query]) >= beside and last_ids.isdisjoint(
                copy.id for copy in new_copies
            )
            if len(candidates) == depth and not is_done:
                unfinished.append(query)
        pending, compared, depth = unfinished, depth, 2 * depth
    return copies


def copy_note(copies: Sequence[Overlap], *, left_out: bool, learned: Collection[str]) -> str | None:
    """What to say of the near copies of a query; None when there is none. `learned`: the classes
    with a learned vector, which does not change when copies are left out."""
    if not copies:
        return None
    best = max(copies, key=lambda copy: (copy.is_identical, copy.jaccard))  # the nearest of equals
    likeness = (
        "identical up to rotation and strand"
        if best.is_identical
        else f"Jaccard similarity {best.jaccard:.4f} of {K}-mers"
    )
    best_copy = f"{best.id!r} of {best.lab!r}, {likeness}"
    if not left_out:
        more = f"; {len(copies) - 1} more among the nearest" if len(copies) > 1 else ""
        return f"a near copy is stored: {best_copy}{more}"
    is_learned = any(copy.label in learned for copy in copies)
    tail = "; learned lab vectors keep what they learned of them" if is_learned else ""
    return f"near copies left out: {len(copies)}, the most alike {best_copy}{tail}"
