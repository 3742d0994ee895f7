"""`vecattr rollback`: an index in, an earlier state of it out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal


@click.command("rollback")
@index_option
@click.option(
    "--to",
    "generation",
    type=click.IntRange(min=1),
    metavar="GENERATION",
    help="The generation to go back to; default: the previous one.",
)
@wait_option
@verbosity_options
def command(index: Path, generation: int | None, wait: float) -> None:
    """Go back to an earlier state of an index. The old content becomes a new generation."""
    from vecattr.indexes.editing.edit import rollback  # start-up

    report = rollback(index, to=generation, wait=wait)
    terminal().say(
        f"now generation {report.generation}: {report.plasmids} plasmids, {report.labs} labs"
    )
