"""Labelled plasmids with their vectors, or several segments of an index, in; segment files in its
folder out.

When segments are merged, rows and lab parts are copied bit for bit, so that no cosine changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.lab_shards import shard_of
from vecattr.datasets.reserve import SplitHash, SplitHashes
from vecattr.encoders.embedder import Embedder, load_embedder
from vecattr.encoders.protocol import SequenceEmbedder, axes_of
from vecattr.files.atomic import atomic_write, sha256_bytes
from vecattr.files.folder import Entry
from vecattr.indexes.editing.prepared_rows import Preparation, PreparedRow
from vecattr.indexes.editing.publish import StepHook, no_hook
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.search.cells import Search, cell_bytes
from vecattr.indexes.search.embedding import Progress, are_unread, unread_vector
from vecattr.indexes.search.vector_search import build_faiss_index
from vecattr.indexes.storage.index_folder import (
    MODEL_FOLDER,
    cells_path,
    faiss_path,
    segment_path,
)
from vecattr.indexes.storage.lab_parts import lab_parts
from vecattr.indexes.storage.live_segment import LiveSegment, stored_axes
from vecattr.indexes.storage.manifest import FileFacts, Manifest, SegmentEntry
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.segment_schema import SMALL_SEGMENT
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Moments
from vecattr.vectors import EmbeddingTable, Vectors

#: More small segments than this are merged into one.
MOST_SMALL = 16


def write_segment(
    path: Entry, writer: SegmentWriter, *, step: StepHook = no_hook, search: Search = "auto"
) -> SegmentEntry:
    """Write a segment and its caches into the index folder `path`; no manifest names it yet."""
    data = writer.to_bytes()
    digest = sha256_bytes(data)
    name = digest[:20]
    stored = Segment(data)
    cache = build_faiss_index(stored.coordinates)
    cells = cell_bytes(stored.vectors, segment=name, search=search)
    if cells is not None:
        atomic_write(cells_path(path, name), cells, in_shared_folder=True)
    atomic_write(segment_path(path, name), data, in_shared_folder=True)
    step("segment")
    atomic_write(faiss_path(path, name), cache, in_shared_folder=True)
    step("faiss")
    return SegmentEntry(
        name=name,
        file=FileFacts(digest, len(data)),
        header=stored.digest,
        rows=stored.rows,
        faiss=FileFacts(sha256_bytes(cache), len(cache)),
    )


class WrittenSegment(NamedTuple):
    """The manifest entry of a segment, and the split hashes of its rows as far as they are told."""

    entry: SegmentEntry
    split_hashes: SplitHashes


class SegmentSink:
    """Takes labelled plasmids and writes each segment as soon as it is full.

    `written` are the segments written so far; `class_sizes` counts the
    plasmids of each class, and `unread` those that `embedder` reads nothing of. A class gets its
    `learned` vector where there is one, else the mean of its plasmids. `with_moments` stores the
    moments of each segment's vectors, from which the discriminant of the index is made.
    """

    def __init__(
        self,
        path: Entry,
        new_writer: Callable[[], SegmentWriter],
        *,
        embedder: SequenceEmbedder,
        learned: EmbeddingTable | None = None,
        with_moments: bool = False,
        search: Search = "auto",
        step: StepHook = no_hook,
    ) -> None:
        self.written: list[WrittenSegment] = []
        self.class_sizes: Counter[str] = Counter()
        self.unread = 0
        self._path = path
        self._new_writer = new_writer
        self._writer = new_writer()
        self._embedder = embedder
        self._learned = learned
        self._with_moments = with_moments
        self._search: Search = search
        self._after_step = step
        self._split_hashes: list[SplitHash] = []

    @property
    def entries(self) -> list[SegmentEntry]:
        """The manifest entries of the segments written so far."""
        return [segment.entry for segment in self.written]

    def add(self, plasmid: Plasmid, *, label: str, row: PreparedRow) -> None:
        """One plasmid with its class and what was made of it."""
        self._writer.add_plasmid(
            plasmid, label=label, vector=row.vector, bases=row.bases, kmers=row.kmers
        )
        if row.split_hash is not None:
            self._split_hashes.append(row.split_hash)
        self.class_sizes[label] += 1
        if self._writer.is_full:
            self._write()

    def close(self) -> None:
        """Write the last segment, if it holds any plasmid."""
        if len(self._writer):
            self._write()

    def taken(self) -> list[WrittenSegment]:
        """The segments since this was called last; they are not among `written` any more."""
        taken, self.written = self.written, []
        return taken

    @cached_property
    def _unread_vector(self) -> Vectors:
        return unread_vector(self._embedder)

    def _write(self) -> None:
        writer, self._writer = self._writer, self._new_writer()
        vectors = writer.vectors
        writer.add_parts(lab_parts(writer.labels, vectors, learned=self._learned))
        if self._with_moments:
            writer.add_moments([Moments.from_vectors(vectors)])
        self.unread += int(are_unread(vectors, self._unread_vector).sum())
        split_hashes, self._split_hashes = SplitHashes.from_hashes(self._split_hashes), []
        entry = write_segment(self._path, writer, step=self._after_step, search=self._search)
        self.written.append(WrittenSegment(entry, split_hashes))


@dataclass(frozen=True)
class FillOrder:
    """What the segments of a new index are made of: the `folder` that they are written to, its
    manifest without segments, the embedder, the learned lab vectors that are wanted, the class of
    each lab, how segments are divided (by so many rows, and labs by so many `shards`), and by how
    many processes rows are made."""

    folder: Entry
    empty: Manifest
    embedder: SequenceEmbedder
    learned: EmbeddingTable | None
    rule: ClassRule
    segment_rows: int
    shards: int
    search: Search
    processes: int = 1
    progress: Progress | None = None
    step: StepHook = no_hook

    @property
    def calibrates(self) -> bool:
        """Whether lab vectors are means, which are calibrated when the index is built."""
        return self.learned is None

    @property
    def preparation(self) -> Preparation:
        """How rows are made before they go into segments; by several processes, if these can open
        the embedder from the index's folder."""
        open_embedder = None
        if isinstance(self.embedder, Embedder) and self.embedder.uses_numpy:
            model = self.folder.path / MODEL_FOLDER
            views = self.empty.views
            open_embedder = partial(load_embedder, model, views=views, device="cpu", threads=1)
        return Preparation(
            self.empty.keep_sequences, self.calibrates, self.processes, open_embedder
        )

    def sink(self, folder: Entry | None = None) -> SegmentSink:
        """A new sink, in this folder or another."""
        return SegmentSink(
            folder or self.folder,
            partial(
                SegmentWriter.from_manifest,
                self.empty,
                most_rows=self.segment_rows,
                axes=axes_of(self.embedder),
            ),
            embedder=self.embedder,
            learned=self.learned,
            with_moments=True,
            search=self.search,
            step=self.step,
        )


