"""`vecattr doctor`: this installation and an index in, what is good or wrong with both out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import list_text
from vecattr.cli.rendering.output import write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import ArtifactError

if TYPE_CHECKING:
    from vecattr.cli.installation.checkup import Finding

COLUMNS = ("check", "state", "finding", "next_step")


@click.command("doctor")
@index_option
@output_options
@verbosity_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """Check this installation and an index: system, extras, locks, disk, age of index and
    calibration; each with the next step.

    The exit code is 4 when something is wrong. Nothing is changed.
    """
    from vecattr.cli.installation.checkup import findings  # start-up

    form = chosen_format(form, output)
    found = list(findings(index))
    if form == "table":
        write_results(_lines(found), output, form=form)
    else:
        rows = [(one.check, one.state, one.what, one.next_step) for one in found]
        write_results(list_text(COLUMNS, rows, form=form, title="Doctor"), output, form=form)
    if any(one.state == "wrong" for one in found):
        terminal().exit_code = ArtifactError.exit_code


def _lines(found: Sequence[Finding]) -> Iterator[str]:
    """Each finding on a line, its next step below it unless all is good; a summary first."""
    wrong = [one.check for one in found if one.state == "wrong"]
    yield f"wrong: {', '.join(wrong)}\n" if wrong else "nothing is wrong\n"
    for one in found:
        text = f"  {one.state:5}  {one.check}: {escape_control(one.what)}\n"
        if one.next_step and one.state != "good":
            text += f"           {escape_control(one.next_step)}\n"
        yield text
