"""`vecattr rename-lab`: two names in, an index with the second one out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.shared import index_option, talk_options, wait_option
from vecattr.cli.terminal import terminal


@click.command("rename-lab")
@click.argument("old")
@click.argument("new")
@index_option
@wait_option
@talk_options
def command(old: str, new: str, index: Path, wait: float) -> None:
    """Rename the lab OLD to NEW; when NEW is in the index already, the two become one."""
    from vecattr.indexes.editing.edit import rename_lab

    report = rename_lab(index, old, new, wait=wait)
    terminal().say(f"renamed {old} to {new}: {report.changed} plasmids; {report.labs} labs now")
