"""An index and a second encoder with lab vectors in; how often true labs are found by the index, by
the second encoder, and by both together out.

    python tools/second_encoder.py T -i INDEX -m MODEL --ask split=dev --ask split=pub_dev

Lab vectors are those that the model learned, or with `-m INDEX` those of another index, which may
have labs that were added to both. The share of a class by the second encoder is the softmax of
SCALE times the cosines with its lab vectors. Its logarithm, times a weight, is added to that of the
share by the index. Sequence only; top-1 / top-10 in percent, by row and with every publication
counting alike.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.model_folder import learned_labs
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import UsageError
from vecattr.indexes.index import Index
from vecattr.indexes.storage.index_folder import MANIFEST_FILE
from vecattr.metrics.bootstrap import group_codes
from vecattr.metrics.ranking import mean_ranks
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.scores import LOG_RANGE
from vecattr.readers.plasmids import ReadOptions
from vecattr.vectors import Codes, Cosines, EmbeddingTable, Ranks, Scores

BATCH = 64
WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)


def log_softmax(logits: Scores) -> Scores:
    """The logarithms of the shares of classes, (q, c) -> (q, c)."""
    less = logits - logits.max(axis=1, keepdims=True)
    shares: Scores = less - np.log(np.exp(less).sum(axis=1, keepdims=True))
    return shares


def told(found: Ranks, groups: Codes) -> str:
    """Top-1 / top-10 by row, and with every group counting alike."""
    alike = 1 / np.bincount(groups)[groups]
    texts = []
    for weights in (np.ones(len(found)), alike):
        first, ten = (100 * np.average(found <= most, weights=weights) for most in (1, 10))
        texts.append(f"{first:5.1f} / {ten:4.1f}")
    return "   ".join(texts)


def index_logarithms(index: Index, plasmids: Sequence[Plasmid]) -> Scores:
    """The logarithms of the shares of the index's classes, (q, c)."""
    rows = []
    for start in range(0, len(plasmids), BATCH):
        vectors = index.embed(plasmids[start : start + BATCH])
        rows.append(LOG_RANGE * index.lab_scores(vectors, index.lab_cosines(vectors)))
    return np.concatenate(rows)


def model_cosines(
    embedder: SequenceEmbedder,
    labs: EmbeddingTable,
    names: Sequence[str],
    plasmids: Sequence[Plasmid],
) -> Cosines:
    """Cosines with the lab vectors of these names, (q, c); of a name that the model lacks, those
    with its pool."""
    place = {name: row for row, name in enumerate(labs.names)}
    rows = [place.get(name, place.get(POOLED, 0)) for name in names]
    chunks = [
        embedder.embed(list(plasmids[start : start + BATCH])) @ labs.vectors[rows].T
        for start in range(0, len(plasmids), BATCH)
    ]
    return np.concatenate(chunks).astype(np.float64)


def second_encoder(path: Path, *, views: int | None) -> tuple[SequenceEmbedder, EmbeddingTable]:
    """The encoder and lab vectors of a model folder or an index; UsageError for a model that
    learned no lab vectors, and for views of an index, which keeps its own number of them."""
    if (path / MANIFEST_FILE).exists():
        if views is not None:
            raise UsageError("an index has its own views", hint="leave out --views")
        index = Index.open(path)
        return index.embedder, index.lab_table()
    labs = learned_labs(path)
    if labs is None:
        raise UsageError("the model has no learned lab vectors", where=str(path))
    return load_embedder(path, views=views, device="cpu"), labs


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("-i", "--index", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("-m", "--model", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--ask", multiple=True, callback=conditions, default=("split=dev", "split=pub_dev"))
@click.option("--scale", type=float, default=20.0, show_default=True)
@click.option("--views", type=click.IntRange(min=1), help="Rotations of a model; default: its own.")
def main(
    table: Path,
    index: Path,
    model: Path,
    ask: tuple[tuple[str, str], ...],
    scale: float,
    views: int | None,
) -> None:
    """Rank the rows of --ask by an index and a second encoder (--model, a model or an index)."""
    opened = Index.open(index)
    embedder, labs = second_encoder(model, views=views)
    if opened.scorer is None:
        raise UsageError("the index has no k-mers", where=str(index))
    place = {name: column for column, name in enumerate(opened.lab_names)}
    for condition in ask:
        options = ReadOptions(where=(condition,), no_features=True)
        plasmids = load_labelled_plasmids([str(table)], options)
        known = [p for p in plasmids if p.lab in place or POOLED in place]
        truths = np.array([place.get(f"{p.lab}", place.get(POOLED, -1)) for p in known])
        groups = group_codes([p.group for p in known])
        first = index_logarithms(opened, known)
        second = log_softmax(scale * model_cosines(embedder, labs, opened.lab_names, known))
        click.echo(f"{'='.join(condition)}: {len(known)} rows")
        click.echo(f"  the second alone {told(mean_ranks(second, truths), groups)}")
        for weight in WEIGHTS:
            both = first + weight * second
            click.echo(f"  weight {weight:4}      {told(mean_ranks(both, truths), groups)}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="second_encoder.py"))
