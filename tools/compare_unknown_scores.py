"""Which score tells plasmids of unknown labs? A table and an index in, AUROC and FPR of each out.

    python tools/compare_unknown_scores.py TABLE -i INDEX --where split=dev \\
        --unknown-where split=newlab_dev

Positives are the rows of labs that the index lacks, negatives the rows of named labs; sequence
only. `familiarity` is the verdict's own score: best cosine, lead and nearest cosine, weighed as
the index's calibration learned it from plasmids held out of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from vecattr.cli.options import conditions
from vecattr.detection import auroc, false_positives
from vecattr.familiarity import Scores, named_columns
from vecattr.indexes.engine import Index
from vecattr.indexes.manifest import MODEL_FOLDER
from vecattr.indexes.overlap import best_containments
from vecattr.model import unknown_vector
from vecattr.plasmid import POOLED, Plasmid
from vecattr.readers import ReadOptions, read_plasmids

Column = NDArray[np.float64]

BATCH = 64


def scores(index: Index, plasmids: Sequence[Plasmid]) -> dict[str, Column]:
    """Each score of each plasmid, (q,); bigger speaks for a known lab."""
    named = named_columns(index.lab_names)
    unknown = unknown_vector(index.path / MODEL_FOLDER)
    found: dict[str, list[Column]] = {}

    def add(name: str, values: Column) -> None:
        found.setdefault(name, []).append(values)

    for start in range(0, len(plasmids), BATCH):
        some = plasmids[start : start + BATCH]
        vectors = index.embed(some)
        cosines = index.lab_cosines(vectors)
        nearest = index.nearest_cosines(vectors)
        basic = Scores.of(cosines, nearest, named=named)
        add("best cosine of a named lab", basic.best)
        add("lead over the next named lab", basic.lead)
        if unknown is not None:
            add("far from the unknown vector", -(vectors.bare @ unknown).astype(np.float64))
        add("cosine of the nearest plasmid", basic.nearest)
        if index.manifest.keep_sequences:
            add("containment in the 20 nearest", best_containments(index, some, vectors))
        if index.calibration is not None:
            sure = index.sureness(vectors, cosines, nearest=nearest)
            add("familiarity (the default)", sure.confidences)
    return {name: np.concatenate(parts) for name, parts in found.items()}


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
    names = frozenset(opened.lab_names) - {POOLED}

    def rows(chosen: tuple[tuple[str, str], ...]) -> list[Plasmid]:
        found = read_plasmids([table], ReadOptions(where=chosen, no_features=True))
        return [record for record in found if isinstance(record, Plasmid)]

    known = scores(opened, [one for one in rows(where) if one.lab in names])
    strange = scores(opened, rows(unknown_where))
    click.echo(f"{len(next(iter(known.values())))} known, {len(next(iter(strange.values())))} not")
    for name, mine in known.items():
        other = strange[name]
        click.echo(
            f"{name:32} AUROC {auroc(mine, other):.3f}  "
            f"FPR at 95 % {false_positives(mine, other, recall=0.95):.3f}"
        )


if __name__ == "__main__":
    main()
