"""An inverted file of a large segment: its vectors in, cells of near rows out; a query in,
candidate rows from the nearest cells out.

Each row belongs to the cell of its nearest centre (IVF, Jégou et al. 2011); rows are stored as int8
in the order of cells, so that a query reads a few contiguous parts of the file. The number of cells
that a query probes is chosen by measured recall. The file is a cache of one segment; without it
search is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.quantisation import quantised
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.files.folder import Location
from vecattr.indexes.search.vector_search import cell_centres
from vecattr.products import exact_cosines, rounded_unit_rows
from vecattr.ranking.largest import nth_largest, places_of_largest
from vecattr.vectors import Codes, Mask, Rows, Vectors

#: From so many rows of a segment on, cells make search faster.
LARGE_ROWS = 50_000
#: The recall@10 that cells must reach, unless approximate search is asked for.
MIN_RECALL = 0.99

#: How an index is to be searched: `auto` uses cells for large segments where they reach MIN_RECALL,
#: `approximate` uses them always, `exact` never.
Search = Literal["auto", "approximate", "exact"]

CELLS_FORMAT = "vecattr-cells"
CELLS_VERSION = 1

_NEIGHBORS = 10
_QUERIES = 200
_ROWS_AT_ONCE = 1 << 15


class Cells:
    """The opened cell file of a segment with vectors of this `shape` (n, d).

    MismatchError when it belongs to another segment; other errors as in
    `vecattr.files.arrays.ArrayFile`.
    """

    def __init__(self, source: Location | bytes, *, segment: str, shape: tuple[int, ...]) -> None:
        self._file = ArrayFile(source, format=CELLS_FORMAT, version=CELLS_VERSION)
        file_segment = self._file.attributes.get("segment")
        if file_segment != segment:
            raise MismatchError(
                f"cells of segment {file_segment}, expected {segment}",
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
        for name, expected_type in (("probes", int), ("recall", float)):
            if type(self._file.attributes.get(name)) is not expected_type:
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
        count: int,
        alive: Mask,
        *,
        probes: int | None = None,
    ) -> Rows:
        """About the `count` living rows nearest to a query (d,), from the `probes` cells nearest to
        it; from more cells when these hold too few rows."""
        nearness = exact_cosines(query[None, :], rounded_unit_rows(self._centres))[:, 0]  # (c,)
        order = np.argsort(-nearness, kind="stable")
        probed = self.probes if probes is None else probes
        rows, scores = self._read_cells(order[:probed], query, alive)
        while len(rows) < count and probed < len(order):
            more_rows, more_scores = self._read_cells(order[probed : 2 * probed], query, alive)
            rows, scores = np.append(rows, more_rows), np.append(scores, more_scores)
            probed *= 2
        return rows[places_of_largest(scores, count)]

    def _read_cells(self, cells: Codes, query: Vectors, alive: Mask) -> tuple[Rows, Vectors]:
        """The living rows of these cells, and their approximate cosines with a query, whose numbers
        are rounded so far that no sum of products is: each cosine comes from its row alone."""
        rounded = _rounded(query)
        pieces = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))]
        for cell in cells.tolist():
            span = int(self._offsets[cell]), int(self._offsets[cell + 1])
            rows = self._file.slice("row", *span).astype(np.int64)
            if len(rows) and int(rows.max()) >= self._rows:
                raise self._damage(f"a cell leaves the {self._rows} rows of the segment")
            codes = self._file.slice("code", *span).view(np.int8).astype(np.float32)
            scores = (codes @ rounded) * cast("Vectors", self._file.slice("step", *span))
            living = alive[rows]
            pieces.append((rows[living], scores[living]))
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


def _rounded(query: Vectors) -> Vectors:
    """A unit vector (d,) with so few binary digits that its products with int8 codes (d,) and their
    sums, which are at most 127 sqrt(d) long, have the 24 of a float32 together."""
    digits = 24 - math.ceil(math.log2(127 * math.sqrt(len(query))))
    rounded: Vectors = np.rint(query * np.float32(2**digits)) / np.float32(2**digits)
    return rounded


def cell_bytes(
    vectors: Vectors, *, segment: str, search: Search, large_rows: int = LARGE_ROWS
) -> bytes | None:
    """The cell file of the segment of this name with these rows (n, d).

    None when the segment is to be searched exactly: because `search` says so, or, with `auto`,
    because it has fewer than `large_rows` rows, or because cells do not reach MIN_RECALL.
    """
    if search == "exact" or len(vectors) < 2 or (search == "auto" and len(vectors) < large_rows):
        return None
    writer = _CellWriter.from_vectors(vectors, segment)
    probes, recall = _probes_and_recall(vectors, writer)
    if search == "auto" and recall < MIN_RECALL:
        return None
    return writer.to_bytes(probes=probes, recall=recall)


@dataclass(frozen=True)
class _CellWriter:
    """The rows of a segment divided among c cells, ready to be written."""

    segment: str
    centres: Vectors  # (c, d)
    cells: Codes  # the cell of each row (n,)
    vectors: Vectors  # (n, d)

    @classmethod
    def from_vectors(cls, vectors: Vectors, segment: str) -> _CellWriter:
        """Cluster the rows (n, d) of a segment."""
        count = max(1, min(len(vectors) // 8, int(1.5 * len(vectors) ** 0.5)))
        centres = cell_centres(vectors, count=count)
        cells = np.concatenate(
            [
                (vectors[start : start + _ROWS_AT_ONCE] @ centres.T).argmax(axis=1)  # (n, c)
                for start in range(0, len(vectors), _ROWS_AT_ONCE)
            ]
        )
        return cls(segment, centres, cells, vectors)

    def to_bytes(self, *, probes: int, recall: float) -> bytes:
        """The file's content, for queries that probe so many cells and find so much."""
        order = np.argsort(self.cells, kind="stable")
        sizes = np.bincount(self.cells, minlength=len(self.centres))
        codes, steps = quantised(self.vectors[order])
        arrays: dict[str, NDArray[np.generic]] = {
            "centre": self.centres,
            "code": codes.view(np.uint8),
            "offset": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            "row": order.astype(np.uint32),
            "step": steps,
        }
        return write_arrays(
            arrays,
            {
                "format": CELLS_FORMAT,
                "version": CELLS_VERSION,
                "segment": self.segment,
                "probes": probes,
                "recall": recall,
            },
        )


