"""`vecattr list-labs`: an index in, its labs out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.shared import index_option, talk_options
from vecattr.cli.rendering.formats import Format, list_text
from vecattr.cli.rendering.output import chosen_format, output_options, write_results

COLUMNS = ("lab", "plasmids", "origin")


@click.command("list-labs")
@index_option
@output_options
@talk_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """List the labs of an index: name, number of stored plasmids, origin of the vector."""
    from vecattr.indexes.index import Index

    rows = [(lab.name, lab.plasmids, lab.origin) for lab in Index.open(index).labs()]
    pieces = list_text(COLUMNS, rows, form=chosen_format(form, output), title="Labs")
    write_results(pieces, output)
