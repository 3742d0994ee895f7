"""`vecattr compact`: an index of many segments in, the same index with one segment out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal


@click.command("compact")
@index_option
@wait_option
@verbosity_options
def command(index: Path, wait: float) -> None:
    """Merge an index's segments into one, with removals and renamings carried out."""
    from vecattr.indexes.editing.edit import compact  # start-up

    report = compact(index, wait=wait, step=terminal().commit_at("manifest"))
    done = "merged" if report.changed else "compact already:"
    terminal().say(f"{done} {report.plasmids} plasmids of {report.labs} labs")
