"""A table and model folders in; the accuracy of each encoder without learned lab vectors out.

    python tools/compare_encoders.py TABLE --labs L MODEL...

Every model embeds the rows of --where (split=train) by sequence alone and ranks the classes of the
rows of each --ask (split=dev, split=pub_dev): by the nearest stored plasmid, and by classes that
are means of their plasmids, as `build-index --lab-vectors mean` makes them. `unread` is the share
of the queries of which the model knows no part; with --fragment N only the first N bases of each
are queried. Ties are broken by the order of the classes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.datasets.classes import ClassRule, rule_from_file
from vecattr.encoders.embedder import Embedder, load_embedder
from vecattr.encoders.model_folder import WEIGHTS_FILE
from vecattr.indexes.search.embedding import are_unread, embed_batch, in_batches, unread_vector
from vecattr.indexes.storage.lab_parts import effective_labs, lab_parts
from vecattr.plasmid import Plasmid
from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.readers.plasmids import ReadOptions
from vecattr.vectors import Vectors

BATCH = 256  # queries ranked at once
HEADER = "                nearest plasmid      class means     unread"


@dataclass(frozen=True)
class Stored:
    """The vectors (n, d) that a model gives the stored plasmids, sorted by class; where each class
    begins (c,); the classes' vectors (c, d), and their columns by name."""

    vectors: Vectors
    starts: NDArray[np.int64]
    means: Vectors
    column: dict[str, int]

    @classmethod
    def from_vectors(cls, vectors: Vectors, labels: Sequence[str]) -> Stored:
        discriminant = Discriminant.from_moments([Moments.from_vectors(vectors)])
        parts = effective_labs(lab_parts(labels, vectors), discriminant)
        column = {part.name: place for place, part in enumerate(parts)}
        classes = np.array([column[label] for label in labels], dtype=np.int64)
        order = np.argsort(classes, kind="stable")
        starts = np.searchsorted(classes[order], np.arange(len(parts)))
        return cls(vectors[order], starts, np.stack([part.vector for part in parts]), column)

    def by_nearest(self, queries: Vectors) -> Vectors:
        """The cosine of each query with the nearest plasmid of each class, (q, d) -> (q, c)."""
        best: Vectors = np.maximum.reduceat(queries @ self.vectors.T, self.starts, axis=1)
        return best

    def by_means(self, queries: Vectors) -> Vectors:
        """The cosine of each query with each class, (q, d) -> (q, c)."""
        cosines: Vectors = queries @ self.means.T
        return cosines


def embedded(embedder: Embedder, plasmids: Sequence[Plasmid]) -> Vectors:
    """Unit vectors, (n, d)."""
    return np.concatenate([embed_batch(embedder, batch) for batch in in_batches(plasmids)])


def places(scores: Vectors, truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many classes come before the true one, (q, c) -> (q,); all for a class of -1."""
    true_scores = np.take_along_axis(scores, np.maximum(truth, 0)[:, None], axis=1)
    ties = scores == true_scores
    before = (scores > true_scores) | (ties & (np.arange(scores.shape[1]) < truth[:, None]))
    return np.where(truth < 0, scores.shape[1], before.sum(axis=1))


def figures(stored: Stored, queries: Vectors, truth: NDArray[np.int64]) -> str:
    """Top-1 / top-10 by the nearest plasmid and by means, in percent."""
    texts = []
    for cosines_of in (stored.by_nearest, stored.by_means):
        truth_places = np.concatenate(
            [
                places(cosines_of(queries[start : start + BATCH]), truth[start : start + BATCH])
                for start in range(0, len(queries), BATCH)
            ]
        )
        texts.append(
            f"{100 * np.mean(truth_places < 1):5.1f} / {100 * np.mean(truth_places < 10):4.1f}"
        )
    return "   ".join(texts)


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--labs", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--where", multiple=True, callback=conditions, default=("split=train",))
@click.option("--ask", multiple=True, callback=conditions, default=("split=dev", "split=pub_dev"))
@click.option("--fragment", type=click.IntRange(min=1))
def main(
    table: Path,
    models: tuple[Path, ...],
    labs: Path,
    where: tuple[tuple[str, str], ...],
    ask: tuple[tuple[str, str], ...],
    fragment: int | None,
) -> None:
    """Compare the models on one table."""
    stored_options = ReadOptions(where=where, no_features=True)
    plasmids = load_labelled_plasmids([str(table)], stored_options)
    queries: dict[tuple[str, str], list[Plasmid]] = {}
    for condition in ask:
        query_options = replace(stored_options, where=(condition,))
        rows = load_labelled_plasmids([str(table)], query_options)
        queries[condition] = [first_bases(row, fragment) for row in rows]
    click.echo(HEADER)
    for model in models:
        click.echo(f"{model}, {(model / WEIGHTS_FILE).stat().st_size / 1e6:.1f} MB of weights")
        for line in accuracy_lines(model, plasmids, queries, rule=rule_from_file(labs)):
            click.echo(line)


def accuracy_lines(
    model: Path,
    plasmids: Sequence[Plasmid],
    queries: Mapping[tuple[str, str], Sequence[Plasmid]],
    *,
    rule: ClassRule,
) -> Iterator[str]:
    """A line of figures for each set of queries, with the columns of HEADER."""
    embedder = load_embedder(model, device="cpu")
    labels = [rule.label(plasmid.lab or "") for plasmid in plasmids]
    stored = Stored.from_vectors(embedded(embedder, plasmids), labels)
    for condition, rows in queries.items():
        classes = [rule.label(row.lab or "") for row in rows]
        truth = np.array([stored.column.get(name, -1) for name in classes])
        vectors = embedded(embedder, rows)
        unread = 100 * are_unread(vectors, unread_vector(embedder)).mean()
        yield f"{'='.join(condition):15} {figures(stored, vectors, truth)}   {unread:6.2f}"


def first_bases(plasmid: Plasmid, bases: int | None) -> Plasmid:
    """The first bases of a plasmid, as a linear fragment; all of it for None."""
    if bases is None or bases >= len(plasmid):
        return plasmid
    return replace(plasmid, sequence=plasmid.sequence[:bases], topology="linear")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="compare_encoders.py"))
