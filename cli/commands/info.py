"""`vecattr info`: an index in, facts about it out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.shared import index_option, talk_options
from vecattr.cli.rendering.formats import Format, facts_text
from vecattr.cli.rendering.output import chosen_format, output_options, write_results


@click.command("info")
@index_option
@output_options
@talk_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """Tell what an index holds: identities, counts, model, calibration."""
    from vecattr.indexes.index import Index

    facts = Index.open(index).info()
    write_results(facts_text(facts, form=chosen_format(form, output), title="Index"), output)
