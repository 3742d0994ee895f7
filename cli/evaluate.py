"""`vecattr evaluate`: labelled plasmids and an index in, figures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecattr.cli.formats import Format, facts_text
from vecattr.cli.options import compute_options, index_option, plasmids_of, reading, talk_options
from vecattr.cli.output import chosen_format, output_options, write_results
from vecattr.cli.terminal import terminal
from vecattr.cli.vectors import in_batches
from vecattr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecattr.metrics import Ranks
    from vecattr.plasmid import Plasmid
    from vecattr.readers import ReadOptions


@click.command("evaluate")
@click.argument("plasmids", nargs=-1, required=True, metavar="TABLE...")
@index_option
@click.option("--no-features", is_flag=True, help="Leave 0/1 features out: the sequence alone.")
@output_options
@reading
@compute_options
@talk_options
def command(
    plasmids: tuple[str, ...],
    index: Path,
    no_features: bool,
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
    collection = plasmids_of(plasmids, reads)
    truths = _true_labs(collection)
    if no_features:
        collection = [plasmid.without_features() for plasmid in collection]
    labs = opened.lab_names
    ranks: list[Ranks] = []
    with terminal().progress("evaluate", total=len(collection)) as advance:
        for vectors in in_batches(collection, opened.embedder, progress=advance):
            start = sum(len(rank) for rank in ranks)
            scores = opened.lab_cosines(vectors)  # (b, d) -> (b, n)
            ranks.append(lab_ranks(scores, labs, truths[start : start + len(vectors)]))
    figures = ranking_figures(np.concatenate(ranks), truths, labs)
    facts = {
        **figures.as_dict(),
        "features": not no_features,
        "version": __version__,
        "model": opened.model_identity,
        "index": opened.identity,
    }
    write_results(facts_text(facts, form=chosen_format(form, output), title="Figures"), output)


def _true_labs(plasmids: Sequence[Plasmid]) -> list[str]:
    labs = []
    for plasmid in plasmids:
        if plasmid.lab is None:
            raise InputError(
                "no lab is given, so there is nothing to compare with",
                where=f"record {plasmid.id!r}",
                hint="give a table with a lab column, or --labels FILE",
            )
        labs.append(plasmid.lab)
    return labs
