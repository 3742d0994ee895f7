"""Labelled plasmids and a model in, a complete new index folder out, or none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from vecattr.datasets.classes import ClassRule
from vecattr.datasets.lab_shards import check_shard_count
from vecattr.encoders.embedder import Embedder, load_embedder
from vecattr.encoders.model_folder import learned_labs, model_identity
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.encoders.vocabulary import Disclosure
from vecattr.errors import InputError, MismatchError
from vecattr.files.atomic import sync_tree, translated_errors
from vecattr.files.folder import Entry
from vecattr.files.place import Place
from vecattr.indexes.calibrating.held_out_scoring import Workers
from vecattr.indexes.calibrating.mean_calibration import calibrate_means
from vecattr.indexes.editing.index_place import check_place, index_place, put_in_force
from vecattr.indexes.editing.lab_info import LabInfos, lab_info_for
from vecattr.indexes.editing.publish import (
    StepHook,
    no_hook,
    not_in_force_yet,
    publish,
)
from vecattr.indexes.editing.segment_sink import Filled, Filling, FillOrder, fill
from vecattr.indexes.editing.segment_writer import MOST_ROWS
from vecattr.indexes.joining.join_writer import join_kmers
from vecattr.indexes.search.cells import Search
from vecattr.indexes.search.embedding import Progress, check_plasmids
from vecattr.indexes.storage.index_folder import (
    HISTORY_FOLDER,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
)
from vecattr.indexes.storage.index_model import (
    check_embedder,
    checked_disclosure,
    copy_model,
    with_tables,
)
from vecattr.indexes.storage.live_segment import open_segments
from vecattr.indexes.storage.lock import (
    LockedFolder,
    unfinished_folder,
    writing,
)
from vecattr.indexes.storage.manifest import Manifest, ModelFiles
from vecattr.plasmid import POOLED, Plasmid
from vecattr.vectors import EmbeddingTable

LabVectors = Literal["learned", "mean"]


@dataclass(frozen=True)
class BuildReport:
    """What a new index holds; `pooled` plasmids belong to labs without a class of their own,
    `learned` of the `labs` classes have the model's vector, and the model knows no part of
    `unread` plasmids. `disclosure`: what the model tells of the plasmids that it was trained on in
    an index that keeps no sequences."""

    plasmids: int
    labs: int
    pooled: int
    learned: int
    unread: int
    disclosure: Disclosure | None
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
    disclose_kmers: bool = False,
    replace: bool = False,
    place: Place | None = None,
    lab_vectors: LabVectors = "learned",
    lab_info: LabInfos | None = None,
    segment_rows: int = MOST_ROWS,
    search: Search = "auto",
    shards: int = 1,
    filling: Filling = fill,
    processes: int = 1,
    wait: float = 0,
    progress: Progress | None = None,
    step: StepHook = no_hook,
) -> BuildReport:
    """Build the index at `path`, in a folder beside it that replaces it when it is complete.

    Whatever else comes to be there after `place` was taken (None: now) stays (UsageError).
    `segment_rows`, `shards`, `search` and `processes` as in `FillOrder`; `filling` writes segments,
    and what `lab_info` tells of other labs is left out. `progress` gets the number of plasmids done
    since its last call. UsageError when an index is there and `replace` is False, or the model may
    not tell its k-mers, ArtifactError when something else is there, LockedError as `writing`,
    InputError for no plasmids, a doubled id or no lab, MissingError or MismatchError for a model.

    >>> from vecattr import ClassRule, read_plasmids
    >>> plasmids, rule = read_plasmids(["plasmids.csv"]), ClassRule()
    >>> build_index(Path("new.index"), plasmids, model=Path("my.model"), rule=rule).labs
    4
    """
    path, place = Path(path).resolve(), place or index_place(path)
    lock = _locked(path, replace=replace, wait=wait)
    with lock, place.told_when_taken(), unfinished_folder(place.location) as (new, unfinished):
        place.check()
        parts = _import_model(unfinished.root, model, embedder, views, lab_vectors)
        division = segment_rows, shards, search, processes, progress, step
        order = _order(parts, rule, division, views=views, keep_sequences=keep_sequences)
        disclosure = checked_disclosure(parts.folder, order.empty, allowed=disclose_kmers)
        filled = filling(order, check_plasmids(plasmids))
        manifest = _filled_manifest(order, filled, lab_info or {})
        _publish_folder(unfinished, manifest, place.path, step)
        put_in_force(new, unfinished, place, step)
    return _report(manifest, filled, parts.learned, disclosure)


def _locked(path: Path, *, replace: bool, wait: float) -> AbstractContextManager[object]:
    """The lock of the index that is replaced, if there is one; errors as in `check_place`."""
    return writing(path, wait=wait) if check_place(path, replace=replace) else nullcontext()


class _ModelParts(NamedTuple):
    """What an index takes of its model, in a folder of its own: the embedder, the learned lab
    vectors when they are wanted, and the files."""

    folder: Entry
    embedder: SequenceEmbedder
    learned: EmbeddingTable | None
    files: ModelFiles


def _import_model(
    folder: Entry,
    model: Path,
    embedder: SequenceEmbedder | None,
    views: int | None,
    lab_vectors: LabVectors,
) -> _ModelParts:
    """Copy the model into a new index folder, with lookup tables, and load it unless `embedder` is
    given; MismatchError when `embedder` is another model."""
    for name in (SEGMENTS_FOLDER, HISTORY_FOLDER, MODEL_FOLDER):
        with translated_errors(folder / name):
            (folder / name).make_folder()
    target = folder / MODEL_FOLDER
    files = copy_model(model, target)
    if embedder is None:
        embedder = load_embedder(target, views=views, device="cpu")
    check_embedder(embedder, model=model_identity(target), width=None, where=str(target))
    learned = learned_labs(target) if lab_vectors == "learned" else None
    if learned is not None and learned.width != embedder.width:
        raise MismatchError(
            f"learned labs have width {learned.width}, the encoder {embedder.width}",
            where=str(target),
            hint="train the model again",
        )
    if isinstance(embedder, Embedder):  # else the caller's own, whose weights cannot be read
        files = with_tables(target, files, identity=embedder.identity)
    return _ModelParts(target, embedder, learned, files)


def _order(
    parts: _ModelParts,
    rule: ClassRule,
    division: tuple[int, int, Search, int, Progress | None, StepHook],
    *,
    views: int | None,
    keep_sequences: bool,
) -> FillOrder:
    """With the last six fields; UsageError for a number of shards out of range."""
    check_shard_count(division[1])
    empty = _empty_manifest(parts, views=views, keep_sequences=keep_sequences)
    return FillOrder(parts.folder.parent, empty, parts.embedder, parts.learned, rule, *division)


def _empty_manifest(parts: _ModelParts, *, views: int | None, keep_sequences: bool) -> Manifest:
    """The first generation of an index of this model, without segments."""
    return Manifest(
        generation=1,
        model=parts.embedder.identity,
        model_files=parts.files,
        width=parts.embedder.width,
        views=views,
        keep_sequences=keep_sequences,
        segments=(),
        plasmids=0,
        labs=0,
    )


def _filled_manifest(
    order: FillOrder,
    filled: Filled,
    lab_info: LabInfos,
) -> Manifest:
    """The same generation with these segments, with what is known of their labs, and with a
    calibration of lab vectors that are means. InputError for no plasmids."""
    if not filled.entries:
        raise InputError("there are no plasmids to build from", hint="check the inputs")
    folder = order.folder
    manifest = dataclasses.replace(
        order.empty,
        segments=filled.entries,
        plasmids=filled.class_sizes.total(),
        labs=len(filled.class_sizes),
    )
    segments = open_segments(folder, manifest)
    join_kmers(folder, segments)
    if not order.calibrates and not lab_info:
        return manifest
    manifest = dataclasses.replace(
        manifest, lab_info=lab_info_for(folder, segments, infos=lab_info)
    )
    if not order.calibrates:
        return manifest
    files = calibrate_means(
        folder / MODEL_FOLDER,
        manifest.model_files,
        segments,
        split_hashes=filled.split_hashes,
        workers=Workers(order.processes, folder.path, manifest) if order.processes > 1 else None,
    )
    return dataclasses.replace(manifest, model_files=files)


def _report(
    manifest: Manifest,
    filled: Filled,
    learned: EmbeddingTable | None,
    disclosure: Disclosure | None,
) -> BuildReport:
    learned_names = set(learned.names) if learned else set()
    return BuildReport(
        plasmids=manifest.plasmids,
        labs=manifest.labs,
        pooled=filled.class_sizes[POOLED],
        learned=len(learned_names & filled.class_sizes.keys()),
        unread=filled.unread,
        disclosure=disclosure,
        segments=len(manifest.segments),
        generation=manifest.generation,
        identity=manifest.identity,
    )


def _publish_folder(folder: LockedFolder, manifest: Manifest, path: Path, step: StepHook) -> None:
    """Make the first generation of the unfinished folder of an index that will be at `path`."""
    details = {"plasmids": manifest.plasmids, "labs": manifest.labs}
    with not_in_force_yet(path):
        publish(folder, manifest, action="build", details=details, step=step)
    sync_tree(folder.root)
    step("folder")
