"""`vecattr rollback`: an index in, an earlier state of it out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.shared import index_option, talk_options, wait_option
from vecattr.cli.terminal import terminal


@click.command("rollback")
@index_option
@click.option(
    "--to",
    "generation",
    type=click.IntRange(min=1),
    metavar="GENERATION",
    help="The state to go back to; default: the one before this.",
)
@wait_option
@talk_options
def command(index: Path, generation: int | None, wait: float) -> None:
    """Go back to an earlier state of an index. The old content becomes a new generation."""
    from vecattr.indexes.editing.edit import rollback

    report = rollback(index, to=generation, wait=wait)
    terminal().say(
        f"now generation {report.generation}: {report.plasmids} plasmids, {report.labs} labs"
    )
