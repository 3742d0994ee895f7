"""`vecattr verify`: an index in, a report of damaged or missing parts out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.output import chosen_format, output_options
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import facts_text
from vecattr.cli.rendering.output import write_results
from vecattr.cli.terminal import terminal
from vecattr.errors import ArtifactError

if TYPE_CHECKING:
    from vecattr.indexes.checking.verify import VerifyReport


@click.command("verify")
@index_option
@click.option(
    "--repair",
    is_flag=True,
    help="First repair what can be repaired; files that cannot be trusted are moved to "
    "INDEX/quarantine.",
)
@wait_option
@output_options
@verbosity_options
def command(
    index: Path, repair: bool, wait: float, form: Format | None, output: Path | None
) -> None:
    """Check every byte of an index: hashes, checksums, counts. Exit code 4 if any is wrong."""
    report = _repair(index, wait=wait) if repair else _verify(index)
    facts = {**asdict(report), "ok": report.ok}
    form = chosen_format(form, output)
    write_results(facts_text(facts, form=form, title="Check"), output, form=form)
    if not report.ok:
        terminal().exit_code = ArtifactError.exit_code


def _verify(index: Path) -> VerifyReport:
    from vecattr.indexes.checking.verify import verify_index  # start-up

    return verify_index(index)


def _repair(index: Path, *, wait: float) -> VerifyReport:
    from vecattr.indexes.checking.repair import repair_index  # start-up

    report = repair_index(index, wait=wait, step=terminal().commit_at("manifest"))
    for change in report.repairs:
        terminal().say(f"repaired: {change}")
    if report.warning:
        terminal().complain(report.warning, kind="warning")
    return report.after
