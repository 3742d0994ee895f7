"""Edits of an index: an edit in, a new generation published and a report of the changes out.

Each function holds the writers' lock from reading the manifest to publishing the next one, and
raises LockedError when another process still holds it after `wait` seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vecattr.errors import InputError, LockedError, UsageError
from vecattr.files.folder import Entry
from vecattr.indexes.editing.add import AddReport, add_labs
from vecattr.indexes.editing.calibration_files import with_lab_renamed
from vecattr.indexes.editing.publish import StepHook, no_hook, publish, sweep
from vecattr.indexes.editing.segment_sink import merge_segments
from vecattr.indexes.editing.segment_writer import is_full
from vecattr.indexes.joining.join_writer import join_kmers
from vecattr.indexes.storage.index_folder import (
    kept_generations,
    newest_manifest,
    read_history,
    read_manifest,
)
from vecattr.indexes.storage.index_model import SMALL_FILE, check_model_files
from vecattr.indexes.storage.live_segment import (
    LiveSegment,
    class_names,
    class_sizes,
    open_segments,
)
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.stored_info import open_lab_info, read_lab_info, write_lab_info
from vecattr.plasmid import POOLED, check_lab_name, composed

__all__ = [
    "AddReport",
    "EditReport",
    "add_labs",
    "compact",
    "remove_lab",
    "rename_lab",
    "rollback",
]


@dataclass(frozen=True)
class EditReport:
    """What an edit did: `changed` plasmids are removed, renamed or moved to another segment;
    `plasmids` and `labs` count what the index holds now. Generation and identity are the old ones
    when there was nothing to do."""

    action: str
    changed: int
    plasmids: int
    labs: int
    generation: int
    identity: str


def _report(action: str, changed: int, manifest: Manifest) -> EditReport:
    return EditReport(
        action,
        changed=changed,
        plasmids=manifest.plasmids,
        labs=manifest.labs,
        generation=manifest.generation,
        identity=manifest.identity,
    )


def remove_lab(path: Path, name: str, *, wait: float = 0, step: StepHook = no_hook) -> EditReport:
    """Hide a lab and its plasmids, those in the pool included (the pool's vector stays).

    The bytes stay in the segments until `compact`, and in the generations kept for rollback.
    Raises InputError when no plasmid is of that lab, UsageError for the pool.

    >>> remove_lab(Path("my.index"), "Lab 01").labs
    3
    """
    path = Path(path)
    name = composed(name)
    _refuse_pool(name)
    read_manifest(path)
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        segments = open_segments(folder.root, old)
        _check_known(name, segments)
        hidden = [
            segment.with_entry(segment.entry.without(segment.stored_as(name)))
            for segment in segments
        ]
        new = _next_manifest(old, hidden)
        infos = read_lab_info(folder.root, old)
        if infos.pop(name, None):
            new = replace(new, lab_info=write_lab_info(folder.root, infos))
        changed = old.plasmids - new.plasmids
        details = {"lab": name, "plasmids": changed}
        publish(folder, new, action="remove-lab", details=details, step=step)
    return _report("remove-lab", changed, new)


def rename_lab(
    path: Path, old: str, new: str, *, wait: float = 0, step: StepHook = no_hook
) -> EditReport:
    """Rename the lab `old` to `new`; when there is a lab `new`, the two become one. What is known
    of `old` is then known of `new`, unless something is known of that already.

    Raises InputError when no plasmid is of lab `old` or `new` cannot name a lab, UsageError when
    the names are equal or `old` is the pool.

    >>> rename_lab(Path("my.index"), "Lab 01", "Church lab").action
    'rename-lab'
    """
    path = Path(path)
    old = composed(old)
    _refuse_pool(old)
    new = check_lab_name(new)
    if old == new:
        raise UsageError(f"the lab is called {old!r} already")
    read_manifest(path)
    with writing(path, wait=wait) as folder:
        before = newest_manifest(folder.root)
        segments = open_segments(folder.root, before)
        _check_known(old, segments)
        renamed = [
            segment.with_entry(segment.entry.with_names(dict.fromkeys(segment.stored_as(old), new)))
            for segment in segments
        ]
        after = with_lab_renamed(folder.root, _next_manifest(before, renamed), old, new)
        infos = read_lab_info(folder.root, before)
        if moved := infos.pop(old, None):
            infos.setdefault(new, moved)
            after = replace(after, lab_info=write_lab_info(folder.root, infos))
        changed = sum(_count_rows(old, segment) for segment in segments)
        details = {"lab": old, "new": new, "plasmids": changed}
        publish(folder, after, action="rename-lab", details=details, step=step)
    return _report("rename-lab", changed, after)


def rollback(
    path: Path,
    *,
    to: int | None = None,
    present: int | None = None,
    wait: float = 0,
    step: StepHook = no_hook,
) -> EditReport:
    """Publish the content of an earlier generation as a new one; without `to`, the generation
    before the present content (so that a second rollback goes back one more).

    With `present`, only from this generation; once that is done, the same call changes nothing.
    Raises InputError when that generation is not kept, UsageError when another generation than
    `present` is there, LockedError when another writer made one while this one waited, and no `to`
    says what to go back to.

    >>> before = remove_lab(Path("my.index"), "Lab 01").labs
    >>> before, rollback(Path("my.index")).labs
    (3, 4)
    """
    path = Path(path)
    seen = read_manifest(path)
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        if present is not None and _was_left(folder.root, old, present, to=to):
            return _report("rollback", 0, old)
        if to is None and old.generation != seen.generation:
            raise _changed_meanwhile(path, seen, old)
        target = _previous(old) if to is None else to
        kept = [number for number in kept_generations(folder.root) if number < old.generation]
        if target not in kept:
            shown = ", ".join(map(str, kept)) or "none"
            wanted = f"generation {target}" if target else "what was before the first generation"
            raise InputError(
                f"{wanted} is not kept; kept are: {shown}",
                where=str(path),
                hint="give one of them with --to" if kept else "there is nothing to go back to",
            )
        earlier = read_history(folder.root, target)
        open_segments(folder.root, earlier)  # fails unless every segment is there and intact
        open_lab_info(folder.root, earlier)
        new = _restored(earlier, after=old)
        check_model_files(folder.root, new, hashed_up_to=SMALL_FILE)
        details = {"to": target}
        publish(folder, new, action="rollback", details=details, step=step)
    return _report("rollback", 0, new)


def _changed_meanwhile(path: Path, seen: Manifest, present: Manifest) -> LockedError:
    return LockedError(
        f"was changed while this command waited: generation {seen.generation} was present, "
        f"{present.generation} is now; nothing was rolled back",
        where=str(path),
        hint="look at it with `vecattr info`, and say with --to what to go back to",
    )


def _previous(manifest: Manifest) -> int:
    """The generation before the content of this one."""
    return (manifest.restores or manifest.generation) - 1


def _restored(earlier: Manifest, *, after: Manifest) -> Manifest:
    """The next generation, with the content of an earlier one."""
    restores = earlier.restores or earlier.generation
    new = replace(earlier, generation=after.generation + 1, restores=restores)
    # Of the model only the calibration ever changes, but lookup tables may have been made again.
    return replace(new, model_files=after.model_files).with_calibration(earlier.model_files)


def _was_left(path: Entry, manifest: Manifest, left: int, *, to: int | None) -> bool:
    """Whether this manifest came by the rollback from the generation `left` that is asked for;
    False when that generation is the present one, UsageError when it is neither."""
    if manifest.generation == left:
        return False
    if manifest.generation == left + 1 and manifest.restores is not None:
        before = read_history(path, left)
        target = _previous(before) if to is None else to
        earlier = read_history(path, target)
        if _restored(earlier, after=before).identity == manifest.identity:
            return True
    raise UsageError(
        f"the present generation is {manifest.generation}, not {left}",
        where=str(path),
        hint="`vecattr info` shows what was done; name the generation to leave with --from",
    )


def compact(path: Path, *, wait: float = 0, step: StepHook = no_hook) -> EditReport:
    """Merge all segments, leaving out what is removed; no cosine changes.

    An index that is compact already stays as it is, but for joined k-mers that are missing, unless
    an older version wrote it without the finer sample of k-mers; what is not needed, such as maps
    that were drawn, is deleted.

    >>> compact(Path("my.index")).labs
    4
    """
    path = Path(path)
    read_manifest(path)
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        segments = open_segments(folder.root, old)
        if _are_compact(segments):
            join_kmers(folder.root, segments)
            sweep(folder.root, old)
            return _report("compact", 0, old)
        entries = merge_segments(folder.root, segments, old, step=step)
        new = replace(old, generation=old.generation + 1, restores=None, segments=tuple(entries))
        join_kmers(folder.root, open_segments(folder.root, new))
        details = {"segments": [len(old.segments), len(entries)]}
        publish(folder, new, action="compact", details=details, step=step)
    return _report("compact", new.plasmids, new)


def _are_compact(segments: Sequence[LiveSegment]) -> bool:
    """Whether merging these segments would spare nothing: none was edited, and all but the last
    are full."""
    return (
        not any(segment.entry.removed or segment.entry.renamed for segment in segments)
        and all(map(_is_up_to_date, segments))
        and all(is_full(*segment.stored.size) for segment in segments[:-1])
    )


def _is_up_to_date(segment: LiveSegment) -> bool:
    """Whether a segment has all of the k-mers that its sequences give."""
    kmers = segment.stored.kmers
    return not segment.stored.has_sequences or (kmers is not None and kmers.fine is not None)


def _next_manifest(old: Manifest, segments: Sequence[LiveSegment]) -> Manifest:
    """The next generation, with these segments and their counts."""
    return replace(
        old,
        generation=old.generation + 1,
        restores=None,
        segments=tuple(segment.entry for segment in segments),
        plasmids=class_sizes(segments).total(),
        labs=len(class_names(segments)),
    )


def _count_rows(name: str, segment: LiveSegment) -> int:
    """How many living rows have this true lab."""
    stored = segment.stored_as(name)
    names = segment.stored.lab_names
    codes = [code for code, lab in enumerate(names) if lab in stored]
    return int(np.isin(segment.stored.lab_codes, codes).sum())


def _check_known(name: str, segments: Iterable[LiveSegment]) -> None:
    if not any(segment.stored_as(name) for segment in segments):
        raise InputError(f"no lab is called {name!r}", hint="`vecattr list-labs` shows the names")


def _refuse_pool(name: str) -> None:
    if name == POOLED:
        raise UsageError(
            f"{POOLED!r} is the pool of rare labs and not a lab",
            hint="name a lab; build again with other --labs to change the pool",
        )