def _probes_and_recall(vectors: Vectors, writer: _CellWriter) -> tuple[int, float]:
    """How many cells to probe, and the recall@10 that this gives: the fewest (a power of two) that
    reach MIN_RECALL, else a quarter of all cells at most; measured with rows as queries, each
    without itself."""
    content = writer.to_bytes(probes=1, recall=0.0)
    cells = Cells(content, segment=writer.segment, shape=vectors.shape)
    rows = np.random.default_rng(0).choice(
        len(vectors), size=min(_QUERIES, len(vectors)), replace=False
    )
    neighbors = min(_NEIGHBORS, len(vectors) - 1)
    last_cosines = _last_neighbor_cosines(vectors, rows, neighbors=neighbors)
    probes, recall = 1, 0.0
    while True:
        recall = float(
            np.mean(
                [
                    _recall(cells, vectors, row, last, probes=probes, neighbors=neighbors)
                    for row, last in zip(rows.tolist(), last_cosines.tolist(), strict=True)
                ]
            )
        )
        if recall >= MIN_RECALL or 2 * probes > cells.count // 4:
            return probes, recall
        probes *= 2


def _last_neighbor_cosines(vectors: Vectors, rows: Rows, *, neighbors: int) -> NDArray[np.float32]:
    """The cosine of each of these rows (q,) with the last of its nearest neighbours, by plain
    products."""
    last_cosines = []
    for row in rows.tolist():
        scores = vectors @ vectors[row]  # (n, d) @ (d,) -> (n,)
        scores[row] = -np.inf
        last_cosines.append(nth_largest(scores, neighbors))
    return np.array(last_cosines, dtype=np.float32)


def _recall(
    cells: Cells, vectors: Vectors, row: int, last_cosine: float, *, probes: int, neighbors: int
) -> float:
    """The share of a row's nearest neighbours among its candidates: of rows at least as near as the
    last neighbour, so that ties count."""
    alive = np.ones(len(vectors), dtype=bool)
    candidates = cells.candidates(vectors[row], 4 * neighbors + 1, alive, probes=probes)
    candidates = candidates[candidates != row]
    hits = int(np.count_nonzero(vectors[candidates] @ vectors[row] >= last_cosine - 1e-6))
    return min(hits, neighbors) / neighbors
