"""`vecattr evaluate`: labelled plasmids and an index in, figures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.formats import Format, facts_text
from vecattr.cli.options import (
    compute_options,
    index_option,
    labelled_plasmids,
    reading,
    talk_options,
)
from vecattr.cli.output import chosen_format, output_options, write_results
from vecattr.cli.terminal import terminal
from vecattr.cli.vectors import BATCH

if TYPE_CHECKING:
    from vecattr.metrics import Ranks
    from vecattr.readers import ReadOptions


@click.command("evaluate")
@click.argument("plasmids", nargs=-1, required=True, metavar="TABLE...")
@index_option
@output_options
@reading
@compute_options
@talk_options
def command(
    plasmids: tuple[str, ...],
    index: Path,
    form: Format | None,
    output: Path | None,
    reads: ReadOptions,
    threads: int | None,
    device: str,
) -> None:
    """Measure how often labelled plasmids find their lab.

    Ties count at their mean rank. A lab that the index lacks counts as the pooled class when there
    is one, else as never found.
    """
    import numpy as np

    from vecattr.indexes.engine import Index
    from vecattr.metrics import lab_ranks, ranking_figures
    from vecattr.version import __version__

    opened = Index.open(index, device=device, threads=threads)
    collection = labelled_plasmids(plasmids, reads)
    truths = [plasmid.lab for plasmid in collection if plasmid.lab is not None]
    labs = opened.lab_names
    ranks: list[Ranks] = []
    with terminal().progress("evaluate", total=len(collection)) as advance:
        for start in range(0, len(collection), BATCH):
            some = slice(start, start + BATCH)
            scores = opened.lab_cosines(opened.embed(collection[some]))  # (b, n)
            ranks.append(lab_ranks(scores, labs, truths[some]))
            advance(len(scores))
    figures = ranking_figures(np.concatenate(ranks), truths, labs)
    facts = {
        **figures.as_dict(),
        "features": not reads.no_features,
        "version": __version__,
        "model": opened.model_identity,
        "index": opened.identity,
    }
    write_results(facts_text(facts, form=chosen_format(form, output), title="Figures"), output)
