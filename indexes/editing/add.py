"""Labelled plasmids and an index in, the same index that knows their labs out, untrained.

The cost does not grow with the index: what is read of it is the manifest, the names of its labs
and the hashes of its ids; what is written is one small segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import InputError
from vecattr.indexes.editing.merge import merge_small
from vecattr.indexes.editing.publish import StepHook, no_hook, publish, write_segment
from vecattr.indexes.editing.segment_writer import MOST_ROWS, SegmentWriter
from vecattr.indexes.search.embedding import (
    Progress,
    are_unread,
    check_plasmids,
    embed_plasmids,
    in_batches,
    unread_vector,
)
from vecattr.indexes.storage.index_folder import newest_manifest, read_manifest
from vecattr.indexes.storage.index_model import check_embedder, load_index_model
from vecattr.indexes.storage.lab_parts import lab_parts
from vecattr.indexes.storage.live_segment import (
    LiveSegment,
    class_names,
    find_living,
    open_segments,
)
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import Manifest, SegmentEntry
from vecattr.plasmid import Plasmid
from vecattr.vectors import Vectors


@dataclass(frozen=True)
class AddReport:
    """What was added, or would be (`dry_run`; then generation and identity are the present ones).

    `new_labs` and `extended_labs` are sorted names; the model knows no part of `unread` plasmids,
    whose vectors say nothing (0 in a dry run, which embeds nothing).
    """

    new_labs: tuple[str, ...]
    extended_labs: tuple[str, ...]
    plasmids: int
    unread: int
    generation: int
    identity: str
    dry_run: bool


def add_labs(
    path: Path,
    plasmids: Iterable[Plasmid],
    *,
    embedder: SequenceEmbedder | None = None,
    dry_run: bool = False,
    segment_rows: int = MOST_ROWS,
    wait: float = 0,
    progress: Progress | None = None,
    after_step: StepHook = no_hook,
) -> AddReport:
    """Add plasmids of new labs, or more of known ones; all or nothing. No lab is pooled.

    A dry run embeds and writes nothing, and takes no lock. A segment holds at most `segment_rows`
    plasmids. LockedError when another process writes and is not done after `wait` seconds.
    `progress` is called with the number of plasmids done since its last call. Raises
    InputError for no plasmids, one without a lab, an id twice or in the index already;
    MismatchError when `embedder` is not the index's model.
    """
    path = Path(path)
    if dry_run:
        return _would_add(path, plasmids)
    read_manifest(path)  # a missing index is told before a lock file is made
    with writing(path, wait=wait):
        old = newest_manifest(path)
        segments = open_segments(path, old)
        if embedder is None:
            embedder = load_index_model(path, old)
        else:
            check_embedder(embedder, model=old.model, width=old.width, where=str(path))
        rows = embed_plasmids(
            plasmids,
            embedder,
            progress=progress,
            check=lambda batch: _refuse_known_ids(batch, segments),
        )
        written = _write(
            path,
            rows,
            make=partial(_draft, old, segment_rows),
            blank=unread_vector(embedder),
            after_step=after_step,
        )
        new_labs, extended = _sorted_out(written.labs, segments)
        added = sum(entry.rows for entry in written.entries)
        new = _grown(old, written.entries, plasmids=added, labs=len(new_labs))
        new = _with_few_segments(path, new, segments, after_step)
        details = {"new": new_labs, "extended": extended, "plasmids": added}
        publish(path, new, action="add-lab", details=details, after_step=after_step)
    return AddReport(
        new_labs, extended, added, written.unread, new.generation, new.identity, dry_run=False
    )


def _draft(manifest: Manifest, most_rows: int) -> SegmentWriter:
    return SegmentWriter(
        model=manifest.model,
        width=manifest.width,
        keep_sequences=manifest.keep_sequences,
        most_rows=most_rows,
    )


@dataclass
class _Written:
    """New segments, the labs that occur in them, and how many plasmids the model cannot read."""

    entries: list[SegmentEntry] = field(default_factory=list)
    labs: set[str] = field(default_factory=set)
    unread: int = 0


def _write(
    path: Path,
    rows: Iterable[tuple[Plasmid, Vectors]],
    *,
    make: Callable[[], SegmentWriter],
    blank: Vectors,
    after_step: StepHook,
) -> _Written:
    """Write plasmids with their vectors (d,) as segments, each as soon as it is full."""
    written = _Written()
    draft = make()

    def close() -> None:
        vectors = draft.vectors
        draft.add_parts(lab_parts(draft.labels, vectors))
        written.entries.append(write_segment(path, draft, after_step=after_step))
        written.labs.update(draft.labels)
        written.unread += int(are_unread(vectors, blank).sum())

    for plasmid, vector in rows:
        assert plasmid.lab is not None  # `embed_plasmids` has checked it
        draft.add_plasmid(plasmid, label=plasmid.lab, vector=vector)
        if draft.is_full:
            close()
            draft = make()
    if len(draft):
        close()
    if not written.entries:
        raise _nothing_to_add()
    return written


def _grown(old: Manifest, entries: Sequence[SegmentEntry], *, plasmids: int, labs: int) -> Manifest:
    """The next generation: the same and these segments."""
    return replace(
        old,
        generation=old.generation + 1,
        restores=None,
        segments=(*old.segments, *entries),
        plasmids=old.plasmids + plasmids,
        labs=old.labs + labs,
    )


def _would_add(path: Path, plasmids: Iterable[Plasmid]) -> AddReport:
    manifest = read_manifest(path)
    segments = open_segments(path, manifest)
    labs: set[str] = set()
    count = 0
    for batch in in_batches(check_plasmids(plasmids)):
        _refuse_known_ids(batch, segments)
        labs.update(plasmid.lab for plasmid in batch if plasmid.lab is not None)
        count += len(batch)
    if not count:
        raise _nothing_to_add()
    new_labs, extended = _sorted_out(labs, segments)
    return AddReport(
        new_labs, extended, count, 0, manifest.generation, manifest.identity, dry_run=True
    )


def _nothing_to_add() -> InputError:
    return InputError("there are no plasmids to add", hint="check the inputs")


def _refuse_known_ids(batch: Sequence[Plasmid], segments: Sequence[LiveSegment]) -> None:
    known = find_living(segments, [plasmid.id for plasmid in batch])
    if known:
        raise InputError(
            "this id is in the index already",
            where=f"record {known[0]!r}",
            hint="rename the record, or remove the lab that has it first",
        )


def _sorted_out(
    labs: set[str], segments: Sequence[LiveSegment]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labs that are new to the index, and those that have a class already."""
    known = class_names(segments)
    return tuple(sorted(labs - known)), tuple(sorted(labs & known))


def _with_few_segments(
    path: Path, new: Manifest, opened: Sequence[LiveSegment], after_step: StepHook
) -> Manifest:
    """The same content, its small segments merged when there are too many."""
    added = (
        LiveSegment.open(path, entry, model=new.model) for entry in new.segments[len(opened) :]
    )
    entries = merge_small(path, [*opened, *added], new, after_step=after_step)
    return replace(new, segments=tuple(entries))
