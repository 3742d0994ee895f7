"""Vectors and a 0/1 column of a table in, how well the vectors predict the column out.

    vecattr embed T --where split=train --no-features -m MODEL -o train.npy
    vecattr embed T --where split=dev --no-features -m MODEL -o dev.npy
    python tools/predict_feature.py T species_human --train train.npy --test dev.npy

A logistic regression learns the column from the vectors of --train; each --test is reported with
its number of plasmids, the share of ones, the accuracy of always predicting the majority of
--train, the accuracy of the regression, and its area under the ROC curve. Needs scikit-learn (extra
`viz`).

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

from vecattr.inputs.input_files import open_input
from vecattr.readers.csv_table import read_csv_table


@dataclass(frozen=True)
class Figures:
    """The figures of one set of n plasmids; shares lie in [0, 1]."""

    n: int
    ones: float
    majority: float  # accuracy of always predicting the majority of the training rows
    accuracy: float
    auroc: float


def column_values(table: Path, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The cells of these columns by sequence id; InputError for a row that is too short."""
    values = {}
    with open_input(table) as opened:
        csv_table = read_csv_table(opened)
        id_place, *places = (csv_table.position(name) for name in ("sequence_id", *columns))
        for row in csv_table.rows:
            if problem := csv_table.count_problem(row):
                raise problem
            values[row.cells[id_place]] = tuple(row.cells[place] for place in places)
    return values


def labelled(
    rows: NDArray[np.void], values: Mapping[str, str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors (n, d) and truths (n,) from the array of `vecattr embed`; rows without a 0 or a 1
    are left out."""
    has_value = np.array([values.get(name) in ("0", "1") for name in rows["id"]])
    truths = np.array([values[name] == "1" for name in rows["id"][has_value]])
    return rows["vector"][has_value], truths


def fitted(vectors: NDArray[np.float32], truths: NDArray[np.bool_]) -> Pipeline:
    """A logistic regression on standardised dimensions."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
    return model.fit(vectors, truths)


def measured(
    model: Pipeline, vectors: NDArray[np.float32], truths: NDArray[np.bool_], *, majority: bool
) -> Figures:
    """The figures of one set; `majority` is the value of most training rows."""
    probabilities = model.predict_proba(vectors)[:, 1]
    return Figures(
        n=len(truths),
        ones=float(truths.mean()),
        majority=float(np.mean(truths == majority)),
        accuracy=float(np.mean((probabilities > 0.5) == truths)),
        auroc=float(roc_auc_score(truths, probabilities)),
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
            figures = measured(model, *labelled(np.load(path), values), majority=majority)
            shares = [figures.ones, figures.majority, figures.accuracy, figures.auroc]
            print(column, path.stem, figures.n, *(f"{share:.3f}" for share in shares), sep="\t")


if __name__ == "__main__":
    main()
