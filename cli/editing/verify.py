"""`vecattr verify`: an index in, what is wrong with it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.shared import index_option, talk_options, wait_option
from vecattr.cli.rendering.formats import Format, facts_text
from vecattr.cli.rendering.output import chosen_format, output_options, write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import ArtifactError

if TYPE_CHECKING:
    from vecattr.indexes.checking.verify import VerifyReport


@click.command("verify")
@index_option
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what can be mended first; what cannot be trusted is moved to INDEX/quarantine.",
)
@wait_option
@output_options
@talk_options
def command(
    index: Path, repair: bool, wait: float, form: Format | None, output: Path | None
) -> None:
    """Check every byte of an index: hashes, checksums, counts. Exit code 4 when one is wrong."""
    from dataclasses import asdict

    report = _repaired(index, wait=wait) if repair else _verified(index)
    facts = {**asdict(report), "ok": report.ok}
    write_results(facts_text(facts, form=chosen_format(form, output), title="Check"), output)
    if not report.ok:
        terminal().exit_code = ArtifactError.exit_code


def _verified(index: Path) -> VerifyReport:
    from vecattr.indexes.checking.verify import verify_index

    return verify_index(index)


def _repaired(index: Path, *, wait: float) -> VerifyReport:
    from vecattr.indexes.checking.repair import repair_index

    repaired = repair_index(index, wait=wait)
    for one in repaired.done:
        terminal().say(f"repaired: {one}")
    return repaired.after
