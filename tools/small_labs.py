"""A table and an index in; how often labs with few plasmids are found by name, by the index's
answers and by plain sums over shared k-mers, out.

    python tools/small_labs.py TABLE -i INDEX --where split=dev

The plain sum of a lab is that of 1 / labs over the sampled 21-mers that it shares with the query.
Rows count whose lab has 1 to FEWEST - 1 plasmids in the index; sequence only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.errors import InputError, UsageError
from vecattr.indexes.index import Index
from vecattr.indexes.scoring.kmer_features import lab_columns
from vecattr.indexes.scoring.lab_features import QueryKmers
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.plasmid import Plasmid
from vecattr.readers.plasmids import ReadOptions

BATCH = 64
TOP = 10


def plain_sums(scorer: LabScorer, plasmid: Plasmid) -> NDArray[np.float64]:
    """The sum of each lab of the catalogue, (l,)."""
    catalogue = scorer.catalogue
    shared = scorer.lab_features.shared(QueryKmers.from_plasmid(plasmid).distinct)
    columns = lab_columns(shared, catalogue.publications, total_labs=len(catalogue.lab_names))
    return columns["sum"]


def ranks_of(index: Index, scorer: LabScorer, batch: Sequence[Plasmid]) -> NDArray[np.float64]:
    """The rank of each true lab by the answers and by plain sums, (q, 2); equal sums count by half
    (a lab that shares nothing is among all of these)."""
    vectors = index.embed(batch)
    answers = index.lab_answers(vectors, index.lab_cosines(vectors))
    names = scorer.catalogue.lab_names
    ranks = np.zeros((len(batch), 2))
    for row, plasmid in enumerate(batch):
        scores = answers.scores[row]
        own = scores[index.answer_names.index(f"{plasmid.lab}")]
        sums = plain_sums(scorer, plasmid)
        own_sum = sums[names.index(f"{plasmid.lab}")]
        ranks[row, 0] = 1 + np.count_nonzero(scores > own)
        ranks[row, 1] = (
            0.5 + np.count_nonzero(sums > own_sum) + np.count_nonzero(sums == own_sum) / 2
        )
    return ranks


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("--where", multiple=True, callback=conditions)
@click.option("-i", "--index", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--fewest", type=click.IntRange(min=2), default=10, show_default=True)
def main(table: Path, where: tuple[tuple[str, str], ...], index: Path, fewest: int) -> None:
    """Compare the answers with plain sums on labs with fewer than FEWEST plasmids."""
    opened = Index.open(index)
    scorer = opened.scorer
    if scorer is None:
        raise UsageError("the index has no k-mers", hint="build it without --no-sequences")
    catalogue = scorer.catalogue
    sizes = dict(zip(catalogue.lab_names, catalogue.plasmids.tolist(), strict=True))
    plasmids = [
        plasmid
        for plasmid in load_labelled_plasmids(
            [str(table)], ReadOptions(where=where, no_features=True)
        )
        if 1 <= sizes.get(f"{plasmid.lab}", 0) < fewest
    ]
    if not plasmids:
        raise InputError("no row is of a lab with so few plasmids", where=str(table))
    batches = [plasmids[start : start + BATCH] for start in range(0, len(plasmids), BATCH)]
    ranks = np.concatenate([ranks_of(opened, scorer, batch) for batch in batches])
    click.echo(f"{len(plasmids)} rows")
    for name, column in zip(("answers", "plain sums"), ranks.T, strict=True):
        first, ten = (100 * float(np.mean(column <= most)) for most in (1, TOP))
        click.echo(f"{name:10}  first {first:.1f} %  first ten {ten:.1f} %")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="small_labs.py"))
