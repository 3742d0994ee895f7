"""`vecattr add-lab`: an index and sequences of labs in, an index with these labs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.editing.lab_info import LabTable, lab_info_option
from vecattr.cli.options.completions import SOURCES
from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.reading import labelled_reading_options, load_labelled_plasmids
from vecattr.cli.options.types import FILE
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal
from vecattr.errors import InputError, UsageError

if TYPE_CHECKING:
    from vecattr.indexes.editing.add import AddReport
    from vecattr.indexes.editing.known_ids import KnownIds
    from vecattr.plasmid import Plasmid
    from vecattr.readers.plasmids import ReadOptions


@click.command("add-lab")
@click.argument("sequences", type=SOURCES, nargs=-1, metavar="SEQUENCES...")
@click.option(
    "--from-changes",
    type=FILE,
    metavar="LIST",
    help="Add the plasmids that are new or changed, by a list of `collect --changes`.",
)
@index_option
@click.option(
    "--known-ids",
    type=click.Choice(["refuse", "skip", "rename"]),
    default="refuse",
    show_default=True,
    help="Plasmids whose ids are in the index already. refuse: add nothing; skip: leave them out; "
    "rename: number them.",
)
@lab_info_option
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@wait_option
@labelled_reading_options
@compute_options
@verbosity_options
def command(
    sequences: tuple[str, ...],
    from_changes: Path | None,
    index: Path,
    known_ids: KnownIds,
    lab_info: LabTable,
    dry_run: bool,
    wait: float,
    read_options: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Add one or many labs, or more plasmids of known labs, without retraining.

    If any record is bad, nothing is added, so that the corrected file can be given again; unless
    --on-bad-record says to leave bad records out, or only to tell them.
    """
    from vecattr.indexes.editing.add import add_labs  # start-up

    if bool(sequences) == (from_changes is not None):
        raise UsageError("files, or one list of changes, are needed", hint="see --help")
    if from_changes is not None:
        sequences, read_options = _of_changes(from_changes, read_options)
        if not sequences:
            return
    read_options = replace(read_options, known_features=lambda: _known_features(index))
    plasmids = load_labelled_plasmids(sequences, read_options)
    if terminal().bad_records and terminal().on_bad_record is None:
        raise InputError(
            "nothing was added",
            hint="correct the records above and give them all again, or say --on-bad-record skip",
        )
    with terminal().progress("add", total=len(plasmids)) as advance:
        report = add_labs(
            index,
            plasmids,
            device=device,
            threads=threads,
            dry_run=dry_run,
            known_ids=known_ids,
            lab_info=lab_info.infos,
            wait=wait,
            progress=advance,
            step=terminal().commit_at("manifest"),
        )
    _say_report(report, plasmids)
    note_look_alikes(index, report.new_labs)


def _known_features(index: Path) -> frozenset[str] | None:
    from vecattr.indexes.scoring.opened_index import OpenedIndex  # start-up

    return OpenedIndex.open(index).feature_names


def _say_report(report: AddReport, plasmids: Sequence[Plasmid]) -> None:
    """Say what was added to which labs, and what the index had already."""
    say = terminal().say
    say(f"{'would add' if report.dry_run else 'added'} {report.plasmids} plasmids")
    warn_unread(report.unread, report.plasmids)
    if report.new_labs:
        say(f"new labs: {', '.join(report.new_labs)}")
    if report.extended_labs:
        say(f"known labs with more plasmids: {', '.join(report.extended_labs)}")
        _note_known_labs(report, plasmids)
    if report.skipped:
        count = f"{len(report.skipped)}, the first {report.skipped[0]!r}"
        say(f"left out, for their ids are in the index already: {count}")
    if report.renamed:
        old, new = report.renamed[0]
        count = f"{len(report.renamed)}, the first {old!r} to {new!r}"
        say(f"renamed, for their ids are in the index already: {count}")


def _note_known_labs(report: AddReport, plasmids: Sequence[Plasmid]) -> None:
    """Note which file has plasmids of a lab that the index knew, and what to do if that is another
    lab of the same name."""
    known = frozenset(report.extended_labs)
    first = next(plasmid for plasmid in plasmids if plasmid.lab in known)
    way_out = "name it otherwise" if report.dry_run else "undo this with `vecattr rollback`"
    terminal().note(
        f"the index had the lab {first.lab!r} before {first.source} named it; if that is another "
        f"lab of the same name, {way_out}"
    )


def _of_changes(changes: Path, read_options: ReadOptions) -> tuple[tuple[str, ...], ReadOptions]:
    """A list of changes as sequences, and the options that select the rows to add; no sequences
    when it has none to add."""
    from vecattr.collection.change_list import ADDING, ids_to_add  # start-up

    if next(ids_to_add(changes), None) is None:
        terminal().say(f"{changes}: no plasmid is new or has changed")
        return (), read_options
    where = (*read_options.where, *(("change", kind) for kind in ADDING))
    return (str(changes),), replace(read_options, where=where)


def warn_unread(unread: int, plasmids: int) -> None:
    """Warn when the model could read no part of some plasmids."""
    if unread:
        terminal().say(
            f"warning: the model knows no part of {unread} of {plasmids} plasmids; "
            "a lab with only such plasmids cannot be told from others"
        )


def note_look_alikes(index: Path, names: Sequence[str]) -> None:
    """Note which of these labs of the index differ from another one only in what is not seen."""
    from vecattr.indexes.checking.lab_names import labs_that_look_like  # start-up

    for group in labs_that_look_like(index, names):
        terminal().say(
            f"note: the labs {', '.join(map(ascii, group))} differ only in blanks or invisible "
            "characters; if they are one, merge them: vecattr rename-lab"
        )
