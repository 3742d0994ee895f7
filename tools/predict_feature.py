"""Predict a column of a table from embeddings: vectors and 0/1 labels in, figures out.

    vecattr embed T --where split=train --no-features -m MODEL -o train.npy
    vecattr embed T --where split=dev --no-features -m MODEL -o dev.npy
    python tools/predict_feature.py T species_human --train train.npy --test dev.npy

A logistic regression learns the column from the vectors of --train; each --test is reported with
its number of plasmids, the share of ones, the accuracy of always saying what most of --train is,
the accuracy of the regression, and its area under the ROC curve. Needs scikit-learn (extra `viz`).

The vectors must be made with --no-features: the column may be one of the features.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from vecattr.readers.csv_table import read_csv_table
from vecattr.readers.input_files import open_input


@dataclass(frozen=True)
class Figures:
    """What one set of n plasmids gave; shares lie in [0, 1]."""

    n: int
    ones: float
    majority: float  # accuracy of the answer that is right most often in training
    accuracy: float
    auroc: float


def column_values(table: Path, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The cells of these columns by sequence id; InputError for a row that is too short."""
    found = {}
    with open_input(table) as opened:
        sheet = read_csv_table(opened)
        name, *wanted = (sheet.position(column) for column in ("sequence_id", *columns))
        for row in sheet.rows:
            if problem := sheet.count_problem(row):
                raise problem
            found[row.cells[name]] = tuple(row.cells[place] for place in wanted)
    return found


def labelled(
    rows: NDArray[np.void], values: Mapping[str, str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors (n, d) and truths (n,) from the array of `vecattr embed`; rows without a 0 or a 1
    are left out."""
    known = np.array([values.get(name) in ("0", "1") for name in rows["id"]])
    truths = np.array([values[name] == "1" for name in rows["id"][known]])
    return rows["vector"][known], truths


def fitted(vectors: NDArray[np.float32], truths: NDArray[np.bool_]) -> Pipeline:
    """A logistic regression on standardised dimensions."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
    return model.fit(vectors, truths)


def measured(
    model: Pipeline, vectors: NDArray[np.float32], truths: NDArray[np.bool_], *, majority: bool
) -> Figures:
    """The figures of one set; `majority` is what most of the training rows are."""
    chances = model.predict_proba(vectors)[:, 1]
    return Figures(
        n=len(truths),
        ones=float(truths.mean()),
        majority=float(np.mean(truths == majority)),
        accuracy=float(np.mean((chances > 0.5) == truths)),
        auroc=float(roc_auc_score(truths, chances)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("columns", nargs="+", metavar="COLUMN")
    parser.add_argument("--train", type=Path, required=True, metavar="NPY")
    parser.add_argument("--test", type=Path, action="append", required=True, metavar="NPY")
    options = parser.parse_args()
    cells = column_values(options.table, options.columns)
    print("column\tset\tn\tones\tmajority\taccuracy\tauroc")
    for place, column in enumerate(options.columns):
        values = {name: row[place] for name, row in cells.items()}
        vectors, truths = labelled(np.load(options.train), values)
        model, majority = fitted(vectors, truths), bool(truths.mean() > 0.5)
        for path in options.test:
            found = measured(model, *labelled(np.load(path), values), majority=majority)
            shares = [found.ones, found.majority, found.accuracy, found.auroc]
            print(column, path.stem, found.n, *(f"{share:.3f}" for share in shares), sep="\t")


if __name__ == "__main__":
    main()
