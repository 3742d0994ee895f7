"""`vecattr remove-lab`: a lab's name, or a list of changes, in; an index without it out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.completions import lab_names
from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.types import FILE
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal
from vecattr.errors import UsageError


@click.command("remove-lab")
@click.argument("name", required=False, shell_complete=lab_names)
@click.option(
    "--from-changes",
    type=FILE,
    metavar="LIST",
    help="Remove the plasmids that changed or were withdrawn, by a list of `collect --changes`.",
)
@index_option
@wait_option
@verbosity_options
def command(name: str | None, from_changes: Path | None, index: Path, wait: float) -> None:
    """Take the lab NAME and all its plasmids out of an index, or single plasmids of a list.

    The rows are marked as removed; `vecattr rollback` brings them back, `vecattr compact` drops
    them for good.
    """
    if (name is None) == (from_changes is None):
        raise UsageError(
            "the name of one lab, or one list of changes, is needed",
            hint="give NAME, or --from-changes LIST",
        )
    if from_changes is not None:
        _remove_changed(index, from_changes, wait=wait)
        return
    from vecattr.indexes.editing.edit import remove_lab  # start-up

    assert name is not None  # checked above
    report = remove_lab(index, name, wait=wait, step=terminal().commit_at("manifest"))
    terminal().say(f"removed {name}: {report.changed} plasmids; {report.labs} labs are left")


def _remove_changed(index: Path, changes: Path, *, wait: float) -> None:
    """Remove the plasmids that a list of changes says to remove."""
    from vecattr.collection.change_list import ids_to_remove  # start-up
    from vecattr.indexes.editing.remove import remove_plasmids  # start-up

    ids = list(ids_to_remove(changes))
    if not ids:
        terminal().say(f"{changes}: no plasmid changed or was withdrawn")
        return
    report = remove_plasmids(index, ids, wait=wait, step=terminal().commit_at("manifest"))
    terminal().say(f"removed {report.plasmids} plasmids of {len(report.labs)} labs")
    if report.gone_labs:
        terminal().say(f"labs without any plasmid left: {', '.join(report.gone_labs)}")
    if report.unknown_ids:
        terminal().say(f"note: {len(report.unknown_ids)} of the list were not in the index")
