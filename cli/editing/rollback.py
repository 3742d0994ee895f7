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
@click.option(
    "--from",
    "present",
    type=click.IntRange(min=1),
    metavar="GENERATION",
    help="Go back from this generation alone, so that a repeated command does not go back twice.",
)
@wait_option
@verbosity_options
def command(index: Path, generation: int | None, present: int | None, wait: float) -> None:
    """Go back to an earlier state of an index. The old content becomes a new generation.

    A command with --from N that is repeated changes nothing: it finds that generation N was left.
    """
    from vecattr.indexes.editing.edit import rollback  # start-up

    step = terminal().commit_at("manifest")
    report = rollback(index, to=generation, present=present, wait=wait, step=step)
    done = "now" if terminal().is_in_force else "done before:"
    terminal().say(
        f"{done} generation {report.generation}: {report.plasmids} plasmids, {report.labs} labs"
    )
