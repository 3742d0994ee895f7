"""Labelled plasmids and a model in, a new index folder out, whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.reserve import SplitHash
from vecattr.encoders.embedder import Embedder, load_embedder
from vecattr.encoders.model_folder import learned_labs, model_identity
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import ArtifactError, InputError, MismatchError, UsageError
from vecattr.files.atomic import move_folder, sync_tree
from vecattr.indexes.editing.mean_calibration import calibrate_means
from vecattr.indexes.editing.publish import StepHook, no_hook, publish, write_segment
from vecattr.indexes.editing.segment_writer import MOST_ROWS, SegmentWriter
from vecattr.indexes.search.cells import Search
from vecattr.indexes.search.embedding import Progress, are_unread, embed_plasmids, unread_vector
from vecattr.indexes.storage.index_folder import (
    HISTORY_FOLDER,
    MANIFEST_FILE,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    segment_path,
)
from vecattr.indexes.storage.index_model import check_embedder, copy_model, with_tables
from vecattr.indexes.storage.lab_parts import lab_parts
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.lock import collect, folder_in_the_making, writing
from vecattr.indexes.storage.manifest import FileFacts, Manifest, SegmentEntry
from vecattr.indexes.storage.segment import Segment
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.discriminant import Moments
from vecattr.vectors import EmbeddingTable

LabVectors = Literal["learned", "mean"]


@dataclass(frozen=True)
class BuildReport:
    """What a new index holds; `pooled` plasmids belong to labs without a class of their own,
    `learned` of the `labs` classes have the model's vector, and the model knows no part of
    `unread` plasmids."""

    plasmids: int
    labs: int
    pooled: int
    learned: int
    unread: int
    segments: int
    generation: int
    identity: str

    def __str__(self) -> str:
        return (
            f"{self.plasmids:,} plasmids ({self.pooled:,} pooled) of {self.labs:,} classes, "
            f"{self.learned:,} with a learned vector; identity {self.identity[:16]}"
        )


def build_index(
    path: Path,
    plasmids: Iterable[Plasmid],
    *,
    model: Path,
    rule: ClassRule,
    embedder: SequenceEmbedder | None = None,
    views: int | None = None,
    keep_sequences: bool = True,
    replace: bool = False,
    lab_vectors: LabVectors = "learned",
    segment_rows: int = MOST_ROWS,
    search: Search = "auto",
    wait: float = 0,
    progress: Progress | None = None,
    after_step: StepHook = no_hook,
) -> BuildReport:
    """Build the index at `path`, in a folder beside it that takes its place when all is written.

    A segment holds at most `segment_rows` plasmids; `search` says whether large ones may be
    searched approximately (`vecattr.indexes.search.cells`). `progress` is called with the number of
    plasmids done since its last call. LockedError when the index to be replaced is being written
    and is not free after `wait` seconds. Raises UsageError when an index is there and `replace` is
    False, ArtifactError when something else is there, InputError for plasmids without a lab,
    doubled ids or no plasmids, MissingError without a model, MismatchError when `embedder` is not
    that model.
    """
    path = Path(path).resolve()
    replaced = check_place(path, replace=replace)
    held = writing(path, wait=wait) if replaced else nullcontext()
    with held, folder_in_the_making(path) as folder:
        for name in (SEGMENTS_FOLDER, HISTORY_FOLDER, MODEL_FOLDER):
            (folder / name).mkdir()
        files = copy_model(model, folder / MODEL_FOLDER)
        embedder, learned = _open_model(
            folder / MODEL_FOLDER, embedder, views=views, learned=lab_vectors == "learned"
        )
        if isinstance(embedder, Embedder):  # else it is the caller's, and no model can be read
            files = with_tables(folder / MODEL_FOLDER, files, identity=embedder.identity)
        writer = _Writer(folder, rule, embedder, learned, search=search)
        draft = partial(
            SegmentWriter,
            model=embedder.identity,
            width=embedder.width,
            keep_sequences=keep_sequences,
            most_rows=segment_rows,
        )
        segments = list(
            writer.segments(plasmids, draft=draft, progress=progress, after_step=after_step)
        )
        if learned is None:
            stored = [
                LiveSegment(entry, Segment(segment_path(folder, entry.name))) for entry in segments
            ]
            files = calibrate_means(folder / MODEL_FOLDER, files, stored, lots=writer.lots)
        manifest = writer.manifest(segments, files=files, views=views, bases=keep_sequences)
        _put_in_place(folder, path, manifest, after_step)
    collect(path)
    return writer.report(manifest)


class _Writer:
    """Turns a stream of plasmids into segments; `sizes` counts the plasmids of each class,
    `unread` those of which the model knows no part; `lots`, by id, are drawn for a calibration
    of means."""

    def __init__(
        self,
        folder: Path,
        rule: ClassRule,
        embedder: SequenceEmbedder,
        learned: EmbeddingTable | None,
        *,
        search: Search,
    ) -> None:
        self._search: Search = search
        self.sizes: Counter[str] = Counter()
        self.unread = 0
        self.lots: dict[str, SplitHash] = {}
        self._folder = folder
        self._rule = rule
        self._embedder = embedder
        self._learned = learned

    def segments(
        self,
        plasmids: Iterable[Plasmid],
        *,
        draft: Callable[[], SegmentWriter],
        progress: Progress | None,
        after_step: StepHook,
    ) -> Iterator[SegmentEntry]:
        """Write the plasmids; `draft` makes an empty segment."""
        current = draft()
        for plasmid, vector in embed_plasmids(plasmids, self._embedder, progress=progress):
            assert plasmid.lab is not None  # `embed_plasmids` has checked it
            label = self._rule.label(plasmid.lab)
            self.sizes[label] += 1
            if self._learned is None:
                self.lots[plasmid.id] = SplitHash.from_plasmid(plasmid)
            current.add_plasmid(plasmid, label=label, vector=vector)
            if current.is_full:
                yield self._written(current, after_step)
                current = draft()
        if len(current):
            yield self._written(current, after_step)
        if not self.sizes:
            raise InputError("there are no plasmids to build from", hint="check the inputs")

    def manifest(
        self,
        segments: Sequence[SegmentEntry],
        *,
        files: tuple[tuple[str, FileFacts], ...],
        views: int | None,
        bases: bool,
    ) -> Manifest:
        """The first generation."""
        return Manifest(
            generation=1,
            model=self._embedder.identity,
            model_files=files,
            width=self._embedder.width,
            views=views,
            keep_sequences=bases,
            segments=tuple(segments),
            plasmids=self.sizes.total(),
            labs=len(self.sizes),
        )

    def report(self, manifest: Manifest) -> BuildReport:
        learned = set(self._learned.names) if self._learned else set()
        return BuildReport(
            plasmids=manifest.plasmids,
            labs=manifest.labs,
            pooled=self.sizes[POOLED],
            learned=len(learned & set(self.sizes)),
            unread=self.unread,
            segments=len(manifest.segments),
            generation=manifest.generation,
            identity=manifest.identity,
        )

    def _written(self, draft: SegmentWriter, after_step: StepHook) -> SegmentEntry:
        vectors = draft.vectors
        draft.add_parts(lab_parts(draft.labels, vectors, learned=self._learned))
        draft.add_moments([Moments.of(vectors)])
        self.unread += int(are_unread(vectors, unread_vector(self._embedder)).sum())
        return write_segment(self._folder, draft, after_step=after_step, search=self._search)


def _put_in_place(folder: Path, path: Path, manifest: Manifest, after_step: StepHook) -> None:
    details = {"plasmids": manifest.plasmids, "labs": manifest.labs}
    publish(folder, manifest, action="build", details=details, after_step=after_step)
    sync_tree(folder)
    after_step("folder")
    move_folder(folder, path)
    after_step("move")


def _open_model(
    model: Path, embedder: SequenceEmbedder | None, *, views: int | None, learned: bool
) -> tuple[SequenceEmbedder, EmbeddingTable | None]:
    """The embedder (loaded unless given) and, when wanted, the learned lab vectors."""
    if embedder is None:
        embedder = load_embedder(model, views=views, device="cpu")
    check_embedder(embedder, model=model_identity(model), width=None, where=str(model))
    table = learned_labs(model) if learned else None
    if table is not None and table.width != embedder.width:
        raise MismatchError(
            f"learned labs have width {table.width}, the encoder {embedder.width}",
            where=str(model),
            hint="train the model again",
        )
    return embedder, table


def check_place(path: Path, *, replace: bool) -> bool:
    """Whether an index is there, to be replaced; errors as in `build_index`."""
    if path.exists() and not path.is_dir():
        raise ArtifactError(
            "is a file, and an index is a folder", where=str(path), hint="give another path"
        )
    if (path / MANIFEST_FILE).exists():
        if not replace:
            raise UsageError(
                "there is an index already",
                where=str(path),
                hint="add to it with `vecattr add-lab`, or build with --replace",
            )
        return True
    if path.exists() and any(path.iterdir()):
        raise ArtifactError(
            "this folder holds something that is not an index",
            where=str(path),
            hint="give a new or an empty folder",
        )
    return False
