"""Labelled plasmids and an index in, the same index that knows their labs out, untrained.

The cost does not grow with the index: what is read of it is the manifest, the names of its labs
and the hashes of its ids; what is written is one small segment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vecattr.encoders.protocol import SequenceEmbedder, axes_of
from vecattr.errors import AppliedError, InputError
from vecattr.files.folder import Entry
from vecattr.indexes.editing.known_ids import KnownIdRule, KnownIds
from vecattr.indexes.editing.lab_info import LabInfos, lab_info_for
from vecattr.indexes.editing.prepared_rows import PreparedRow
from vecattr.indexes.editing.publish import StepHook, no_hook, publish
from vecattr.indexes.editing.segment_sink import SegmentSink, merge_small
from vecattr.indexes.editing.segment_writer import MOST_ROWS, SegmentWriter
from vecattr.indexes.search.embedding import (
    Progress,
    check_plasmids,
    embed_plasmids,
    known_features,
)
from vecattr.indexes.storage.index_folder import newest_manifest, read_manifest
from vecattr.indexes.storage.index_model import check_embedder, load_index_model
from vecattr.indexes.storage.live_segment import (
    LiveSegment,
    class_names,
    open_segments,
    stored_axes,
)
from vecattr.indexes.storage.lock import LockedFolder, writing
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.snapshot import open_snapshot
from vecattr.indexes.storage.stored_info import read_lab_info
from vecattr.plasmid import Plasmid


@dataclass(frozen=True)
class AddReport:
    """What was added, or would be (`dry_run`; then generation and identity are the present ones).

    `new_labs` and `extended_labs` are sorted names; the model knows no part of `unread` plasmids,
    whose vectors say nothing (0 in a dry run, which embeds nothing). `skipped` are the ids of
    plasmids that were left out, and `renamed` old and new ids, because the index has the old ones.
    """

    new_labs: tuple[str, ...]
    extended_labs: tuple[str, ...]
    plasmids: int
    unread: int
    generation: int
    identity: str
    dry_run: bool
    skipped: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


def add_labs(
    path: Path,
    plasmids: Iterable[Plasmid],
    *,
    embedder: SequenceEmbedder | None = None,
    device: str = "cpu",
    threads: int | None = None,
    dry_run: bool = False,
    known_ids: KnownIds = "refuse",
    lab_info: LabInfos | None = None,
    segment_rows: int = MOST_ROWS,
    wait: float = 0,
    progress: Progress | None = None,
    step: StepHook = no_hook,
) -> AddReport:
    """Add plasmids of new labs, or more of known ones; all or nothing. No lab is pooled.

    Without `embedder` the index's own model is loaded, with `device` and `threads`. A dry run
    embeds and writes nothing, and takes no lock. A segment holds at most `segment_rows` plasmids.
    `known_ids` says what becomes of plasmids whose ids the index has: with `skip` it is no error
    that nothing is left. `lab_info` is stored as by `set_lab_info`, if plasmids are added.
    Features that neither stored plasmids nor the model know are left out. `progress` is called with
    the number of plasmids done since its last call. Raises InputError for no plasmids, one without
    a lab, an id twice or refused; MismatchError when `embedder` is not the index's model;
    LockedError when another process is still writing after `wait` seconds.

    >>> from vecattr import read_plasmids
    >>> add_labs(Path("my.index"), read_plasmids(["new_lab.csv"])).new_labs
    ('Lab 05',)
    """
    path, rule = Path(path), KnownIdRule(known_ids)
    if dry_run:
        return _dry_run(path, plasmids, rule)
    read_manifest(path)  # a missing index is reported before a lock file is created
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        segments = open_segments(folder.root, old)
        embedder = _index_embedder(folder.root, old, embedder, device=device, threads=threads)
        axes = stored_axes(segments) if segments else axes_of(embedder)
        new_writer = partial(SegmentWriter.from_manifest, old, most_rows=segment_rows, axes=axes)
        sink = SegmentSink(folder.root, new_writer, embedder=embedder, step=step)
        _fill(sink, rule.settled(plasmids, segments), embedder, segments, progress=progress)
        if not sink.entries:
            return _report(sink.class_sizes, segments, old, rule)
        new = _next_manifest(folder, old, segments, sink, lab_info or {}, step=step)
        report = _report(sink.class_sizes, segments, new, rule, unread=sink.unread)
        with _reported(report):
            publish(folder, new, action="add-lab", details=_details(report), step=step)
    return report


@contextmanager
def _reported(report: AddReport) -> Iterator[None]:
    """An AppliedError has the report of what is in force."""
    try:
        yield
    except AppliedError as error:
        error.report = report
        raise


def _index_embedder(
    path: Entry,
    manifest: Manifest,
    embedder: SequenceEmbedder | None,
    *,
    device: str,
    threads: int | None,
) -> SequenceEmbedder:
    """The given embedder, checked to be the index's model, or else that model, loaded."""
    if embedder is None:
        return load_index_model(path, manifest, device=device, threads=threads)
    check_embedder(embedder, model=manifest.model, width=manifest.width, where=str(path))
    return embedder


