"""Streams of labelled plasmids in, batches with their unit vectors out, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import InputError, MismatchError
from vecattr.plasmid import Plasmid
from vecattr.vectors import Vectors, unit_rows

#: A batch is closed at so many plasmids or bases, whichever comes first.
BATCH_PLASMIDS = 256
BATCH_BASES = 1 << 24

Progress = Callable[[int], None]


def in_batches(
    plasmids: Iterable[Plasmid], *, most: int = BATCH_PLASMIDS
) -> Iterator[list[Plasmid]]:
    """The plasmids in order, some at a time."""
    batch: list[Plasmid] = []
    bases = 0
    for plasmid in plasmids:
        batch.append(plasmid)
        bases += len(plasmid)
        if len(batch) >= most or bases >= BATCH_BASES:
            yield batch
            batch, bases = [], 0
    if batch:
        yield batch


def embed_batch(embedder: SequenceEmbedder, plasmids: Sequence[Plasmid]) -> Vectors:
    """Unit rows (n, d); MismatchError when the embedder gives something else."""
    rows = np.asarray(embedder.embed(plasmids), dtype=np.float32)
    if rows.shape != (len(plasmids), embedder.width) or not np.isfinite(rows).all():
        raise MismatchError(
            f"the model gave vectors of shape {rows.shape} or with numbers that are not finite, "
            f"expected ({len(plasmids)}, {embedder.width})",
            hint="the model is damaged; train it again",
        )
    return unit_rows(rows)


@dataclass(frozen=True)
class QueryVectors:
    """Unit rows (q, d) of some plasmids, with their features and by sequence alone.

    Learned lab vectors were trained for both. Everything made of stored plasmids (neighbours, the
    means of new labs) is made of sequences alone and compared with `bare`, so that like meets
    like: features turn a vector far from that of the same sequence without them.

    `left_out` holds the ids of stored plasmids that a query is not compared with, for each query;
    empty when there are none for any. `plasmids` are the queries themselves, for what is read of
    them beside their vectors.
    """

    full: Vectors
    bare: Vectors
    left_out: tuple[frozenset[str], ...] = ()
    plasmids: tuple[Plasmid, ...] = ()

    def __len__(self) -> int:
        return len(self.full)

    @cached_property
    def featured(self) -> NDArray[np.bool_]:
        """Which queries have features, (q,): those that bring some, or, where only vectors are
        known, those whose vectors features change."""
        if self.plasmids:
            return np.array([bool(plasmid.features) for plasmid in self.plasmids])
        return np.asarray((self.full != self.bare).any(axis=1))


def query_vectors(embedder: SequenceEmbedder, plasmids: Sequence[Plasmid]) -> QueryVectors:
    """Both vectors of each plasmid; those without features are embedded once."""
    full = embed_batch(embedder, plasmids)
    bare = full.copy()
    rows = [row for row, plasmid in enumerate(plasmids) if plasmid.features]
    if rows:
        bare[rows] = embed_batch(embedder, [plasmids[row].without_features() for row in rows])
    return QueryVectors(full, bare, plasmids=tuple(plasmids))


def unread_vector(embedder: SequenceEmbedder) -> Vectors:
    """The vector (d,) of a lone N: of every sequence that the model reads nothing of."""
    row: Vectors = embed_batch(embedder, [Plasmid("unread", "N")])[0]
    return row


def are_unread(vectors: Vectors, unread: Vectors) -> NDArray[np.bool_]:
    """Which rows (q, d) are the unread vector (d,): of these the model knows nothing, (q,)."""
    furthest = np.abs(vectors - unread).max(axis=1, initial=0)  # (q, d) -> (q,)
    same: NDArray[np.bool_] = furthest < 1e-5
    return same


def embedded(
    plasmids: Iterable[Plasmid],
    embedder: SequenceEmbedder,
    *,
    progress: Progress | None = None,
    check: Callable[[Sequence[Plasmid]], None] | None = None,
) -> Iterator[tuple[Plasmid, Vectors]]:
    """Each plasmid with its unit vector (d,), made of the sequence alone. Raises InputError for a
    plasmid without a lab and for an id that was given before; `check` sees each batch before it
    is embedded."""
    for batch in in_batches(distinct(plasmids)):
        if check is not None:
            check(batch)
        bare = [plasmid.without_features() for plasmid in batch]
        yield from zip(batch, embed_batch(embedder, bare), strict=True)
        if progress is not None:
            progress(len(batch))


def distinct(plasmids: Iterable[Plasmid]) -> Iterator[Plasmid]:
    """The same plasmids; InputError at one without a lab or with an id that was given before."""
    seen: set[str] = set()
    for plasmid in plasmids:
        where = f"record {plasmid.id!r}"
        if plasmid.lab is None:
            raise InputError("no lab is given", where=where, hint="every stored plasmid needs one")
        if plasmid.id in seen:
            raise InputError("this id is given twice", where=where, hint="ids must be unique")
        seen.add(plasmid.id)
        yield plasmid
