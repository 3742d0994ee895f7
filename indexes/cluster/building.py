"""Segments of a new index written by workers: labelled plasmids in, their files in the index's
folder out.

A task is "rows to a segment". The client divides rows as one process would, writes those of a full
segment to a file, and keeps none of them. A worker embeds the rows and writes the segment under the
name of its content, and last a receipt under the name of all that the content depends on. So a task
that runs twice writes the same bytes under the same names, a lost worker's task runs again, and the
next build skips what has a receipt. The client alone makes the index, when all segments are there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.lab_shards import shard_of
from vecattr.datasets.reserve import SplitHash, SplitHashes
from vecattr.datasets.rows import row_line
from vecattr.encoders.model_folder import learned_labs
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import ArtifactError
from vecattr.files.atomic import atomic_write, read_file, translated_errors
from vecattr.files.folder import Entry, OpenFolder
from vecattr.files.json_files import parse_json
from vecattr.indexes.cluster.cluster import Cluster
from vecattr.indexes.cluster.embedding import EmbedderRecipe
from vecattr.indexes.cluster.rows import read_rows, write_rows
from vecattr.indexes.cluster.shared_folder import check_shared
from vecattr.indexes.cluster.work_folder import (
    RECEIPTS,
    ROWS,
    check_work_folder,
    delete_work_folder,
    make_work_folder,
    work_folder,
)
from vecattr.indexes.editing.prepared_rows import Preparation
from vecattr.indexes.editing.segment_sink import Filled, Filling, FillOrder
from vecattr.indexes.editing.segment_writer import is_full
from vecattr.indexes.search.cells import Search
from vecattr.indexes.storage.index_folder import (
    MODEL_FOLDER,
    cells_path,
    faiss_path,
    is_segment_file,
    segment_path,
)
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import FileFacts, Manifest, SegmentEntry
from vecattr.plasmid import Plasmid
from vecattr.vectors import EmbeddingTable
from vecattr.version import __version__

#: Bases in a byte of packed bases.
_BASES_IN_A_BYTE = 4


@dataclass(frozen=True)
class SegmentRecipe:
    """How rows become a segment: the work folder, the encoder and its folder, whether learned lab
    vectors are taken from there, and what the writer is told."""

    work: str
    embedder: EmbedderRecipe
    has_learned: bool
    rule: ClassRule
    empty: Manifest
    segment_rows: int
    search: Search

    def key(self, rows: str) -> str:
        """Hex, of all that the segment of these rows depends on; not of folders."""
        rule = None if self.rule.named is None else sorted(self.rule.named)
        facts = [
            *(__version__, rows, self.embedder.identity, self.embedder.views, self.has_learned),
            *(rule, self.empty.width, self.empty.keep_sequences, self.segment_rows, self.search),
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True)
class Receipt:
    """A segment that was written: its line in the manifest, how many of its plasmids each class
    has, and of how many the model knows no part."""

    entry: SegmentEntry
    class_sizes: dict[str, int]
    unread: int

    def to_json(self) -> bytes:
        """The content of the file."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Receipt:
        """ValueError, KeyError or TypeError for anything else."""
        facts = parse_json(data)
        entry = facts["entry"]
        if not is_segment_file(f"{entry['name']}.h5"):  # it becomes a path
            raise ValueError(f"{entry['name']!r} names no segment")
        new = SegmentEntry(
            name=entry["name"],
            file=FileFacts(**entry["file"]),
            header=entry["header"],
            rows=entry["rows"],
            faiss=FileFacts(**entry["faiss"]),
        )
        return cls(new, facts["class_sizes"], facts["unread"])


@contextmanager
def cluster_filling(cluster: Cluster, index: Path, *, wait: float = 0) -> Iterator[Filling]:
    """What `build_index` lets write the segments of the index at this path: workers. The work
    folder beside it, which all machines must share, is locked meanwhile, kept after a failure for
    the next build, and deleted at the end. UsageError when there is anything in it that vecattr did
    not make."""
    work = work_folder(index)
    if work.exists():
        with translated_errors(work), OpenFolder(work) as found:
            check_work_folder(found.root)
    check_shared(cluster, work)
    make_work_folder(work)
    with writing(work, wait=wait) as folder:
        check_work_folder(folder.root)
        yield lambda order, plasmids: _fill(cluster, folder.root, order, plasmids)
        delete_work_folder(folder.root)


def _fill(cluster: Cluster, work: Entry, order: FillOrder, plasmids: Iterable[Plasmid]) -> Filled:
    """As `vecattr.indexes.editing.segment_sink.fill`, by workers."""
    recipe = _recipe(work, order)
    receipts: list[Receipt] = []
    split_hashes: list[SplitHashes] = []
    files = _rows_files(work.path / ROWS, order, plasmids, split_hashes)
    for receipt in cluster.results(_Task(recipe), files):
        receipts.append(receipt)
        if order.progress is not None:
            order.progress(receipt.entry.rows)
    for receipt in receipts:
        _move(work, order.folder, receipt.entry)
        order.step("segment")
    sizes = sum((Counter(receipt.class_sizes) for receipt in receipts), Counter[str]())
    entries = tuple(receipt.entry for receipt in receipts)
    unread = sum(receipt.unread for receipt in receipts)
    return Filled(entries, sizes, unread, SplitHashes.from_parts(split_hashes))


