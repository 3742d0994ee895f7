"""What is each kind of evidence worth? Questions and an index in, accuracy with and without it out.

    python tools/ablate_ranker.py TABLE --work DIR -i INDEX -o tools/figures/ablation-0.1.0.json

DIR holds the folds that `fit_ranker` was trained on, made from `split=train` alone; INDEX is one of
the same rows, made with the shipped encoder. For each ingredient a network learns from the folds
without it, and from it alone, all with the same seed and the same number of steps; each is asked
for the rows of every --ask, without phenotype features, but for the last few. Ingredients that are
taken away are constants.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from fit_ranker import Questions, fit_network
from numpy.typing import NDArray
from ranker_queries import Asking, SimulatedQuestion

from vecattr.files.atomic import atomic_write
from vecattr.indexes.index import Index
from vecattr.ranking.evidence_ranker import (
    AMOUNTS,
    COSINES,
    FACTS,
    PHENOTYPES,
    Network,
    input_columns,
)
from vecattr.readers.plasmids import ReadOptions, read_plasmids

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
    "how much of a lab is stored": ("plasmids", "publications"),
}  # fmt: skip
FEATURES: Mapping[str, tuple[str, ...]] = {
    "features one by one": PHENOTYPES[:1],
    "features all together": PHENOTYPES[1:],
}
TOLD_OF_A_QUERY = tuple(name for name in FACTS if name not in ("plasmids", "publications"))

Data = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Variant:
    """What a network learns from: the questions with features or those without, and which of their
    inputs."""

    name: str
    featured: bool
    inputs: NDArray[np.intp]

    @classmethod
    def of(cls, name: str, columns: Iterable[str], *, featured: bool = False) -> Self:
        """All inputs that are made of these columns."""
        names = {*columns}
        made_of = input_columns(phenotypes=featured)
        return cls(name, featured, np.flatnonzero([source in names for source in made_of]))

    @property
    def kind(self) -> str:
        """The name of its inputs in a fold."""
        return "featured" if self.featured else "plain"


def variants() -> Iterator[Variant]:
    """With each ingredient and without."""
    everything = {*input_columns(phenotypes=False)}
    yield Variant.of("all", everything)
    for name, columns in INGREDIENTS.items():
        yield Variant.of(f"without {name}", everything - {*columns})
    for name, columns in INGREDIENTS.items():
        yield Variant.of(f"{name} alone", [*columns, *TOLD_OF_A_QUERY])
    everything |= {*PHENOTYPES}
    yield Variant.of("all, and features", everything, featured=True)
    for name, columns in FEATURES.items():
        left = everything - {*columns}
        yield Variant.of(f"with features, without {name}", left, featured=True)


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
        asking.ask(SimulatedQuestion(row, nothing), cut=0, partly=0)
    return asking.arrays()


def ranks(network: Network, data: Data, variant: Variant) -> NDArray[np.float64]:
    """Of the true class of each question, (q,); pooled labs are one class, others that were not
    kept stand where those kept for them do."""
    told = np.asarray(data[variant.kind])
    seen = np.zeros(told.shape, dtype=np.float32)
    seen[:, variant.inputs] = told[:, variant.inputs]
    scores, stand_for = network.logits(seen), np.asarray(data["stand_for"], dtype=np.float64)
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
    folds = [options.work / f"fold-{fold}.npz" for fold in range(FOLDS)]
    asked = {kind: Questions.of(folds, kind) for kind in ("plain", "featured")}
    found = {}
    for one in variants():
        questions = only(asked[one.kind], one.inputs)
        network = fit_network(questions, hidden=HIDDEN, epochs=EPOCHS)
        found[one.name] = {ask: _shares(ranks(network, rows, one)) for ask, rows in data.items()}
        print(one.name, found[one.name], flush=True)
        atomic_write(options.out, (json.dumps(found, indent=1) + "\n").encode())


def _shares(places: NDArray[np.float64]) -> dict[str, float]:
    return {f"top{n}": round(100 * float(np.mean(places <= n)), 1) for n in (1, 10)}


if __name__ == "__main__":
    main()
