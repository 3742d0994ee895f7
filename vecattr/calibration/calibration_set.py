"""Plasmids that lab vectors did not see: their vectors and labels in, one sealed file out.

Everything that is said about how sure an answer is learns from such plasmids. They are kept as
vectors, not as scores, so that several models can be calibrated together after their rankings are
fused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.model_folder import HELD_OUT_FILE
from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile, string_arrays, write_arrays
from vecattr.ranking.evidence_ranker import renormalised_scores
from vecattr.vectors import EmbeddingTable, Vectors

FORMAT = "vecattr-heldout"
VERSION = 1

_FUSED = ("fused/plain", "fused/featured")
_COLUMNS = ("label", "is_new", "full", "bare", "nearest", "nearest_other")


@dataclass(frozen=True)
class HeldOut:
    """Of q plasmids: `ids`, their classes as rows of `labs` (q,), whether their whole group was
    held out (q,), unit vectors with features where there are some, and without, (q, d); the cosine
    of the nearest plasmid that was learned from, and of the nearest of another lab, (q,).

    `labs` are the class vectors that did not see these plasmids. `fused`: scores of these classes
    by a fusion of vectors and k-mers (`vecattr.ranking.evidence_ranker`), (q, n) without and with
    features, from a collection that did not hold these plasmids; None where cosines alone answer.
    """

    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    is_new: NDArray[np.bool_]
    full: Vectors
    bare: Vectors
    nearest: NDArray[np.float32]
    nearest_other: NDArray[np.float32]
    labs: EmbeddingTable
    fused: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __post_init__(self) -> None:
        columns = self.labels, self.is_new, self.full, self.bare, self.nearest, self.nearest_other
        assert {len(column) for column in columns} == {len(self.ids)}, "one value a plasmid"

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def has_features(self) -> bool:
        """Does anything differ with features?"""
        plain, featured = self.fused or (self.bare, self.full)
        return not np.array_equal(plain, featured)

    def scores(self, *, features: bool) -> NDArray[np.float64]:
        """Of every class, (q, n): fused ones, or cosines where there are none."""
        if self.fused is not None:
            return self.fused[features].astype(np.float64)
        rows = (self.full if features else self.bare).astype(np.float64)
        found: NDArray[np.float64] = rows @ self.labs.vectors.T.astype(np.float64)
        return found

    def hidden(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same scores (q, n) if the own lab of each plasmid were not there."""
        left = scores.copy()
        left[np.arange(len(left)), self.labels] = -1.0
        return left if self.fused is None else renormalised_scores(left)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> HeldOut:
        """Some of the plasmids, by mask or by row numbers."""
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
            fused=(self.fused[0][rows], self.fused[1][rows]) if self.fused else None,
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
        if self.fused:
            arrays |= dict(zip(_FUSED, self.fused, strict=True))
        return write_arrays(arrays, {"format": FORMAT, "version": VERSION})


def read_held_out(folder: Path) -> HeldOut | None:
    """The held-out plasmids of a model folder, None when it has none; DamagedError or
    MismatchError when the file is not what was written."""
    path = folder / HELD_OUT_FILE
    if not path.exists():
        return None
    file = ArrayFile(path, format=FORMAT, version=VERSION)
    labels, is_new, full, bare, nearest, other = (np.array(file.array(name)) for name in _COLUMNS)
    names, vectors = file.strings("labs/name"), np.array(file.array("labs/vector"))
    ids = file.strings("id")
    shapes = {len(ids), len(labels), len(is_new), len(full), len(bare), len(nearest), len(other)}
    if len(shapes) > 1 or full.shape != bare.shape or full.shape[1:] != vectors.shape[1:]:
        raise DamagedError("columns of different lengths", where=str(path))
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(names):
        raise DamagedError("a label outside its labs", where=str(path))
    fused = None
    if _FUSED[0] in file:
        plain, featured = (np.array(file.array(name)) for name in _FUSED)
        if not plain.shape == featured.shape == (len(ids), len(names)):
            raise DamagedError("fused scores of another shape", where=str(path))
        fused = plain, featured
    table = EmbeddingTable(names, vectors)
    return HeldOut(ids, labels, is_new.astype(bool), full, bare, nearest, other, table, fused)


def nearest_cosines(
    queries: Vectors,
    stored: Vectors,
    *,
    query_labs: Sequence[str | None],
    stored_labs: Sequence[str | None],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The largest cosine of each query (q, d) with a stored row (n, d), and with one of another
    lab, (q,) each; -1 when there is none."""
    numbers = {name: number for number, name in enumerate(sorted({*map(str, stored_labs)}))}
    theirs = np.array([numbers[str(name)] for name in stored_labs], dtype=np.int64)  # (n,)
    mine = np.array([numbers.get(str(name), -1) for name in query_labs], dtype=np.int64)
    best = np.full((2, len(queries)), -1.0, dtype=np.float32)
    for start in range(0, len(queries), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        cosines = queries[some] @ stored.T  # (b, d) @ (d, n)
        best[0, some] = cosines.max(axis=1, initial=-1)
        cosines[theirs == mine[some, None]] = -1
        best[1, some] = cosines.max(axis=1, initial=-1)
    return np.minimum(best[0], 1), np.minimum(best[1], 1)


_AT_ONCE = 256  # queries
