"""Ids of stored plasmids and an index in, the same index without these plasmids out.

A segment never changes, and a manifest hides whole labs of it. So the labs that lose plasmids are
hidden, and the plasmids that they keep are written again, bit for bit, with new means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from vecattr.errors import InputError
from vecattr.files.folder import Entry
from vecattr.indexes.editing.lab_info import lab_info_for
from vecattr.indexes.editing.publish import StepHook, no_hook, publish
from vecattr.indexes.editing.segment_sink import merge_small, write_segment
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.storage.index_folder import newest_manifest, read_manifest
from vecattr.indexes.storage.lab_parts import LabPart, lab_parts
from vecattr.indexes.storage.live_segment import (
    LiveSegment,
    class_names,
    living_places,
    open_segments,
    stored_axes,
)
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import Manifest, SegmentEntry
from vecattr.indexes.storage.stored_info import StoredPlasmid, read_lab_info
from vecattr.plasmid import POOLED


@dataclass(frozen=True)
class RemoveReport:
    """What was removed: `plasmids` of `labs`; `gone_labs` have none left. `unknown_ids` are not in
    the index; when all are unknown, nothing was changed."""

    plasmids: int
    labs: tuple[str, ...]
    gone_labs: tuple[str, ...]
    unknown_ids: tuple[str, ...]
    generation: int
    identity: str


def remove_plasmids(
    path: Path, ids: Iterable[str], *, wait: float = 0, step: StepHook = no_hook
) -> RemoveReport:
    """Take single plasmids out of an index; a lab whose last plasmid goes, goes too.

    The cost grows with the labs that lose plasmids, not with the index. The pool's vector and
    learned vectors stay as they are. Ids that are not in the index are reported. Raises InputError
    for no ids, LockedError when another process is still writing after `wait` seconds.

    >>> remove_plasmids(Path("my.index"), ["nobody"]).unknown_ids
    ('nobody',)
    """
    path = Path(path)
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise InputError("there are no plasmids to remove", hint="check the list")
    read_manifest(path)  # a missing index is reported before a lock file is created
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        segments = open_segments(folder.root, old)
        places = living_places(segments, wanted)
        unknown = tuple(name for name in wanted if name not in places)
        if not places:
            return RemoveReport(0, (), (), unknown, old.generation, old.identity)
        labs = {segment.lab(row) for segment, row in places.values()}
        hidden = [_hidden(segment, labs) for segment in segments]
        kept = _write_kept(
            folder.root, segments, old, labs=labs, removed=frozenset(places), step=step
        )
        new = _next_manifest(folder.root, old, [*hidden, *kept], removed=len(places), step=step)
        if old.lab_info is not None:
            before = read_lab_info(folder.root, old)
            known = lab_info_for(folder.root, [*hidden, *kept], before=before)
            new = replace(new, lab_info=known)
        report = RemoveReport(
            len(places),
            tuple(sorted(labs)),
            tuple(sorted(labs - _living_labs([*hidden, *kept]))),
            unknown,
            new.generation,
            new.identity,
        )
        details = {"plasmids": len(places), "labs": report.labs, "gone": report.gone_labs}
        publish(folder, new, action="remove-plasmids", details=details, step=step)
    return report


def _hidden(segment: LiveSegment, labs: Collection[str]) -> LiveSegment:
    """The segment without these labs."""
    stored = segment.stored_as_any(labs)
    return segment.with_entry(segment.entry.without(stored)) if stored else segment


def _write_kept(
    path: Entry,
    segments: Sequence[LiveSegment],
    manifest: Manifest,
    *,
    labs: set[str],
    removed: frozenset[str],
    step: StepHook,
) -> list[LiveSegment]:
    """New segments with the rows that these labs keep, and their parts."""
    entries: list[SegmentEntry] = []
    new_writer = partial(SegmentWriter.from_manifest, manifest, axes=stored_axes(segments))
    writer = new_writer()
    for segment in segments:
        stored = map(segment.plasmid, _rows_of(segment, labs))
        kept = [plasmid for plasmid in stored if plasmid.id not in removed]
        writer.add_parts(_parts(segment, kept))
        for plasmid in kept:
            writer.add_stored(plasmid)
            if writer.is_full:
                entries.append(write_segment(path, writer, step=step))
                writer = new_writer()
    if not writer.is_empty:
        entries.append(write_segment(path, writer, step=step))
    return [LiveSegment.open(path, entry, model=manifest.model) for entry in entries]


def _parts(segment: LiveSegment, kept: Sequence[StoredPlasmid]) -> Iterator[LabPart]:
    """A part for each class of the rows that are kept of a segment: its learned vector where it has
    one there, else the mean of these rows."""
    if not kept:
        return
    learned = {part.name: part for part in segment.parts if part.origin == "learned"}
    labels = [plasmid.label for plasmid in kept]
    vectors = np.stack([plasmid.vector for plasmid in kept])  # (n, d)
    counts = Counter(labels)
    for part in lab_parts(labels, vectors):
        if part.name in learned:
            yield learned[part.name]._replace(weight=float(counts[part.name]))
        elif part.name != POOLED:
            yield part


def _rows_of(segment: LiveSegment, labs: set[str]) -> list[int]:
    """The living rows of some labs, ascending."""
    is_wanted = [segment.present(name) in labs for name in segment.stored.lab_names]
    chosen = np.array(is_wanted, dtype=bool)[segment.stored.lab_codes]
    return [int(row) for row in np.flatnonzero(chosen & segment.alive)]


def _next_manifest(
    path: Entry,
    old: Manifest,
    segments: Sequence[LiveSegment],
    *,
    removed: int,
    step: StepHook,
) -> Manifest:
    """The next generation, with these segments, the small ones merged when they are too many."""
    return replace(
        old,
        generation=old.generation + 1,
        restores=None,
        segments=tuple(merge_small(path, segments, old, step=step)),
        plasmids=old.plasmids - removed,
        labs=len(class_names(segments)),
    )


def _living_labs(segments: Iterable[LiveSegment]) -> set[str]:
    """The true labs of all living rows, those in the pool included."""
    present = (
        segment.present(segment.stored.lab_names[code])
        for segment in segments
        for code in np.unique(segment.stored.lab_codes).tolist()
    )
    return {lab for lab in present if lab is not None}
