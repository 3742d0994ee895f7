"""What is each kind of evidence worth? Questions and an index in, accuracy with and without it out.

    python tools/ablate_fusion.py TABLE --work DIR -i INDEX -o tools/bench/ablation-0.1.0.json

DIR holds the folds that `fit_fusion` was trained on, made from `split=train` alone; INDEX is one of
the same rows, made with the shipped encoder. For each ingredient a network learns from the folds
without it, and from it alone, all with the same seed and the same number of steps; each is asked
for the rows of every --ask. Ingredients that are taken away are constants.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from fit_fusion import Questions, fit_network
from fold_questions import Asked, Asking
from numpy.typing import NDArray

from vecattr.files import atomic_write
from vecattr.fusion import AMOUNTS, COSINES, FACTS, Network, sources
from vecattr.indexes.engine import Index
from vecattr.readers import ReadOptions, read_plasmids

FOLDS, HIDDEN, EPOCHS = 4, 64, 15  # of every network here: about a minute on one core
RUNS = ("runs", "run_weight", "longest_run", "run_roots")
NEAR = ("overlap", "overlap2", "overlap3", "shared", "jaccard", "jaccard2")
INGREDIENTS: Mapping[str, tuple[str, ...]] = {
    "vectors": COSINES,
    "k-mers a lab shares": (
        "sum", "sole_squares", "rarity", *(name for name in AMOUNTS if name not in RUNS),
    ),
    "stretches a lab shares": RUNS,
    "nearest plasmids by k-mers": NEAR,
    "topology and length": ("topology", "length"),
    "composition": ("composition",),
    "how much of a lab is stored": ("plasmids", "works"),
}  # fmt: skip
TOLD_OF_A_QUERY = tuple(name for name in FACTS if name not in ("plasmids", "works"))

Data = Mapping[str, NDArray[np.generic]]


def kept_inputs(names: Sequence[str]) -> NDArray[np.intp]:
    """The inputs that are made of these columns."""
    return np.flatnonzero([name in names for name in sources(phenotypes=False)])


def variants() -> Iterator[tuple[str, NDArray[np.intp]]]:
    """What is told, and which inputs are left."""
    everything = {*sources(phenotypes=False)}
    yield "all", kept_inputs([*everything])
    for name, columns in INGREDIENTS.items():
        yield f"without {name}", kept_inputs([*(everything - {*columns})])
    for name, columns in INGREDIENTS.items():
        yield f"{name} alone", kept_inputs([*columns, *TOLD_OF_A_QUERY])


def only(asked: Questions, inputs: NDArray[np.intp]) -> Questions:
    """The same questions, all other inputs 0."""
    seen = np.zeros_like(asked.inputs)
    seen[:, inputs] = asked.inputs[:, inputs]
    return replace(asked, inputs=seen)


def answers(index: Index, table: Path, where: tuple[str, str]) -> Data:
    """What the index says of rows that it does not hold, as `Asking` keeps it."""
    rows = list(read_plasmids([str(table)], ReadOptions(where=(where,))))
    asking = Asking(index, rows, np.random.default_rng(0))
    nothing = np.zeros(0, dtype=np.int64)
    for row in range(len(rows)):
        asking.ask(Asked(row, nothing), cut=0)
    return asking.arrays()


def ranks(network: Network, data: Data, inputs: NDArray[np.intp]) -> NDArray[np.float64]:
    """Of the true class of each question, (q,); pooled labs are one class, others that were not
    kept stand where those kept for them do."""
    plain = np.asarray(data["plain"])
    seen = np.zeros(plain.shape, dtype=np.float32)
    seen[:, inputs] = plain[:, inputs]
    scores, stand_for = network.scores(seen), np.asarray(data["stand_for"], dtype=np.float64)
    pooled, labs = np.asarray(data["pooled"], dtype=bool), np.asarray(data["labs"])
    ends = np.cumsum(data["sizes"])
    found = []
    for end, size, truth in zip(ends, data["sizes"], data["truths"], strict=True):
        these = slice(int(end - size), int(end))
        found.append(
            _rank(scores[these], stand_for[these], pooled[labs[these]],
                  mine=labs[these] == truth, truth_pooled=bool(pooled[truth]))
        )  # fmt: skip
    return np.array(found)


def _rank(
    scores: NDArray[np.float64],
    stand_for: NDArray[np.float64],
    pooled: NDArray[np.bool_],
    *,
    mine: NDArray[np.bool_],
    truth_pooled: bool,
) -> float:
    top = scores.max()
    pool = np.log((np.exp(scores - top) * stand_for)[pooled].sum() + 1e-300) + top
    own = pool if truth_pooled else scores[mine][0]
    others = ~pooled & ~mine
    before = (scores > own) + (scores == own) / 2
    return float(1 + (stand_for * before)[others].sum() + (not truth_pooled and pool > own))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("-i", "--index", type=Path, required=True)
    parser.add_argument("--ask", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    index = Index.open(options.index)
    asks = options.ask or ["split=dev", "split=pub_dev"]
    data = {one: answers(index, options.table, tuple(one.split("=", 1))) for one in asks}
    asked = Questions.of([options.work / f"fold-{fold}.npz" for fold in range(FOLDS)], "plain")
    found = {}
    for name, inputs in variants():
        network = fit_network(only(asked, inputs), hidden=HIDDEN, epochs=EPOCHS)
        found[name] = {one: _shares(ranks(network, rows, inputs)) for one, rows in data.items()}
        print(name, found[name], flush=True)
        atomic_write(options.out, (json.dumps(found, indent=1) + "\n").encode())


def _shares(places: NDArray[np.float64]) -> dict[str, float]:
    return {f"top{n}": round(100 * float(np.mean(places <= n)), 1) for n in (1, 10)}


if __name__ == "__main__":
    main()