@dataclass(frozen=True)
class Filled:
    """The segments of a new index in their order, how many plasmids each class has, of how many the
    model knows no part, and the split hashes of all rows where lab vectors are means."""

    entries: tuple[SegmentEntry, ...]
    class_sizes: Counter[str]
    unread: int
    split_hashes: SplitHashes


#: What writes the segments of a new index, of plasmids that passed `check_plasmids`.
Filling = Callable[[FillOrder, Iterable[Plasmid]], Filled]


def fill(order: FillOrder, plasmids: Iterable[Plasmid]) -> Filled:
    """Write the segments in this process: in the order in which they are full, then the last one of
    each shard."""
    sinks = [order.sink() for _ in range(order.shards)]
    written: list[WrittenSegment] = []
    rows = order.preparation.of_all(plasmids, order.embedder, progress=order.progress)
    with closing(rows):  # ends the processes that make them
        for plasmid, row in rows:
            assert plasmid.lab is not None, "plasmids were checked"
            sink = sinks[shard_of(plasmid.lab, count=order.shards)]
            sink.add(plasmid, label=order.rule.label(plasmid.lab), row=row)
            written += sink.taken()
    for sink in sinks:
        sink.close()
        written += sink.taken()
    sizes = sum((sink.class_sizes for sink in sinks), Counter[str]())
    return Filled(
        tuple(segment.entry for segment in written),
        sizes,
        sum(sink.unread for sink in sinks),
        SplitHashes.from_parts([segment.split_hashes for segment in written]),
    )


def merge_segments(
    path: Entry,
    segments: Sequence[LiveSegment],
    manifest: Manifest,
    *,
    step: StepHook = no_hook,
) -> list[SegmentEntry]:
    """Write the living rows and parts of these segments, in order, as new segments."""
    entries = []
    new_writer = partial(SegmentWriter.from_manifest, manifest, axes=stored_axes(segments))
    writer = new_writer()
    for segment in segments:
        for row in segment.rows().tolist():
            writer.add_stored(segment.plasmid(row))
            if writer.is_full:
                entries.append(write_segment(path, writer, step=step))
                writer = new_writer()
        writer.add_parts(segment.parts)
        writer.add_moments(segment.stored.moments)
    if not writer.is_empty:
        entries.append(write_segment(path, writer, step=step))
    return entries


def merge_small(
    path: Entry,
    segments: Sequence[LiveSegment],
    manifest: Manifest,
    *,
    step: StepHook = no_hook,
) -> list[SegmentEntry]:
    """The entries of these segments, the small ones merged into one when there are too many.

    How much is merged is bounded, so that the cost of adding a lab does not grow with the index.
    """
    small = [segment for segment in segments if segment.entry.rows < SMALL_SEGMENT]
    if len(small) <= MOST_SMALL:
        return [segment.entry for segment in segments]
    large = [segment.entry for segment in segments if segment.entry.rows >= SMALL_SEGMENT]
    return [*large, *merge_segments(path, small, manifest, step=step)]
