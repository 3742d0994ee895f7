"""How strongly should a new lab's mean be whitened? Measured on training rows only.

    python tools/tune_new_labs.py TABLE --where split=train --labs FILE [--seed 0] [--labs-out 50]

Withholds some labs and a tenth of the other plasmids (whole publications), trains a k-mer bag on
the rest, adds the withheld labs with five plasmids each, and prints, for each shrinkage, top-1 and
top-10 of the held-out plasmids of old labs and of the other plasmids of the new labs, all labs
competing. Shrinkage 1 is the plain mean less the background. Bad records are told on stderr, and
the exit code is 3 then.
"""

from __future__ import annotations

import sys
import tempfile
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
    """(training, held-out plasmids of the same labs, all plasmids of `count` withheld labs)."""
    sizes: dict[str, int] = {}
    for plasmid in plasmids:
        label = rule.label(plasmid.lab or "")
        sizes[label] = sizes.get(label, 0) + 1
    candidates = sorted(lab for lab, size in sizes.items() if size > 2 * SHOTS and lab != POOLED)
    new = set(rng.choice(candidates, count, replace=False).tolist())
    rest = [one for one in plasmids if one.lab not in new]
    labels = [rule.label(one.lab or "") for one in rest]
    held = split_off_groups(labels, [one.group for one in rest], share=0.1, rng=rng)
    training = [one for one, out in zip(rest, held, strict=True) if not out]
    return training, [one for one, out in zip(rest, held, strict=True) if out], [
        one for one in plasmids if one.lab in new
    ]  # fmt: skip


def shares(cosines: NDArray[np.float32], truth: NDArray[np.int64]) -> str:
    """Top-1 / top-10 in percent."""
    own = np.take_along_axis(cosines, truth[:, None], axis=1)
    better = (cosines > own).sum(axis=1)
    return f"{100 * np.mean(better < 1):5.1f} / {100 * np.mean(better < 10):5.1f}"


def supports_of(labs: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.intp]:
    """SHOTS rows of every lab, the labs in order, (labs * SHOTS,); `labs` is of each row, (n,)."""
    return np.concatenate(
        [rng.choice(np.flatnonzero(labs == lab), SHOTS, replace=False) for lab in np.unique(labs)]
    )


def trained(
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
    training, held, new = withhold(plasmids, rule, count=labs_out, rng=rng)
    embedder, learned = trained(training, rule, seed=seed)
    stored, asked, added = (embedder.embed(some) for some in (training, held, new))

    new_labs = np.array([one.lab for one in new])
    names = np.unique(new_labs)
    supports = supports_of(new_labs, rng)
    sums = added[supports].reshape(len(names), SHOTS, -1).sum(axis=1)  # (labs, d)
    means = unit_rows(sums)
    queries = np.setdiff1d(np.arange(len(new)), supports)
    place = {name: row for row, name in enumerate([*learned.names, *names])}
    old_truth = np.array([place[rule.label(one.lab or "")] for one in held])
    new_truth = np.array([place[new_labs[row]] for row in queries])

    def both(everyone: Vectors) -> str:
        old = shares(asked @ everyone.T, old_truth)
        return f"{old}  {shares(added[queries] @ everyone.T, new_truth)}"

    click.echo("shrinkage  old labs        new labs")
    for shrinkage in SHRINKAGES:
        discriminant = Discriminant.from_moments(
            [Moments.from_vectors(stored)], shrinkage=shrinkage
        )
        assert discriminant is not None
        directions = np.stack([discriminant.direction(one) for one in means])
        click.echo(f"{shrinkage:9.2f}  {both(np.vstack([learned.vectors, directions]))}")
    click.echo(f"     mean  {both(np.vstack([learned.vectors, means]))}")
    click.echo(f" no new lab {shares(asked @ learned.vectors.T, old_truth)}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], group=main, program="tune_new_labs.py"))
