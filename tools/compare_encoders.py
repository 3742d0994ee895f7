"""How much does a smaller encoder lose? A table and model folders in, accuracy without lab vectors
of each out.

    python tools/compare_encoders.py TABLE --labs L MODEL...

Every model embeds the rows of --where (split=train) by sequence alone and is asked for the rows
of each --ask (split=dev, split=pub_dev): by the nearest stored plasmid, whose class is the answer,
and by classes that are means of their plasmids, as `build-index --lab-vectors mean` makes them.
`unread` is the share of the queries of which the model knows no part; --fragment N asks for the
first N bases of each only. Ties are broken by the order of the classes.
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

AT_ONCE = 256  # queries
HEADER = "                nearest plasmid      class means     unread"


@dataclass(frozen=True)
class Stored:
    """What a model made of the stored plasmids: vectors (n, d), sorted by class; where each class
    begins (c,); the classes' vectors (c, d), and their numbers by name."""

    vectors: Vectors
    starts: NDArray[np.int64]
    means: Vectors
    column: dict[str, int]

    @classmethod
    def of(cls, vectors: Vectors, labels: Sequence[str]) -> Stored:
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
    return np.concatenate([embed_batch(embedder, some) for some in in_batches(plasmids)])


def places(scores: Vectors, truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many classes come before the true one, (q, c) -> (q,); all for a class of -1."""
    mine = np.take_along_axis(scores, np.maximum(truth, 0)[:, None], axis=1)
    before = (scores > mine) | ((scores == mine) & (np.arange(scores.shape[1]) < truth[:, None]))
    return np.where(truth < 0, scores.shape[1], before.sum(axis=1))


def figures(stored: Stored, queries: Vectors, truth: NDArray[np.int64]) -> str:
    """Top-1 / top-10 by the nearest plasmid and by means, in percent."""
    texts = []
    for ranked in (stored.by_nearest, stored.by_means):
        found = np.concatenate(
            [
                places(ranked(queries[start : start + AT_ONCE]), truth[start : start + AT_ONCE])
                for start in range(0, len(queries), AT_ONCE)
            ]
        )
        texts.append(f"{100 * np.mean(found < 1):5.1f} / {100 * np.mean(found < 10):4.1f}")
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
    reads = ReadOptions(where=where, no_features=True)
    plasmids = load_labelled_plasmids([str(table)], reads)
    asked = {one: load_labelled_plasmids([str(table)], replace(reads, where=(one,))) for one in ask}
    pieces = {one: [cut(query, fragment) for query in some] for one, some in asked.items()}
    click.echo(HEADER)
    for model in models:
        click.echo(f"{model}, {(model / WEIGHTS_FILE).stat().st_size / 1e6:.1f} MB of weights")
        for line in measured(model, plasmids, pieces, rule=rule_from_file(labs)):
            click.echo(line)


def measured(
    model: Path,
    plasmids: Sequence[Plasmid],
    asked: Mapping[tuple[str, str], Sequence[Plasmid]],
    *,
    rule: ClassRule,
) -> Iterator[str]:
    """A line of figures for each set of queries, as HEADER says."""
    embedder = load_embedder(model, device="cpu")
    labels = [rule.label(one.lab or "") for one in plasmids]
    stored = Stored.of(embedded(embedder, plasmids), labels)
    for one, queries in asked.items():
        truth = np.array([stored.column.get(rule.label(q.lab or ""), -1) for q in queries])
        vectors = embedded(embedder, queries)
        unread = 100 * are_unread(vectors, unread_vector(embedder)).mean()
        yield f"{'='.join(one):15} {figures(stored, vectors, truth)}   {unread:6.2f}"


def cut(plasmid: Plasmid, bases: int | None) -> Plasmid:
    """The first bases of a plasmid, as a linear piece; all of it for None."""
    if bases is None or bases >= len(plasmid):
        return plasmid
    return replace(plasmid, sequence=plasmid.sequence[:bases], topology="linear")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="compare_encoders.py"))
