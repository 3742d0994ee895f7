"""`vecattr list-labs`: an index in, its labs out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.formats import Format, Row, list_text
from vecattr.cli.rendering.output import write_results

if TYPE_CHECKING:
    from vecattr.indexes.search.lab_matrix import LabEntry
    from vecattr.indexes.storage.stored_info import LabInfoFile

#: A contract, only ever extended at the end; what is known of labs stands last.
COLUMNS = ("lab", "plasmids", "origin", "print_name", "institution", "url", "contact")
_LAST_COLUMNS = 4


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
    rows = [_row(lab, opened.lab_info) for lab in opened.labs()]
    if form in ("table", "html") and not any(any(row[-_LAST_COLUMNS:]) for row in rows):
        columns = COLUMNS[:-_LAST_COLUMNS]
        rows = [row[:-_LAST_COLUMNS] for row in rows]
    write_results(list_text(columns, rows, form=form, title="Labs"), output, form=form)


def _row(lab: LabEntry, lab_info: LabInfoFile | None) -> Row:
    info = lab_info.get(lab.name) if lab_info else None
    known = (info.print_name, info.institution, info.url, info.contact) if info else (None,) * 4
    return (lab.name, lab.plasmids, lab.origin, *known)
