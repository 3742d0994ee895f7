"""Sources in; a labelled table of their plasmids, and lists of what was left out and changed, out.

Every record is read and judged once, by itself, into a work file; then names are brought together,
copies left out and ids given; then the results are written, each wholly or not at all, the table
last. What was read is not read again when a run that was interrupted is started again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vecattr.collection import aliases, earlier_table
from vecattr.collection.collected import FOREIGN, UNREADABLE, Collected
from vecattr.collection.deciding import begin_deciding, give_ids, leave_out_copies
from vecattr.collection.judging import Judge
from vecattr.collection.names import name_labs
from vecattr.collection.results import (
    left_out_counts,
    order_rows,
    write_collection,
    write_lab_info,
    write_report,
)
from vecattr.collection.sources import Source
from vecattr.collection.updating import carry_over, load_old, match_old, write_changes
from vecattr.collection.work_file import SUFFIX, WorkFile
from vecattr.errors import InputError
from vecattr.formats.kinds import ForeignFileError
from vecattr.info import LabInfo
from vecattr.inputs.limits import DEFAULT_LIMITS, Limits
from vecattr.readers.info import unread_columns
from vecattr.version import __version__

#: Records, and bases in them, that are kept in memory before they go into the work file.
_BATCH_RECORDS = 500
_BATCH_BASES = 1 << 23


@dataclass(frozen=True)
class CollectOptions:
    """What to collect, and which lists to write.

    `lab_from` names what may say the lab (empty: anything). Records shorter than `shortest` bases
    are left out. `aliases` is a file of names that is read if it is there and written if not.
    `report` is where what is left out is written, `lab_info` where what is known of labs is, by
    `known_labs` and the records.
    `update` is an earlier table, and `changes` where what differs from it is written; `is_partial`:
    the sources are additions, so that a row that is not among them is not withdrawn.
    """

    lab_from: frozenset[str] = frozenset()
    shortest: int = 1000
    aliases: Path | None = None
    report: Path | None = None
    lab_info: Path | None = None
    known_labs: Mapping[str, LabInfo] = field(default_factory=dict)
    update: Path | None = None
    changes: Path | None = None
    is_partial: bool = False
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class CollectReport:
    """What was collected: `rows` of `labs` in the table; how many records were left out for each
    reason, how many of them are `bad`; how many ids were changed, rows carried over from the table
    that was updated, and changes of each kind."""

    rows: int
    labs: int
    left_out: Mapping[str, int]
    bad: int
    changed_ids: int
    carried: int = 0
    changes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Listener:
    """Who is told what happens: `progress` the number of records done since its last call, `note`
    a sentence, `complain` each bad record."""

    progress: Callable[[int], None] = lambda done: None
    note: Callable[[str], None] = lambda text: None
    complain: Callable[[InputError], None] = lambda error: None


def collect(
    sources: Sequence[Source],
    output: Path,
    options: CollectOptions | None = None,
    *,
    listener: Listener | None = None,
) -> CollectReport:
    """Write the table of all plasmids of the sources whose lab is known.

    Raises InputError when there is none, or the table to update is none, or a file that is written
    anew has columns that would be lost; LockedError when another
    process collects into the same table; ArtifactError when the disk refuses. Whatever is raised,
    the table that was there stays, and the next run goes on from here.
    """
    options, listener = options or CollectOptions(), listener or Listener()
    _check_columns(output, options)
    work_path = output.with_name(output.name + SUFFIX)
    with WorkFile(work_path, plan=_plan(sources, options)) as work:
        if work.was_there:
            listener.note(f"going on with {work_path}, which an interrupted run has left")
        load_old(work, options.update, limits=options.limits)
        judge = Judge(options.lab_from, shortest=options.shortest, limits=options.limits)
        for number, source in enumerate(sources):
            _read(work, number, source, judge, listener)
        report = _decide_and_write(work, output, options, last=len(sources))
        work.delete()
    return report


def _check_columns(output: Path, options: CollectOptions) -> None:
    """InputError naming a column of a person's that would be lost: lists that are read are written
    anew, and a table that is updated in its place."""
    written = [(options.aliases, aliases.unread_columns)]
    written.append((options.lab_info, unread_columns))
    if options.update is not None and options.update.resolve() == output.resolve():
        written.append(
            (options.update, partial(earlier_table.unread_columns, limits=options.limits))
        )
    for path, columns_of in written:
        lost = columns_of(path) if path is not None and path.exists() else []
        if lost:
            raise InputError(
                f"the column {lost[0]!r} would be lost: this file is written anew",
                where=str(path),
                hint="keep a copy with this column elsewhere, and take the column out",
            )


def _plan(sources: Sequence[Source], options: CollectOptions) -> str:
    """What the content of the work file depends on."""
    update = options.update
    facts = update.stat() if update is not None and update.exists() else None
    plan = {
        "version": __version__,
        "sources": [(source.name, source.state) for source in sources],
        "lab_from": sorted(options.lab_from),
        "shortest": options.shortest,
        "limits": [options.limits.bases, options.limits.unpacked],
        "update": [str(update), facts.st_size, facts.st_mtime_ns] if facts else None,
    }
    return json.dumps(plan)


def _read(work: WorkFile, number: int, source: Source, judge: Judge, listener: Listener) -> None:
    """Read and judge the records of a source that are not in the work file yet."""
    seen, is_done = work.seen(number)
    listener.progress(seen)
    if is_done:
        return
    batch: list[Collected] = []
    bases = 0
    try:
        for item in source.items(seen):
            record = judge(item, source)
            if record.reason == UNREADABLE:
                listener.complain(InputError(record.detail, where=record.place))
            batch.append(record)
            bases += len(record.sequence)
            if len(batch) >= _BATCH_RECORDS or bases >= _BATCH_BASES:
                seen += len(batch)
                work.add(number, batch, seen=seen)
                listener.progress(len(batch))
                batch, bases = [], 0
    except InputError as error:
        batch.append(_unreadable(error, source, listener))
    work.add(number, batch, seen=seen + len(batch), is_done=True)
    listener.progress(len(batch))


def _unreadable(error: InputError, source: Source, listener: Listener) -> Collected:
    """The line of the report for a file whose rest cannot be read."""
    is_foreign = isinstance(error, ForeignFileError) and not source.is_named
    if is_foreign:
        listener.note(f"note: {source.name} is left out: {error.what}")
    else:
        listener.complain(error)
    reason = FOREIGN if is_foreign else UNREADABLE
    place = error.where or source.name
    return Collected(source.name, place, source.name, reason=reason, detail=error.what)


def _decide_and_write(
    work: WorkFile, output: Path, options: CollectOptions, *, last: int
) -> CollectReport:
    """Decide what the table holds, and write it and the lists; `last` is the number that the rows
    of the old table get as a source."""
    carried = 0
    bad = _count(work, UNREADABLE)
    if options.update is not None:
        is_complete = not options.is_partial and not bad
        carried = carry_over(work, source=last, is_complete=is_complete)
    begin_deciding(work)
    name_labs(work, options.aliases)
    leave_out_copies(work)
    changed_ids = give_ids(work)
    match_old(work)
    order_rows(work)
    left_out = left_out_counts(work)
    if options.report is not None:
        write_report(work, options.report)
    if not work.value("SELECT 1 FROM ordered"):
        work.delete()
        raise _nothing(left_out)
    changes = write_changes(work, options.changes) if options.update is not None else {}
    labs = int(work.value("SELECT COUNT(DISTINCT lab) FROM decided WHERE reason = ''"))
    if options.lab_info is not None:
        write_lab_info(work, options.lab_info, options.known_labs)
    rows = write_collection(work, output)
    return CollectReport(rows, labs, left_out, bad, changed_ids, carried, dict(changes))


def _count(work: WorkFile, reason: str) -> int:
    return int(work.value("SELECT COUNT(*) FROM records WHERE reason = ?", (reason,)))


def _nothing(left_out: Mapping[str, int]) -> InputError:
    counts = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return InputError(
        "no record names a lab" if left_out else "the sources hold no record",
        hint=f"left out: {counts}" if counts else "check the files",
    )