def _details(report: AddReport) -> dict[str, object]:
    """What the log says of these plasmids."""
    return {
        "new": report.new_labs,
        "extended": report.extended_labs,
        "plasmids": report.plasmids,
    }


def _fill(
    sink: SegmentSink,
    plasmids: Iterable[Plasmid],
    embedder: SequenceEmbedder,
    segments: Sequence[LiveSegment],
    *,
    progress: Progress | None,
) -> None:
    """Embed the plasmids into the sink, with those of their features that the index knows."""
    features = known_features(segments, embedder)
    for plasmid, vector in embed_plasmids(plasmids, embedder, progress=progress):
        assert plasmid.lab is not None  # `embed_plasmids` has checked it
        known = plasmid.with_features_among(features)
        sink.add(known, label=plasmid.lab, row=PreparedRow(vector))
    sink.close()


def _next_manifest(
    folder: LockedFolder,
    old: Manifest,
    segments: Sequence[LiveSegment],
    sink: SegmentSink,
    lab_info: LabInfos,
    *,
    step: StepHook,
) -> Manifest:
    """The next generation: the old segments and the new, the small ones merged when they are too
    many, and what is newly known of labs."""
    added = [LiveSegment.open(folder.root, entry, model=old.model) for entry in sink.entries]
    new_labs = sink.class_sizes.keys() - class_names(segments)
    written = {entry.name for entry in sink.entries}
    # labs that were removed and are added again: the same segment, without its removals
    kept = [segment for segment in segments if segment.entry.name not in written]
    entries = merge_small(folder.root, [*kept, *added], old, step=step)
    info = old.lab_info
    if lab_info:
        before = read_lab_info(folder.root, old)
        info = lab_info_for(folder.root, [*kept, *added], before=before, infos=lab_info)
    return replace(
        old,
        generation=old.generation + 1,
        restores=None,
        segments=tuple(entries),
        plasmids=old.plasmids + sink.class_sizes.total(),
        labs=old.labs + len(new_labs),
        lab_info=info,
    )


def _dry_run(path: Path, plasmids: Iterable[Plasmid], rule: KnownIdRule) -> AddReport:
    manifest, segments, *_ = open_snapshot(path)
    sizes: Counter[str] = Counter()
    for plasmid in check_plasmids(rule.settled(plasmids, segments)):
        assert plasmid.lab is not None  # `check_plasmids` has checked it
        sizes[plasmid.lab] += 1
    return _report(sizes, segments, manifest, rule, dry_run=True)


def _report(
    sizes: Counter[str],
    segments: Sequence[LiveSegment],
    manifest: Manifest,
    rule: KnownIdRule,
    *,
    unread: int = 0,
    dry_run: bool = False,
) -> AddReport:
    """`sizes` counts the added plasmids of each lab, and `segments` are those before them.
    InputError when there was nothing to add."""
    if not sizes and not rule.skipped:
        raise InputError("there are no plasmids to add", hint="check the inputs")
    old_labs = class_names(segments)
    return AddReport(
        new_labs=tuple(sorted(sizes.keys() - old_labs)),
        extended_labs=tuple(sorted(sizes.keys() & old_labs)),
        plasmids=sizes.total(),
        unread=unread,
        generation=manifest.generation,
        identity=manifest.identity,
        dry_run=dry_run,
        skipped=tuple(rule.skipped),
        renamed=tuple(rule.renamed.items()),
    )
