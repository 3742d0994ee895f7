"""Several segments of an index in, their living rows in as few segments as possible out.

Rows and lab parts are copied bit for bit, so that no cosine changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vecattr.indexes.editing.publish import StepHook, no_hook
from vecattr.indexes.editing.segment_sink import write_segment
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import Manifest, SegmentEntry

#: A segment with fewer rows is small …
SMALL_SEGMENT = 1024
#: … and more small ones than this are merged into one.
MOST_SMALL = 16


def merge_segments(
    path: Path,
    segments: Sequence[LiveSegment],
    manifest: Manifest,
    *,
    step: StepHook = no_hook,
) -> list[SegmentEntry]:
    """Write the living rows and parts of these segments, in order, as new segments."""
    entries = []
    writer = SegmentWriter.from_manifest(manifest)
    for segment in segments:
        for row in segment.rows().tolist():
            writer.add_stored(segment.plasmid(row))
            if writer.is_full:
                entries.append(write_segment(path, writer, step=step))
                writer = SegmentWriter.from_manifest(manifest)
        writer.add_parts(segment.parts)
        writer.add_moments(segment.stored.moments)
    if not writer.is_empty:
        entries.append(write_segment(path, writer, step=step))
    return entries


def merge_small(
    path: Path,
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
