"""`vecattr rename-lab`: an old and a new name in, an index with the new one out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.editing.add_lab import note_look_alikes
from vecattr.cli.options.completions import lab_names
from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal


@click.command("rename-lab")
@click.argument("old", shell_complete=lab_names)
@click.argument("new", shell_complete=lab_names)
@index_option
@wait_option
@verbosity_options
def command(old: str, new: str, index: Path, wait: float) -> None:
    """Rename the lab OLD to NEW; if NEW is in the index already, the two are merged."""
    from vecattr.indexes.editing.edit import rename_lab  # start-up
    from vecattr.plasmid import check_lab_name  # start-up

    report = rename_lab(index, old, new, wait=wait, step=terminal().commit_at("manifest"))
    terminal().say(f"renamed {old} to {new}: {report.changed} plasmids; {report.labs} labs now")
    note_look_alikes(index, [check_lab_name(new)])