def _recipe(work: Entry, order: FillOrder) -> SegmentRecipe:
    model = order.folder / MODEL_FOLDER
    embedder = EmbedderRecipe(str(model), False, order.embedder.identity, views=order.empty.views)
    return SegmentRecipe(
        str(work),
        embedder,
        order.learned is not None,
        order.rule,
        replace(order.empty, model_files=()),
        order.segment_rows,
        order.search,
    )


@dataclass
class _SegmentRows:
    """The lines of a segment that is not full yet, its bytes of packed bases, and split hashes."""

    lines: list[bytes] = field(default_factory=list)
    base_bytes: int = 0
    split_hashes: list[SplitHash] = field(default_factory=list)

    def add(self, plasmid: Plasmid, order: FillOrder) -> bool:
        """One more plasmid; whether the segment is full with it."""
        self.lines.append(row_line(plasmid))
        if order.empty.keep_sequences:
            self.base_bytes += -(-len(plasmid) // _BASES_IN_A_BYTE)
        if order.calibrates:
            self.split_hashes.append(SplitHash.from_plasmid(plasmid))
        return is_full(len(self.lines), self.base_bytes, most_rows=order.segment_rows)


def _rows_files(
    folder: Path, order: FillOrder, plasmids: Iterable[Plasmid], split_hashes: list[SplitHashes]
) -> Iterator[str]:
    """The names of files with the rows of each segment, divided as one process divides them; the
    split hashes of each file's rows are added to `split_hashes`."""
    pending = [_SegmentRows() for _ in range(order.shards)]
    for plasmid in plasmids:
        assert plasmid.lab is not None, "plasmids were checked"
        shard = shard_of(plasmid.lab, count=order.shards)
        if pending[shard].add(plasmid, order):
            full, pending[shard] = pending[shard], _SegmentRows()
            split_hashes.append(SplitHashes.from_hashes(full.split_hashes))
            yield write_rows(folder, full.lines)
    for rest in pending:
        if rest.lines:
            split_hashes.append(SplitHashes.from_hashes(rest.split_hashes))
            yield write_rows(folder, rest.lines)


@dataclass(frozen=True)
class _Task:
    """In a worker: the receipt of the segment of a file of rows, which is written unless it is
    there."""

    recipe: SegmentRecipe

    def __call__(self, rows: str) -> Receipt:
        work = Path(self.recipe.work)
        path = work / RECEIPTS / self.recipe.key(rows)
        receipt = _read_receipt(work, path)
        if receipt is None:
            receipt = _written(self.recipe, rows)
            atomic_write(path, receipt.to_json())
        return receipt


def _read_receipt(work: Path, path: Path) -> Receipt | None:
    """The receipt of a segment that was written whole and is there still."""
    try:
        receipt = Receipt.from_json(read_file(path))
        segment = segment_path(work, receipt.entry.name)
        cache = faiss_path(work, receipt.entry.name)
        sizes = segment.stat().st_size, cache.stat().st_size
    except (ArtifactError, OSError, ValueError, KeyError, TypeError):
        return None
    entry = receipt.entry
    return receipt if sizes == (entry.file.size, entry.faiss.size) else None


def _written(recipe: SegmentRecipe, rows: str) -> Receipt:
    """The segment of these rows, written by the code of one process."""
    work, (embedder, learned) = (
        Path(recipe.work),
        _opened_model(recipe.embedder, recipe.has_learned),
    )
    rule, rows_limit = recipe.rule, recipe.segment_rows
    with OpenFolder(work) as folder:
        order = FillOrder(
            folder.root, recipe.empty, embedder, learned, rule, rows_limit, 1, recipe.search
        )
        sink = order.sink()
        prepared = Preparation(recipe.empty.keep_sequences, reserves=False)
        for plasmid, row in prepared.of_all(read_rows(work / ROWS, rows), embedder):
            assert plasmid.lab is not None, "plasmids were checked"
            sink.add(plasmid, label=rule.label(plasmid.lab), row=row)
        sink.close()
    [written] = sink.taken()
    return Receipt(written.entry, dict(sink.class_sizes), sink.unread)


@lru_cache(maxsize=1)
def _opened_model(
    recipe: EmbedderRecipe, has_learned: bool
) -> tuple[SequenceEmbedder, EmbeddingTable | None]:
    """In a worker: the encoder and, where they are wanted, its learned lab vectors."""
    return recipe.open(), learned_labs(Path(recipe.path)) if has_learned else None


def _move(work: Entry, folder: Entry, entry: SegmentEntry) -> None:
    """Put the files of a segment into the folder of the index."""
    for path_of in (cells_path, segment_path, faiss_path):
        source = path_of(work, entry.name)
        if source.exists():
            source.move_to(path_of(folder, entry.name))
