"""`vecattr info`: an index in, facts about it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vecattr.cli.options.index import index_option
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import facts_text
from vecattr.cli.rendering.output import write_results
from vecattr.cli.terminal import terminal


@click.command("info")
@index_option
@output_options
@verbosity_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """Show what an index holds: identities, counts, model, calibration."""
    from vecattr.indexes.answering.info import index_facts  # start-up
    from vecattr.indexes.storage.snapshot import open_present  # start-up

    folder, snapshot = open_present(index)
    with folder:
        facts = index_facts(folder.root, *snapshot)
    _warn_of_changes(facts["changed_since_calibration"], facts["lab_vectors"])
    form = chosen_format(form, output)
    write_results(facts_text(facts, form=form, title="Index"), output, form=form)


def _warn_of_changes(changes: Any, origins: Any) -> None:
    """Say when so much changed since the calibration that probabilities may be off."""
    from vecattr.indexes.answering.info import ANEW, MUCH_CHANGED  # start-up

    if changes and changes["share"] >= MUCH_CHANGED:
        terminal().say(
            f"warning: {changes['plasmids']:,} plasmids ({changes['share']:.0%}) came, went or "
            "changed their lab since the calibration, so probabilities and verdicts may be off: "
            f"{ANEW['learned' in origins]}"
        )
