"""`vecattr recalibrate`: an index that changed in, the same index with a new calibration out."""

from __future__ import annotations

from pathlib import Path

import click

from vecattr.cli.options.index import index_option, wait_option
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal


@click.command("recalibrate")
@index_option
@wait_option
@verbosity_options
def command(index: Path, wait: float) -> None:
    """Fit probabilities and verdicts to what an index holds now, without building it again.

    As at the build, some plasmids are left out and asked about. Ranks do not change; `vecattr
    rollback` brings the earlier calibration back.
    """
    from vecattr.indexes.checking.recalibrate import recalibrate  # start-up

    report = recalibrate(index, wait=wait, step=terminal().commit_at("manifest"))
    terminal().say(f"calibrated by {report.plasmids:,} plasmids of {report.labs:,} labs")
