"""How strongly should a new lab's mean be whitened? Measured on training rows only.

    python tools/tune_new_labs.py TABLE --where split=train --labs FILE [--seed 0] [--labs-out 50]

Withholds some labs and a tenth of the other plasmids (whole publications), trains a k-mer bag on
the rest, adds the withheld labs with five plasmids each, and prints, for each shrinkage, top-1 and
top-10 of the held-out plasmids of old labs and of the other plasmids of the new labs, all labs
competing. Shrinkage 1 is the plain mean less the background.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.background import Background, Moments
from vecattr.classes import ClassRule, rule_from_file
from vecattr.config import BagConfig, TrainConfig
from vecattr.embedder import load_embedder
from vecattr.holdout import hold_out
from vecattr.model import learned_labs
from vecattr.plasmid import POOLED, Plasmid
from vecattr.readers import ReadOptions, read_plasmids
from vecattr.table import unit_rows
from vecattr.training import train_model

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
    held = hold_out(labels, [one.group for one in rest], share=0.1, rng=rng)
    training = [one for one, out in zip(rest, held, strict=True) if not out]
    return training, [one for one, out in zip(rest, held, strict=True) if out], [
        one for one in plasmids if one.lab in new
    ]  # fmt: skip


def shares(cosines: NDArray[np.float32], truth: NDArray[np.int64]) -> str:
    """Top-1 / top-10 in percent."""
    own = np.take_along_axis(cosines, truth[:, None], axis=1)
    better = (cosines > own).sum(axis=1)
    return f"{100 * np.mean(better < 1):5.1f} / {100 * np.mean(better < 10):5.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--labs", type=Path, required=True)
    parser.add_argument("--labs-out", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    where = tuple(tuple(condition.split("=", 1)) for condition in options.where)
    records = read_plasmids([options.table], ReadOptions(where=where))
    plasmids = [record.without_features() for record in records if isinstance(record, Plasmid)]
    rule = rule_from_file(options.labs)
    rng = np.random.default_rng(options.seed)
    training, held, new = withhold(plasmids, rule, count=options.labs_out, rng=rng)

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        config = TrainConfig(loss="cosface", validation_share=0, epochs=8, seed=options.seed)
        train_model(training, model, rule=rule, encoder=BagConfig(), train=config)
        embedder, table = load_embedder(model), learned_labs(model)
        assert table is not None
        stored, asked, added = (embedder.embed(some) for some in (training, held, new))

    labs = np.array([one.lab for one in new])
    names = np.unique(labs)
    supports = np.concatenate(
        [rng.choice(np.flatnonzero(labs == name), SHOTS, replace=False) for name in names]
    )
    means = unit_rows(
        np.stack([added[supports][labs[supports] == name].sum(axis=0) for name in names])
    )
    queries = np.setdiff1d(np.arange(len(new)), supports)
    place = {name: row for row, name in enumerate([*table.names, *names])}
    old_truth = np.array([place[rule.label(one.lab or "")] for one in held])
    new_truth = np.array([place[labs[row]] for row in queries])
    print("shrinkage  old labs        new labs")
    for shrinkage in SHRINKAGES:
        background = Background.of([Moments.of(stored)], shrinkage=shrinkage)
        assert background is not None
        everyone = np.vstack([table.vectors, *(background.direction(one)[None] for one in means)])
        print(
            f"{shrinkage:9.2f}  {shares(asked @ everyone.T, old_truth)}"
            f"  {shares(added[queries] @ everyone.T, new_truth)}"
        )
    plain = np.vstack([table.vectors, means])
    print(
        f"     mean  {shares(asked @ plain.T, old_truth)}"
        f"  {shares(added[queries] @ plain.T, new_truth)}"
    )
    alone = table.vectors
    print(f" no new lab {shares(asked @ alone.T, old_truth)}")


if __name__ == "__main__":
    main()
