"""`vecattr verify`: an index in, what is wrong with it out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.formats import Format, facts_text
from vecattr.cli.options import index_option, talk_options
from vecattr.cli.output import chosen_format, output_options, write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import ArtifactError


@click.command("verify")
@index_option
@output_options
@talk_options
def command(index: Path, form: Format | None, output: Path | None) -> None:
    """Check every byte of an index: hashes, checksums, counts. Exit code 4 when one is wrong."""
    from dataclasses import asdict

    from vecattr.indexes.verify import verify_index

    report = verify_index(index)
    facts = {**asdict(report), "ok": report.ok}
    write_results(facts_text(facts, form=chosen_format(form, output), title="Check"), output)
    if not report.ok:
        terminal().exit_code = ArtifactError.exit_code
