"""Training rows in; how strongly a new lab's mean should be whitened out.

    python tools/tune_new_labs.py TABLE --where split=train --labs FILE [--seed 0] [--labs-out 50]

Withholds some labs and a tenth of the other plasmids (whole publications), trains a k-mer bag on
the rest, adds the withheld labs with five plasmids each, and prints, for each shrinkage, top-1 and
top-10 of the withheld plasmids of old labs and of the other plasmids of the new labs, ranked among
all labs. Shrinkage 1 is the plain mean minus the background. Bad records are reported on stderr,
and the exit code is 3 then.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import compress
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from vecattr.cli.main import run
from vecattr.cli.options.reading import load_labelled_plasmids
from vecattr.cli.options.types import conditions
from vecattr.datasets.classes import ClassRule, rule_from_file
from vecattr.datasets.splits import split_off_groups
from vecattr.encoders.config import BagConfig
from vecattr.encoders.embedder import Embedder, load_embedder
from vecattr.encoders.model_folder import learned_labs
from vecattr.plasmid import POOLED, Plasmid
from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.readers.plasmids import ReadOptions
from vecattr.training.settings import TrainConfig
from vecattr.training.train import train_model
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows

SHOTS = 5
SHRINKAGES = (0.0, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


def withhold(
    plasmids: list[Plasmid], rule: ClassRule, *, count: int, rng: np.random.Generator
) -> tuple[list[Plasmid], list[Plasmid], list[Plasmid]]:
    """(training, other plasmids of the same labs, all plasmids of `count` withheld labs)."""
    sizes: dict[str, int] = {}
    for plasmid in plasmids:
        label = rule.label(plasmid.lab or "")
        sizes[label] = sizes.get(label, 0) + 1
    candidates = sorted(lab for lab, size in sizes.items() if size > 2 * SHOTS and lab != POOLED)
    new_labs = set(rng.choice(candidates, count, replace=False).tolist())
    old = [plasmid for plasmid in plasmids if plasmid.lab not in new_labs]
    new = [plasmid for plasmid in plasmids if plasmid.lab in new_labs]
    labels = [rule.label(plasmid.lab or "") for plasmid in old]
    groups = [plasmid.group for plasmid in old]
    is_withheld = split_off_groups(labels, groups, share=0.1, rng=rng)
    training = list(compress(old, ~is_withheld))
    return training, list(compress(old, is_withheld)), new


def shares(cosines: NDArray[np.float32], truth: NDArray[np.int64]) -> str:
    """Top-1 / top-10 in percent."""
    true_cosines = np.take_along_axis(cosines, truth[:, None], axis=1)
    better = (cosines > true_cosines).sum(axis=1)
    return f"{100 * np.mean(better < 1):5.1f} / {100 * np.mean(better < 10):5.1f}"


def draw_supports(labs: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.intp]:
    """SHOTS rows of every lab, the labs in order, (labs * SHOTS,); `labs` is of each row, (n,)."""
    return np.concatenate(
        [rng.choice(np.flatnonzero(labs == lab), SHOTS, replace=False) for lab in np.unique(labs)]
    )


def train_bag(
    training: list[Plasmid], rule: ClassRule, *, seed: int
) -> tuple[Embedder, EmbeddingTable]:
    """A k-mer bag and its lab vectors."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        config = TrainConfig(loss="cosface", validation_share=0, epochs=8, seed=seed)
        train_model(training, model, rule=rule, encoder=BagConfig(), train=config)
        table = learned_labs(model)
        assert table is not None
        return load_embedder(model), table


@click.command()
@click.argument("table", type=click.Path(exists=True, path_type=Path))
@click.option("--where", multiple=True, callback=conditions, metavar="COLUMN=VALUE")
@click.option("--labs", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--labs-out", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(
    table: Path, where: tuple[tuple[str, str], ...], labs: Path, labs_out: int, seed: int
) -> None:
    """Measure each shrinkage on the table."""
    plasmids = load_labelled_plasmids([str(table)], ReadOptions(where=where, no_features=True))
    rule = rule_from_file(labs)
    rng = np.random.default_rng(seed)
    training, old, new = withhold(plasmids, rule, count=labs_out, rng=rng)
    embedder, learned = train_bag(training, rule, seed=seed)
    stored, old_vectors, new_vectors = (embedder.embed(rows) for rows in (training, old, new))

    new_labs = np.array([plasmid.lab for plasmid in new])
    names = np.unique(new_labs)
    supports = draw_supports(new_labs, rng)
    sums = new_vectors[supports].reshape(len(names), SHOTS, -1).sum(axis=1)  # (labs, d)
    means = unit_rows(sums)
    queries = np.setdiff1d(np.arange(len(new)), supports)
    column = {name: place for place, name in enumerate([*learned.names, *names])}
    old_truth = np.array([column[rule.label(plasmid.lab or "")] for plasmid in old])
    new_truth = np.array([column[new_labs[row]] for row in queries])

    def both(lab_vectors: Vectors) -> str:
        old_shares = shares(old_vectors @ lab_vectors.T, old_truth)
        return f"{old_shares}  {shares(new_vectors[queries] @ lab_vectors.T, new_truth)}"

    click.echo("shrinkage  old labs        new labs")
    for shrinkage in SHRINKAGES:
        discriminant = Discriminant.from_moments(
            [Moments.from_vectors(stored)], shrinkage=shrinkage
        )
        assert discriminant is not None
        directions = np.stack([discriminant.direction(mean) for mean in means])
        click.echo(f"{shrinkage:9.2f}  {both(np.vstack([learned.vectors, directions]))}")
    click.echo(f"     mean  {both(np.vstack([learned.vectors, means]))}")
    click.echo(f" no new lab {shares(old_vectors @ learned.vectors.T, old_truth)}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="tune_new_labs.py"))
