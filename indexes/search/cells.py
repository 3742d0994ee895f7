"""Approximate search of a large segment: its vectors in, cells of near ones out; a query in, rows
to look at out of these.

Rows are divided among cells by the nearest of some centres (an inverted file, Jégou et al. 2011),
and kept as int8 in the order of cells, so that a query reads a few stretches of the file. How many
cells it looks into was chosen by measuring which of the true neighbours are found. The file is a
cache of one segment; without it search is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.quantisation import quantised
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.indexes.search.vector_search import Rows, cell_centres
from vecattr.vectors import Vectors

#: From so many rows of a segment on, looking into cells pays.
LARGE = 50_000
#: The least recall@10 that is good enough unless the user wants less.
LEAST_RECALL = 0.99

#: How an index is to be searched: `auto` looks into cells where that pays and finds enough,
#: `approximate` does whatever it finds, `exact` never does.
Search = Literal["auto", "approximate", "exact"]

CELLS_FORMAT = "vecattr-cells"
CELLS_VERSION = 1

_NEIGHBORS = 10
_QUERIES = 200
_ROWS_AT_ONCE = 1 << 15


class Cells:
    """An opened file of cells of a segment with vectors of this `shape` (n, d); MismatchError when
    it belongs to another segment, else errors as in `vecattr.files.arrays.ArrayFile`."""

    def __init__(self, source: Path | bytes, *, segment: str, shape: tuple[int, ...]) -> None:
        self._file = ArrayFile(source, format=CELLS_FORMAT, version=CELLS_VERSION)
        found = self._file.attributes.get("segment")
        if found != segment:
            raise MismatchError(
                f"cells of segment {found}, expected {segment}",
                where=self._file.name,
                hint="delete this file; it is a cache, and search is exact without it",
            )
        self._rows, width = shape
        self.count = self._file.shape("centre")[0]
        self._check_layout(width)
        self.probes = int(self._file.attributes["probes"])
        self.recall = float(self._file.attributes["recall"])
        self._centres = cast("Vectors", self._file.array("centre"))  # (c, d)
        self._offsets = cast("NDArray[np.int64]", self._file.array("offset"))  # (c + 1,)
        ends = self._offsets[[0, -1]].tolist()
        if ends != [0, self._rows] or not np.all(self._offsets[1:] >= self._offsets[:-1]):
            raise self._damage(f"its cells do not divide the {self._rows} rows of the segment")

    def _check_layout(self, width: int) -> None:
        for name, expected in {
            "centre": ("<f4", (self.count, width)),
            "offset": ("<i8", (self.count + 1,)),
            "row": ("<u4", (self._rows,)),
            "code": ("|u1", (self._rows, width)),
            "step": ("<f4", (self._rows,)),
        }.items():
            if self._file.layout(name) != expected:
                raise self._damage(f"{name} is {self._file.layout(name)}, expected {expected}")
        for name, kind in (("probes", int), ("recall", float)):
            if type(self._file.attributes.get(name)) is not kind:
                raise self._damage(f"does not say its {name}")

    def _damage(self, what: str) -> DamagedError:
        return DamagedError(
            what,
            where=self._file.name,
            hint="delete this file; it is a cache, and search is exact without it",
        )

    def candidates(
        self,
        query: Vectors,
        wanted: int,
        alive: NDArray[np.bool_],
        *,
        probes: int | None = None,
    ) -> Rows:
        """About the `wanted` living rows nearest to a query (d,), from the cells nearest to it;
        from more cells when these hold too few."""
        order = np.argsort(-(self._centres @ query), kind="stable")  # (c, d) @ (d,) -> (c,)
        looked = self.probes if probes is None else probes
        rows, scores = self._looked_into(order[:looked], query, alive)
        while len(rows) < wanted and looked < len(order):
            more = self._looked_into(order[looked : 2 * looked], query, alive)
            rows, scores = np.concatenate([rows, more[0]]), np.concatenate([scores, more[1]])
            looked *= 2
        if len(rows) <= wanted:
            return rows
        return rows[np.argpartition(-scores, wanted)[:wanted]]

    def _looked_into(
        self, cells: NDArray[np.int64], query: Vectors, alive: NDArray[np.bool_]
    ) -> tuple[Rows, Vectors]:
        """The living rows of some cells, and about their cosines with a query."""
        pieces = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))]
        for cell in cells.tolist():
            span = int(self._offsets[cell]), int(self._offsets[cell + 1])
            rows = self._file.slice("row", *span).astype(np.int64)
            if len(rows) and int(rows.max()) >= self._rows:
                raise self._damage(f"a cell leaves the {self._rows} rows of the segment")
            codes = self._file.slice("code", *span).view(np.int8).astype(np.float32)
            scores = (codes @ query) * cast("Vectors", self._file.slice("step", *span))
            kept = alive[rows]
            pieces.append((rows[kept], scores[kept]))
        return (
            np.concatenate([rows for rows, _ in pieces]),
            np.concatenate([scores for _, scores in pieces]),
        )

    def check_all(self) -> None:
        """Check every block, and that each row is in one cell; DamagedError names the first bad
        block."""
        self._file.check_all()
        if not np.array_equal(np.sort(self._file.array("row")), np.arange(self._rows)):
            raise self._damage("a row is in no cell, or in two")


def cell_bytes(
    vectors: Vectors, *, segment: str, search: Search, large: int = LARGE
) -> bytes | None:
    """The cells of a segment's rows (n, d), of this name; None when search is to be exact: asked
    for, or (`auto`) because there are fewer rows than a `large` segment has, or cells find too few
    of the true neighbours."""
    if search == "exact" or len(vectors) < 2 or (search == "auto" and len(vectors) < large):
        return None
    draft = _CellWriter.of(vectors, segment)
    probes, recall = _measured(vectors, draft)
    if search == "auto" and recall < LEAST_RECALL:
        return None
    return draft.to_bytes(probes=probes, recall=recall)


@dataclass(frozen=True)
class _CellWriter:
    """Cells before anybody knows how many to look into."""

    segment: str
    centres: Vectors
    owners: NDArray[np.int64]  # the cell of each row (n,)
    vectors: Vectors

    @classmethod
    def of(cls, vectors: Vectors, segment: str) -> _CellWriter:
        count = max(1, min(len(vectors) // 8, int(1.5 * len(vectors) ** 0.5)))
        centres = cell_centres(vectors, count=count)
        owners = np.concatenate(
            [
                (vectors[start : start + _ROWS_AT_ONCE] @ centres.T).argmax(axis=1)  # (n, c)
                for start in range(0, len(vectors), _ROWS_AT_ONCE)
            ]
        )
        return cls(segment, centres, owners, vectors)

    def to_bytes(self, *, probes: int, recall: float) -> bytes:
        """The sealed file."""
        order = np.argsort(self.owners, kind="stable")
        sizes = np.bincount(self.owners, minlength=len(self.centres))
        codes, steps = quantised(self.vectors[order])
        return write_arrays(
            {
                "centre": self.centres,
                "code": codes.view(np.uint8),
                "offset": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
                "row": order.astype(np.uint32),
                "step": steps,
            },
            {
                "format": CELLS_FORMAT,
                "version": CELLS_VERSION,
                "segment": self.segment,
                "probes": probes,
                "recall": recall,
            },
        )


def _measured(vectors: Vectors, draft: _CellWriter) -> tuple[int, float]:
    """The fewest cells (a power of two) by which enough of the ten nearest rows of some rows are
    found, those themselves left out, and what share is found; else all cells and that share."""
    made = draft.to_bytes(probes=1, recall=0.0)
    cells = Cells(made, segment=draft.segment, shape=vectors.shape)
    rows = np.random.default_rng(0).choice(
        len(vectors), size=min(_QUERIES, len(vectors)), replace=False
    )
    near = min(_NEIGHBORS, len(vectors) - 1)
    least = _tenth_best(vectors, rows, near=near)
    probes, recall = 1, 0.0
    while True:
        recall = float(
            np.mean(
                [
                    _share_found(cells, vectors, row, tenth, probes=probes, near=near)
                    for row, tenth in zip(rows.tolist(), least.tolist(), strict=True)
                ]
            )
        )
        if recall >= LEAST_RECALL or 2 * probes > cells.count // 4:
            return probes, recall
        probes *= 2


def _tenth_best(vectors: Vectors, rows: NDArray[np.int64], *, near: int) -> NDArray[np.float32]:
    """The cosine of the last of the nearest rows of each of some rows (q,), by plain products."""
    found = []
    for row in rows.tolist():
        scores = vectors @ vectors[row]  # (n, d) @ (d,) -> (n,)
        scores[row] = -np.inf
        found.append(np.partition(scores, -near)[-near])
    return np.array(found, dtype=np.float32)


def _share_found(
    cells: Cells, vectors: Vectors, row: int, tenth: float, *, probes: int, near: int
) -> float:
    """Of a row's nearest ones the share that is found; equal ones stand for each other."""
    alive = np.ones(len(vectors), dtype=bool)
    proposed = cells.candidates(vectors[row], 4 * near + 1, alive, probes=probes)
    proposed = proposed[proposed != row]
    good = int(np.count_nonzero(vectors[proposed] @ vectors[row] >= tenth - 1e-6))
    return min(good, near) / near
