"""`vecattr remove-lab`: a lab's name in, an index without it out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal


@click.command("remove-lab")
@click.argument("name")
@index_option
@wait_option
@verbosity_options
def command(name: str, index: Path, wait: float) -> None:
    """Take the lab NAME and all its plasmids out of an index.

    The rows are marked as removed; `vecattr rollback` brings them back, `vecattr compact` drops
    them for good.
    """
    from vecattr.indexes.editing.edit import remove_lab  # start-up

    report = remove_lab(index, name, wait=wait, step=terminal().commit_at("manifest"))
    terminal().say(f"removed {name}: {report.changed} plasmids; {report.labs} labs are left")
