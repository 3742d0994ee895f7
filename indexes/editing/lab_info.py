"""What is known of labs and an index in, the same index with it out.

It is one small file beside the segments, written anew by each change of it. It follows the labs:
what is known of a lab goes with its last plasmid, and moves when the lab gets another name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vecattr.errors import InputError
from vecattr.files.folder import Entry
from vecattr.indexes.editing.publish import StepHook, no_hook, publish
from vecattr.indexes.storage.index_folder import newest_manifest, read_manifest
from vecattr.indexes.storage.live_segment import LiveSegment, open_segments
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import FileFacts
from vecattr.indexes.storage.stored_info import read_lab_info, write_lab_info
from vecattr.info import LabInfo
from vecattr.plasmid import composed

#: What is known of labs, by name.
LabInfos = Mapping[str, LabInfo]


@dataclass(frozen=True)
class LabInfoReport:
    """What became of what is known of labs: `taken` are the labs of the index that something new
    was said of, `unknown` those that it does not know, which are left out; something is known of so
    many `labs` now. The generation is the old one when nothing changed."""

    taken: tuple[str, ...]
    unknown: tuple[str, ...]
    labs: int
    generation: int


def set_lab_info(
    path: Path,
    infos: LabInfos,
    *,
    replaces: bool = False,
    wait: float = 0,
    step: StepHook = no_hook,
) -> LabInfoReport:
    """Store what is known of labs: of each of these in place of what was known of it, nothing of
    one with an empty value; of others as before, or nothing (`replaces`).

    Nothing else of an answer changes. Raises InputError when the index knows none of the labs,
    LockedError when another process is still writing after `wait` seconds.

    >>> from vecattr.info import LabInfo
    >>> set_lab_info(Path("my.index"), {"Lab 01": LabInfo("Doe lab")}).labs
    1
    """
    path, infos = Path(path), _composed(infos)
    read_manifest(path)  # a missing index is reported before a lock file is created
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        known = living_labs(open_segments(folder.root, old))
        taken = tuple(sorted(infos.keys() & known))
        unknown = tuple(sorted(infos.keys() - known))
        if not taken:
            raise InputError(
                f"the index knows none of these labs, such as {unknown[0]!r}"
                if unknown
                else "no lab is named",
                hint="`vecattr list-labs` shows the names",
            )
        before = {} if replaces else read_lab_info(folder.root, old)
        after = {**before, **{lab: infos[lab] for lab in taken}}
        new = replace(old, lab_info=write_lab_info(folder.root, after))
        if new != old:
            new = replace(new, generation=old.generation + 1, restores=None)
            details = {"labs": taken}
            publish(folder, new, action="lab-info", details=details, step=step)
    return LabInfoReport(taken, unknown, sum(map(bool, after.values())), new.generation)


def _composed(infos: LabInfos) -> LabInfos:
    """The same with names as an index has them."""
    return {composed(lab): info for lab, info in infos.items()}


def living_labs(segments: Iterable[LiveSegment]) -> set[str]:
    """The true labs of all living plasmids, those in the pool included."""
    return {lab for segment in segments for lab in segment.lab_sizes()}


def lab_info_for(
    path: Entry,
    segments: Sequence[LiveSegment],
    *,
    before: LabInfos | None = None,
    infos: LabInfos | None = None,
) -> FileFacts | None:
    """Write what is known of the labs of these segments: what was known `before`, and `infos` in
    its place; of labs that the segments do not have nothing."""
    after = {**(before or {}), **_composed(infos or {})}
    known = living_labs(segments) if after else set()
    return write_lab_info(path, {lab: info for lab, info in after.items() if lab in known})
