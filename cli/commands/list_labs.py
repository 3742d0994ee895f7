"""`vecattr list-labs`: an index in, its labs out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import list_text
from vecattr.cli.rendering.labs import COLUMNS, KNOWN_COLUMNS, lab_rows
from vecattr.cli.rendering.output import write_results


@click.command("list-labs")
@index_option
@output_options
@verbosity_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """List the labs of an index: name, number of stored plasmids, origin of the vector, and what is
    known of them."""
    from vecattr.indexes.scoring.opened_index import OpenedIndex  # start-up

    form, opened = chosen_format(form, output), OpenedIndex.open(index)
    columns: tuple[str, ...] = COLUMNS
    rows = list(lab_rows(opened))
    if form in ("table", "html") and not any(any(row[-KNOWN_COLUMNS:]) for row in rows):
        columns = COLUMNS[:-KNOWN_COLUMNS]
        rows = [row[:-KNOWN_COLUMNS] for row in rows]
    write_results(list_text(columns, rows, form=form, title="Labs"), output, form=form)
