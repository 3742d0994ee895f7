"""A table and an index in; how well each score detects plasmids of unknown labs out.

    python tools/compare_unknown_scores.py TABLE -i INDEX --where split=dev \\
        --unknown-where split=newlab_dev

Positives are the rows of --unknown-where, all of labs that the index lacks; negatives are the rows
of --where that are of named labs; sequence only. Bad records are reported and left out, with exit
code 3. `open-set score` is the verdict's own score: best cosine, lead and nearest cosine, weighed
as the index's calibration learned it from plasmids held out of training.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.open_set import OpenSetInputs, named_columns
from vecattr.cli.commands.evaluate import load_unknown_plasmids
from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.encoders.model_folder import unknown_vector
from vecattr.errors import InputError
from vecattr.indexes.evidence.kmer_overlap import best_containments
from vecattr.indexes.index import Index, Panel
from vecattr.indexes.storage.index_folder import MODEL_FOLDER
from vecattr.metrics.detection import auroc, false_positive_rate
from vecattr.plasmid import POOLED, Plasmid
from vecattr.readers.plasmids import ReadOptions

Column = NDArray[np.float64]

BATCH = 64


def scores(index: Index, plasmids: Sequence[Plasmid]) -> dict[str, Column]:
    """Each score of each plasmid, (q,); higher for known labs."""
    named = named_columns(index.lab_names)
    unknown = unknown_vector(index.path / MODEL_FOLDER)
    batches: dict[str, list[Column]] = {}

    def add(name: str, values: Column) -> None:
        batches.setdefault(name, []).append(values)

    for start in range(0, len(plasmids), BATCH):
        batch = plasmids[start : start + BATCH]
        vectors = index.embed(batch)
        cosines = index.lab_cosines(vectors)
        nearest = index.nearest_cosines(vectors)
        inputs = OpenSetInputs.from_scores(cosines, nearest, named=named)
        add("best cosine of a named lab", inputs.best)
        add("lead over the next named lab", inputs.lead)
        if unknown is not None:
            add("far from the unknown vector", -(vectors.bare @ unknown).astype(np.float64))
        add("cosine of the nearest plasmid", inputs.nearest)
        if index.manifest.keep_sequences:
            add("containment in the 20 nearest", best_containments(index, batch, vectors))
        if index.calibration is not None:
            confidence = Panel((index,)).judge(batch).confidence
            add("confidence (the default)", confidence.confidences)
    return {name: np.concatenate(parts) for name, parts in batches.items()}


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("--where", multiple=True, callback=conditions, required=True)
@click.option("--unknown-where", multiple=True, callback=conditions, required=True)
@click.option("-i", "--index", type=click.Path(exists=True, path_type=Path), required=True)
def main(
    table: Path,
    where: tuple[tuple[str, str], ...],
    unknown_where: tuple[tuple[str, str], ...],
    index: Path,
) -> None:
    """Compare the scores on one index."""
    opened = Index.open(index)
    named = frozenset(opened.lab_names) - {POOLED}
    read_options = ReadOptions(where=where, no_features=True)
    plasmids = load_labelled_plasmids([str(table)], read_options)
    known = [plasmid for plasmid in plasmids if plasmid.lab in named]
    if not known:
        raise InputError(
            "--where selects no row of a named lab of the index",
            where=str(table),
            hint="list-labs shows which labs the index names",
        )
    unknown_options = replace(read_options, where=unknown_where)
    unknown = load_unknown_plasmids([str(table)], unknown_options, named=named)
    click.echo(f"{len(known)} known, {len(unknown)} not")
    known_scores, unknown_scores = scores(opened, known), scores(opened, unknown)
    for name, negatives in known_scores.items():
        positives = unknown_scores[name]
        click.echo(
            f"{name:32} AUROC {auroc(negatives, positives):.3f}  "
            f"FPR at 95 % {false_positive_rate(negatives, positives, recall=0.95):.3f}"
        )


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="compare_unknown_scores.py"))
