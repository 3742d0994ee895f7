"""Unit vectors of plasmids: a stream of plasmids in, vectors out by batches, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vecattr.encoders.protocol import SequenceEmbedder, features_read
from vecattr.errors import InputError, MismatchError
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.vectors import Mask, Vectors, unit_rows

#: A batch is closed at so many plasmids or bases, whichever comes first.
BATCH_PLASMIDS = 256
BATCH_BASES = 1 << 24

Progress = Callable[[int], None]


def in_batches(
    plasmids: Iterable[Plasmid], *, max_plasmids: int = BATCH_PLASMIDS
) -> Iterator[list[Plasmid]]:
    """The plasmids in order, in batches of at most so many plasmids and about BATCH_BASES bases."""
    batch: list[Plasmid] = []
    bases = 0
    for plasmid in plasmids:
        batch.append(plasmid)
        bases += len(plasmid)
        if len(batch) >= max_plasmids or bases >= BATCH_BASES:
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
    """Unit rows (q, d) of q queries: `full` with their features, `bare` of the sequence alone.

    Learned lab vectors were trained for both. Everything made of stored plasmids (neighbours, the
    means of new labs) is made of sequences alone and compared with `bare`, because features move a
    vector far from that of the same sequence without them.

    `left_out` has, for each query, the ids of stored plasmids that it is not compared with; it is
    empty when no query has any. `plasmids` are the queries themselves, for k-mers and features.
    """

    full: Vectors
    bare: Vectors
    left_out: tuple[frozenset[str], ...] = ()
    plasmids: tuple[Plasmid, ...] = ()

    def __len__(self) -> int:
        return len(self.full)

    @cached_property
    def featured(self) -> Mask:
        """Which queries have features, (q,); where only vectors are known, those whose two vectors
        differ."""
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


def known_features(
    segments: Iterable[LiveSegment], embedder: SequenceEmbedder
) -> frozenset[str] | None:
    """The features that any stored plasmid has or the embedder reads; None when it does not tell
    what it reads."""
    names = features_read(embedder)
    if names is None:
        return None
    return names.union(*(segment.stored.feature_names for segment in segments))


def unread_vector(embedder: SequenceEmbedder) -> Vectors:
    """The vector (d,) of the sequence N, and of every sequence without any token of the model."""
    vector: Vectors = embed_batch(embedder, [Plasmid("unread", "N")])[0]
    return vector


def are_unread(vectors: Vectors, unread: Vectors) -> Mask:
    """Which rows (q, d) equal the unread vector (d,), (q,): plasmids without any token of the
    model."""
    difference = np.abs(vectors - unread).max(axis=1, initial=0)  # (q, d) -> (q,)
    equal: Mask = difference < 1e-5
    return equal


def embed_plasmids(
    plasmids: Iterable[Plasmid],
    embedder: SequenceEmbedder,
    *,
    progress: Progress | None = None,
) -> Iterator[tuple[Plasmid, Vectors]]:
    """Each plasmid with its unit vector (d,), made of the sequence alone; errors as in
    `check_plasmids`."""
    return embed_checked(check_plasmids(plasmids), embedder, progress=progress)


def embed_checked(
    plasmids: Iterable[Plasmid],
    embedder: SequenceEmbedder,
    *,
    progress: Progress | None = None,
) -> Iterator[tuple[Plasmid, Vectors]]:
    """The same of plasmids that passed `check_plasmids`."""
    for batch in in_batches(plasmids):
        bare = [plasmid.without_features() for plasmid in batch]
        yield from zip(batch, embed_batch(embedder, bare), strict=True)
        if progress is not None:
            progress(len(batch))


def check_plasmids(plasmids: Iterable[Plasmid]) -> Iterator[Plasmid]:
    """The same plasmids; InputError at one without a lab, or with the id of an earlier one."""
    seen: set[str] = set()
    for plasmid in plasmids:
        if plasmid.lab is None:
            hint = "every stored plasmid needs one"
            raise InputError("no lab is given", where=plasmid.place, hint=hint)
        if plasmid.id in seen:
            hint = "ids must be unique"
            raise InputError("this id is given twice", where=plasmid.place, hint=hint)
        seen.add(plasmid.id)
        yield plasmid
