"""What is each kind of evidence worth? Folds and an index in, accuracy with and without it out.

    python tools/ablate_ranker.py TABLE --work DIR -i INDEX -o tools/figures/ablation-0.1.0.json

DIR holds the folds that `fit_ranker` was trained on, made from `split=train` alone; INDEX is one of
the same rows, made with the shipped encoder. For each ingredient a network learns from the folds
without it, and from it alone, all with the same seed and the same number of steps; each ranks the
rows of every --ask, without phenotype features except for the last few. Ingredients that are left
out are constants.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from fit_ranker import TrainingQueries, fit_network
from numpy.typing import NDArray
from ranker_queries import AT_ONCE, QueryRecorder, TrainingQuery

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
QUERY_FACTS = tuple(name for name in FACTS if name not in ("plasmids", "publications"))

Data = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Variant:
    """What a network learns from: the queries with features or those without, and which of their
    inputs."""

    name: str
    featured: bool
    inputs: NDArray[np.intp]

    @classmethod
    def from_columns(cls, name: str, columns: Iterable[str], *, featured: bool = False) -> Self:
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
    yield Variant.from_columns("all", everything)
    for name, columns in INGREDIENTS.items():
        yield Variant.from_columns(f"without {name}", everything - {*columns})
    for name, columns in INGREDIENTS.items():
        yield Variant.from_columns(f"{name} alone", [*columns, *QUERY_FACTS])
    everything |= {*PHENOTYPES}
    yield Variant.from_columns("all, and features", everything, featured=True)
    for name, columns in FEATURES.items():
        others = everything - {*columns}
        yield Variant.from_columns(f"with features, without {name}", others, featured=True)


def with_inputs(queries: TrainingQueries, inputs: NDArray[np.intp]) -> TrainingQueries:
    """The same queries, all other inputs 0."""
    return replace(queries, inputs=_masked(queries.inputs, inputs))


def _masked(values: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.float32]:
    """The values of these columns, 0 elsewhere."""
    masked = np.zeros(values.shape, dtype=np.float32)
    masked[:, columns] = values[:, columns]
    return masked


def answers(index: Index, table: Path, where: tuple[str, str]) -> Data:
    """What the index says of rows that it does not hold, as `QueryRecorder` keeps it."""
    rows = list(read_plasmids([str(table)], ReadOptions(where=(where,))))
    recorder = QueryRecorder(index, rows, np.random.default_rng(0))
    none_left_out = np.zeros(0, dtype=np.int64)
    queries = [TrainingQuery(row, none_left_out) for row in range(len(rows))]
    for start in range(0, len(queries), AT_ONCE):
        recorder.record(queries[start : start + AT_ONCE], fragments=0, few_features=0)
    return recorder.arrays()


def ranks(network: Network, data: Data, variant: Variant) -> NDArray[np.float64]:
    """Of the true class of each query, (q,); pooled labs are one class, and labs that were not
    kept rank as those kept that stand for them."""
    inputs = _masked(np.asarray(data[variant.kind]), variant.inputs)
    scores, stand_for = network.logits(inputs), np.asarray(data["stand_for"], dtype=np.float64)
    pooled, labs = np.asarray(data["pooled"], dtype=bool), np.asarray(data["labs"])
    ends = np.cumsum(data["sizes"])
    places = []
    for end, size, truth in zip(ends, data["sizes"], data["truths"], strict=True):
        rows = slice(int(end - size), int(end))
        places.append(
            _rank(scores[rows], stand_for[rows], pooled[labs[rows]],
                  is_truth=labs[rows] == truth, truth_pooled=bool(pooled[truth]))
        )  # fmt: skip
    return np.array(places)


def _rank(
    scores: NDArray[np.float64],
    stand_for: NDArray[np.float64],
    pooled: NDArray[np.bool_],
    *,
    is_truth: NDArray[np.bool_],
    truth_pooled: bool,
) -> float:
    top = scores.max()
    pool_score = np.log((np.exp(scores - top) * stand_for)[pooled].sum() + 1e-300) + top
    true_score = pool_score if truth_pooled else scores[is_truth][0]
    others = ~pooled & ~is_truth
    before = (scores > true_score) + (scores == true_score) / 2
    pool_is_before = not truth_pooled and pool_score > true_score
    return float(1 + (stand_for * before)[others].sum() + pool_is_before)


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
    data = {ask: answers(index, options.table, tuple(ask.split("=", 1))) for ask in asks}
    folds = [options.work / f"fold-{fold}.npz" for fold in range(FOLDS)]
    queries = {kind: TrainingQueries.from_folds(folds, kind) for kind in ("plain", "featured")}
    figures = {}
    for variant in variants():
        variant_queries = with_inputs(queries[variant.kind], variant.inputs)
        network = fit_network(variant_queries, hidden=HIDDEN, epochs=EPOCHS)
        figures[variant.name] = {
            ask: _shares(ranks(network, rows, variant)) for ask, rows in data.items()
        }
        print(variant.name, figures[variant.name], flush=True)
        atomic_write(options.out, (json.dumps(figures, indent=1) + "\n").encode())


def _shares(places: NDArray[np.float64]) -> dict[str, float]:
    return {f"top{n}": round(100 * float(np.mean(places <= n)), 1) for n in (1, 10)}


if __name__ == "__main__":
    main()
