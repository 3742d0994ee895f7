"""Calibration rows, plasmids held out from lab vectors: vectors and labels in, one sealed file out.

Verdicts, probabilities and candidate sets are all fitted on such plasmids. They are kept as
vectors, not as scores, so that several models can be calibrated together after their rankings are
fused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.model_folder import HELD_OUT_FILE
from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile, string_arrays, write_arrays
from vecattr.files.folder import Location
from vecattr.products import exact_products
from vecattr.ranking.scores import renormalised_scores
from vecattr.vectors import Codes, EmbeddingTable, Mask, Rows, Scores, Vectors

FORMAT = "vecattr-heldout"
VERSION = 1

#: The file format's names of lab scores without and with features.
_LAB_SCORES = ("fused/plain", "fused/featured")
_COLUMNS = ("label", "is_new", "full", "bare", "nearest", "nearest_other")
#: Queries and stored rows that are compared at once.
_QUERIES_AT_ONCE, _STORED_AT_ONCE = 256, 1 << 16


@dataclass(frozen=True)
class HeldOut:
    """q held-out plasmids: `ids`; their classes as rows of `labs` (q,); `is_new`, whether their
    whole group was held out (q,); unit vectors with features where there are some (`full`), and
    without (`bare`), (q, d); the cosine of the nearest plasmid that was learned from, and of the
    nearest of another lab, (q,).

    `labs` are the class vectors that did not see these plasmids. `lab_scores`: scores of these
    classes by the evidence ranker (`vecattr.ranking.evidence_ranker`), (q, n) without and with
    features, from a collection that did not hold these plasmids; None where cosines alone rank.
    """

    ids: tuple[str, ...]
    labels: Codes
    is_new: Mask
    full: Vectors
    bare: Vectors
    nearest: NDArray[np.float32]
    nearest_other: NDArray[np.float32]
    labs: EmbeddingTable
    lab_scores: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __post_init__(self) -> None:
        columns = self.labels, self.is_new, self.full, self.bare, self.nearest, self.nearest_other
        assert {len(column) for column in columns} == {len(self.ids)}, "one value a plasmid"

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def has_features(self) -> bool:
        """Do features change any vector or score?"""
        plain, featured = self.lab_scores or (self.bare, self.full)
        return not np.array_equal(plain, featured)

    def scores(self, *, features: bool) -> Scores:
        """A score of every class, (q, n): lab scores, or cosines where there are none."""
        if self.lab_scores is not None:
            return self.lab_scores[features].astype(np.float64)
        vectors = self.full if features else self.bare
        return exact_products(vectors, self.labs.vectors, exponent=0)  # (q, n)

    def without_true_lab(self, scores: Scores) -> Scores:
        """The scores (q, n) as they would be if each plasmid's own lab were unknown."""
        hidden = scores.copy()
        hidden[np.arange(len(hidden)), self.labels] = -1.0
        return hidden if self.lab_scores is None else renormalised_scores(hidden)

    def where(self, rows: Mask | Rows) -> HeldOut:
        """The plasmids that a mask or row numbers choose."""
        numbers = np.arange(len(self))[rows].tolist()
        return replace(
            self,
            ids=tuple(self.ids[row] for row in numbers),
            labels=self.labels[rows],
            is_new=self.is_new[rows],
            full=self.full[rows],
            bare=self.bare[rows],
            nearest=self.nearest[rows],
            nearest_other=self.nearest_other[rows],
            lab_scores=self.lab_scores and (self.lab_scores[0][rows], self.lab_scores[1][rows]),
        )

    def to_bytes(self) -> bytes:
        """The content of heldout.h5."""
        arrays: dict[str, NDArray[np.generic]] = {
            **string_arrays("id", self.ids),
            **string_arrays("labs/name", self.labs.names),
            "labs/vector": self.labs.vectors,
            "label": self.labels,
            "is_new": self.is_new.astype(np.uint8),
            "full": self.full,
            "bare": self.bare,
            "nearest": self.nearest,
            "nearest_other": self.nearest_other,
        }
        if self.lab_scores:
            arrays |= dict(zip(_LAB_SCORES, self.lab_scores, strict=True))
        return write_arrays(arrays, {"format": FORMAT, "version": VERSION})


def read_held_out(folder: Location) -> HeldOut | None:
    """The held-out plasmids of a model folder, None when it has none; DamagedError or
    MismatchError when the file is not what was written."""
    return read_held_out_file(folder / HELD_OUT_FILE)


def read_held_out_file(path: Location) -> HeldOut | None:
    """The held-out plasmids in a file; None and errors as in `read_held_out`."""
    if not path.exists():
        return None
    file = ArrayFile(path, format=FORMAT, version=VERSION)
    labels, is_new, full, bare, nearest, other = (np.array(file.array(name)) for name in _COLUMNS)
    names, vectors = file.strings("labs/name"), np.array(file.array("labs/vector"))
    ids = file.strings("id")
    lengths = {len(ids), len(labels), len(is_new), len(full), len(bare), len(nearest), len(other)}
    if len(lengths) > 1 or full.shape != bare.shape or full.shape[1:] != vectors.shape[1:]:
        raise DamagedError("columns of different lengths", where=str(path))
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
        raise DamagedError("a label outside its labs", where=str(path))
    lab_scores = None
    if _LAB_SCORES[0] in file:
        plain, featured = (np.array(file.array(name)) for name in _LAB_SCORES)
        if not plain.shape == featured.shape == (len(ids), len(names)):
            raise DamagedError("lab scores of another shape", where=str(path))
        lab_scores = plain, featured
    table = EmbeddingTable(names, vectors)
    return HeldOut(ids, labels, is_new.astype(bool), full, bare, nearest, other, table, lab_scores)


def nearest_cosines(
    queries: Vectors,
    stored: Vectors,
    *,
    query_labs: Sequence[str | None],
    stored_labs: Sequence[str | None],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The largest cosine of each query (q, d) with a stored row (n, d), and with one of another
    lab, (q,) each; -1 when there is none."""
    codes = {name: code for code, name in enumerate(sorted({*map(str, stored_labs)}))}
    stored_codes = np.array([codes[str(name)] for name in stored_labs], dtype=np.int64)  # (n,)
    query_codes = np.array([codes.get(str(name), -1) for name in query_labs], dtype=np.int64)
    best = np.full((2, len(queries)), -1.0, dtype=np.float32)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        block = slice(start, start + _QUERIES_AT_ONCE)
        for first in range(0, len(stored), _STORED_AT_ONCE):
            rows = slice(first, first + _STORED_AT_ONCE)
            cosines = queries[block] @ stored[rows].T  # (b, d) @ (d, m)
            best[0, block] = np.maximum(best[0, block], cosines.max(axis=1))
            cosines[stored_codes[rows] == query_codes[block, None]] = -1
            best[1, block] = np.maximum(best[1, block], cosines.max(axis=1))
    return np.minimum(best[0], 1), np.minimum(best[1], 1)
