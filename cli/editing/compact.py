"""`vecattr compact`: an index of many segments in, the same index with one out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.shared import index_option, talk_options, wait_option
from vecattr.cli.terminal import terminal


@click.command("compact")
@index_option
@wait_option
@talk_options
def command(index: Path, wait: float) -> None:
    """Merge an index's segments into one, with removals and renamings carried out."""
    from vecattr.indexes.editing.edit import compact

    report = compact(index, wait=wait)
    what = "merged" if report.changed else "compact already:"
    terminal().say(f"{what} {report.plasmids} plasmids of {report.labs} labs")
