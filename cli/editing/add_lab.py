"""`vecattr add-lab`: an index and sequences of labs in, an index with these labs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.compute import compute_options
from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.reading import labelled_reading_options, load_labelled_plasmids
from vecattr.cli.options.types import FILE
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal
from vecattr.errors import InputError, UsageError

if TYPE_CHECKING:
    from vecattr.readers.plasmids import ReadOptions


@click.command("add-lab")
@click.argument("sequences", nargs=-1, metavar="SEQUENCES...")
@click.option(
    "--from-changes",
    type=FILE,
    metavar="LIST",
    help="Add the plasmids that are new or changed, by a list of `collect --changes`.",
)
@index_option
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@wait_option
@labelled_reading_options
@compute_options
@verbosity_options
def command(
    sequences: tuple[str, ...],
    from_changes: Path | None,
    index: Path,
    dry_run: bool,
    wait: float,
    read_options: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Add one or many labs, or more plasmids of known labs, without retraining.

    If any record is bad, nothing is added, so that the corrected file can be given again.
    """
    from vecattr.indexes.editing.add import add_labs  # start-up

    if bool(sequences) == (from_changes is not None):
        raise UsageError("files, or one list of changes, are needed", hint="see --help")
    if from_changes is not None:
        sequences, read_options = _of_changes(from_changes, read_options)
        if not sequences:
            return
    plasmids = load_labelled_plasmids(sequences, read_options)
    if terminal().bad_records:
        raise InputError(
            "nothing was added", hint="correct the records above and give them all again"
        )
    with terminal().progress("add", total=len(plasmids)) as advance:
        report = add_labs(
            index,
            plasmids,
            device=device,
            threads=threads,
            dry_run=dry_run,
            wait=wait,
            progress=advance,
            step=terminal().commit_at("manifest"),
        )
    verb = "would add" if dry_run else "added"
    terminal().say(f"{verb} {report.plasmids} plasmids")
    warn_unread(report.unread, report.plasmids)
    _say_labs("new labs", report.new_labs)
    _say_labs("known labs with more plasmids", report.extended_labs)
    note_look_alikes(index, report.new_labs)


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
    from vecattr.indexes.editing.lab_names import labs_that_look_like  # start-up

    for group in labs_that_look_like(index, names):
        terminal().say(
            f"note: the labs {', '.join(map(ascii, group))} differ only in blanks or invisible "
            "characters; if they are one, merge them: vecattr rename-lab"
        )


def _say_labs(title: str, names: Sequence[str]) -> None:
    if names:
        terminal().say(f"{title}: {', '.join(names)}")
