"""`vecattr list-labs`: an index in, its labs out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.formats import Format, list_text
from vecattr.cli.rendering.output import write_results

COLUMNS = ("lab", "plasmids", "origin")


@click.command("list-labs")
@index_option
@output_options
@verbosity_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """List the labs of an index: name, number of stored plasmids, origin of the vector."""
    from vecattr.indexes.scoring.opened_index import OpenedIndex  # start-up

    rows = [(lab.name, lab.plasmids, lab.origin) for lab in OpenedIndex.open(index).labs()]
    form = chosen_format(form, output)
    write_results(list_text(COLUMNS, rows, form=form, title="Labs"), output, form=form)
