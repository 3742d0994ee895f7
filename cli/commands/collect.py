"""`vecattr collect`: public files in; a labelled table of their plasmids out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.output import refuse_inputs
from vecattr.cli.options.reading import MOST_BYTES, on_bad_record_option
from vecattr.cli.options.types import FILE, Amount, check_folder
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import Terminal, terminal
from vecattr.errors import InputError, UsageError

if TYPE_CHECKING:
    from vecattr.collection.collecting import CollectReport, Listener
    from vecattr.collection.sources import Item, Source
    from vecattr.indexes.storage.snapshot import Snapshot
    from vecattr.info import LabInfo
    from vecattr.inputs.limits import Limits

#: Bad records that are told one by one; the report has all.
MOST_COMPLAINTS = 20

_LAB_SOURCES = (
    "depositor",
    "company",
    "submission",
    "paper",
    "claim",
    "comment",
    "column",
    "folder",
    "index",
)


@click.command("collect")
@click.argument("sources", type=SOURCES, nargs=-1, required=True, metavar="SOURCES...")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="TABLE",
    callback=check_folder,
    show_default="with --update, the table itself",
    help="The table to write: .csv or .tsv, with .zst, .xz, .bz2 or .gz behind it to pack it.",
)
@click.option(
    "--report",
    type=FILE,
    metavar="FILE",
    callback=check_folder,
    help="Also write what was left out, and why, as a table.",
)
@click.option(
    "--lab-info",
    type=FILE,
    metavar="FILE",
    callback=check_folder,
    help="Also write the labs with their institutions, for build-index --lab-info; what the file "
    "says already stays.",
)
@click.option(
    "--lab-from",
    type=click.Choice(_LAB_SOURCES),
    multiple=True,
    show_default="all but folder",
    help="What may say the lab of a record; repeatable.",
)
@click.option(
    "--aliases",
    type=FILE,
    metavar="FILE",
    callback=check_folder,
    help="Names of labs, to be edited: read if it is there, and written with what was merged.",
)
@click.option(
    "--update",
    type=FILE,
    metavar="TABLE",
    help="An earlier table, to which what is new is added.",
)
@click.option(
    "--changes",
    type=FILE,
    metavar="FILE",
    callback=check_folder,
    help="With --update: also write what is new, changed and withdrawn, for add-lab and "
    "remove-lab.",
)
@click.option(
    "--partial",
    is_flag=True,
    help="With --update: the sources are additions; nothing is taken for withdrawn.",
)
@click.option(
    "--min-bases",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="The shortest record that is kept.",
)
@click.option(
    "--max-bases",
    type=click.IntRange(min=1),
    default=20_000_000,
    show_default=True,
    metavar="N",
    help="The longest record that is read.",
)
@click.option(
    "--max-unpacked",
    type=Amount(min=0, min_open=True),
    default=64.0,
    show_default=True,
    metavar="GB",
    help="The largest size that a compressed file may unpack to.",
)
@on_bad_record_option
@verbosity_options
def command(
    sources: tuple[str, ...],
    output: Path | None,
    report: Path | None,
    lab_info: Path | None,
    lab_from: tuple[str, ...],
    aliases: Path | None,
    update: Path | None,
    changes: Path | None,
    partial: bool,
    min_bases: int,
    max_bases: int,
    max_unpacked: float,
) -> None:
    """Make a labelled table for build-index from GenBank or EMBL flat files, SBOL, tables, folders
    of such files, and indexes.

    A record's lab is read from what the record says; records that are no engineered plasmid, or
    name no lab, and copies are left out. A run that was interrupted goes on where it stopped when
    the same command is given again.
    """
    from vecattr.collection.collecting import CollectOptions, collect  # start-up
    from vecattr.collection.settled import DEFAULT_SOURCES  # start-up
    from vecattr.inputs.limits import Limits  # start-up

    table = _checked_output(output, update, changes, is_partial=partial)
    _check_kinds(table, report, lab_info, aliases, changes)
    refuse_inputs(table, report, lab_info, aliases, changes)
    limits = Limits(bases=max_bases, unpacked=int(min(max_unpacked * 1e9, MOST_BYTES)))
    all_sources = _sources(sources, limits)
    options = CollectOptions(
        lab_from=frozenset(lab_from) or DEFAULT_SOURCES,
        shortest=min_bases,
        aliases=aliases,
        report=report,
        lab_info=lab_info,
        known_labs=_known_labs(all_sources) if lab_info is not None else {},
        update=update,
        changes=changes,
        is_partial=partial,
        limits=limits,
    )
    complaints = _Complaints(terminal())
    with terminal().progress("collect", unit=" records") as advance:
        collected = collect(all_sources, table, options, listener=complaints.listener(advance))
    complaints.close(collected.bad, report)
    _say(collected, table, is_update=update is not None)


def _checked_output(
    output: Path | None, update: Path | None, changes: Path | None, *, is_partial: bool
) -> Path:
    """The table to write; UsageError for options that do not fit together."""
    if update is None and (changes is not None or is_partial):
        option = "--changes" if changes is not None else "--partial"
        raise UsageError(f"{option} goes with --update TABLE", hint="name the earlier table")
    table = output or update
    if table is None:
        raise UsageError("no table to write is named", hint="name it with -o, as plasmids.csv.zst")
    if update is not None and not update.exists():
        raise InputError("no such file", where=str(update), hint="check --update")
    return table


def _check_kinds(*paths: Path | None) -> None:
    """UsageError when a name tells no kind of table."""
    from vecattr.collection.table_file import check_table_name  # start-up

    for path in filter(None, paths):
        check_table_name(path)


def _sources(paths: tuple[str, ...], limits: Limits) -> list[Source]:
    """A source for each index, and for each file."""
    from vecattr.collection.sources import file_sources  # start-up
    from vecattr.indexes.storage.index_folder import MANIFEST_FILE  # start-up

    sources: list[Source] = []
    for path in paths:
        if (Path(path) / MANIFEST_FILE).is_file():
            sources.append(IndexSource(Path(path)))
        else:
            sources += file_sources([path], limits=limits)
    return sources


def _known_labs(sources: list[Source]) -> dict[str, LabInfo]:
    """What the indexes among the sources know of labs; the first that knows one counts."""
    known: dict[str, LabInfo] = {}
    for source in sources:
        if isinstance(source, IndexSource):
            known = source.labs | known
    return known


@dataclass(frozen=True)
class IndexSource:
    """The plasmids of an index, each with its lab."""

    path: Path
    lab: str = ""
    is_named: bool = True

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.path.resolve().name

    @property
    def state(self) -> str:
        """Its path and its identity."""
        return f"{self.path.resolve()} {self._snapshot.manifest.identity}"

    @property
    def labs(self) -> dict[str, LabInfo]:
        """What it knows of labs."""
        stored = self._snapshot.lab_info
        return {} if stored is None else stored.all()

    @cached_property
    def _snapshot(self) -> Snapshot:
        from vecattr.indexes.storage.snapshot import open_snapshot  # start-up

        return open_snapshot(self.path)

    def items(self, start: int) -> Iterator[Item]:
        """Its plasmids from number `start`, as they are stored; ArtifactError when it keeps no
        sequences."""
        from vecattr.collection.collected import Collected  # start-up
        from vecattr.collection.settled import SURE, Settled  # start-up
        from vecattr.indexes.storage.stored_plasmids import exported_plasmids  # start-up

        for plasmid in exported_plasmids(self.path, self._snapshot.segments, start=start):
            place = f"{self.path}, plasmid {plasmid.id!r}"
            collected = Collected.from_plasmid(plasmid, place=place, source=self.name)
            lab = Settled(plasmid.lab or "", "index", SURE)
            yield replace(collected, designer=lab.to_text())


@dataclass
class _Complaints:
    """Tells the first bad records, and counts them."""

    terminal: Terminal
    told: int = field(default=0)

    def listener(self, advance: Callable[[int], None]) -> Listener:
        """Who is told what happens while a table is collected."""
        from vecattr.collection.collecting import Listener  # start-up

        return Listener(progress=advance, note=self.terminal.say, complain=self._complain)

    def _complain(self, error: InputError) -> None:
        if self.terminal.on_bad_record == "fail":
            raise error
        self.told += 1
        if self.told <= MOST_COMPLAINTS and self.terminal.on_bad_record != "skip":
            self.terminal.complain(error)

    def close(self, bad: int, report: Path | None) -> None:
        """Set the exit code, and say how many there are."""
        if not bad:
            return
        if self.terminal.on_bad_record is None:
            self.terminal.exit_code = InputError.exit_code
        lists = f"{report} lists them" if report else "--report FILE lists them"
        self.terminal.say(f"{bad:,} bad record(s) or file(s); {lists}")


def _say(collected: CollectReport, table: Path, *, is_update: bool) -> None:
    terminal().say(f"{table}: {collected.rows:,} plasmids of {collected.labs:,} labs")
    if collected.left_out:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in collected.left_out.items())
        terminal().say(f"left out: {counts}")
    if collected.changed_ids:
        terminal().say(
            f"note: {collected.changed_ids:,} ids that other plasmids have, too, are told apart "
            "by ~ and a hash of the sequence"
        )
    if is_update:
        _say_changes(collected.changes)
        if collected.carried:
            terminal().say(f"{collected.carried:,} rows that were not looked for stay as they were")


def _say_changes(changes: Mapping[str, int]) -> None:
    kinds = ("added", "changed", "withdrawn")
    terminal().say(", ".join(f"{changes.get(kind, 0):,} {kind}" for kind in kinds))
