"""Cells of a large segment: near rows are found, by measure; without cells search is exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import ArrayFile, write_arrays
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.edit import remove_lab
from vecattr.indexes.index import Index
from vecattr.indexes.search.cells import MIN_RECALL, Cells, cell_bytes
from vecattr.indexes.storage.index_folder import cells_path, read_manifest
from vecattr.vectors import Vectors, unit_rows


def clustered_rows(count: int, *, spread: float, seed: int = 0) -> Vectors:
    """Rows about some directions, as plasmids lie about those of labs."""
    chance = np.random.default_rng(seed)
    middles = unit_rows(chance.normal(size=(40, 32)))
    around = chance.normal(size=(count, 32)) * spread / 32**0.5
    return unit_rows(middles[chance.integers(40, size=count)] + around)


def cells_of(vectors: Vectors) -> Cells:
    content = cell_bytes(vectors, segment="s", search="approximate")
    assert content is not None
    return Cells(content, segment="s", shape=vectors.shape)


def plain_best(vectors: Vectors, query: Vectors, n: int) -> list[int]:
    """The oracle: every row, one after the other."""
    scores = [float(row.astype(np.float64) @ query) for row in vectors]
    return sorted(range(len(vectors)), key=lambda row: -scores[row])[:n]


def test_the_recall_that_is_told_is_the_recall_there_is() -> None:
    vectors = clustered_rows(3000, spread=0.5)
    cells = cells_of(vectors)
    alive = np.ones(len(vectors), dtype=bool)
    recalls = [
        len({*cells.candidates(query, 41, alive).tolist()} & {*plain_best(vectors, query, 10)}) / 10
        for query in vectors[::75]
    ]
    assert cells.recall >= MIN_RECALL
    assert np.mean(recalls) >= cells.recall - 0.03
    assert cells.probes < cells.count


def test_removed_rows_are_never_candidates_and_others_take_their_places() -> None:
    vectors = clustered_rows(2000, spread=0.5)
    cells = cells_of(vectors)
    alive = np.arange(len(vectors)) % 7 == 0
    candidates = cells.candidates(vectors[0], 60, alive)
    assert len(candidates) == 60
    assert alive[candidates].all()


def test_more_rows_than_there_are_gives_all_of_them() -> None:
    vectors = clustered_rows(300, spread=0.5)
    candidates = cells_of(vectors).candidates(vectors[0], 1000, np.ones(300, dtype=bool))
    assert sorted(candidates.tolist()) == list(range(300))


def test_few_rows_are_searched_exactly_unless_asked() -> None:
    vectors = clustered_rows(500, spread=0.5)
    assert cell_bytes(vectors, segment="s", search="auto") is None
    assert cell_bytes(vectors, segment="s", search="exact") is None
    assert cell_bytes(vectors, segment="s", search="approximate") is not None


def test_cells_that_find_too_few_are_refused_unless_asked() -> None:
    noise = unit_rows(np.random.default_rng(1).normal(size=(4000, 64)))
    assert cells_of(noise).recall < MIN_RECALL
    assert cell_bytes(noise, segment="s", search="auto", large_rows=4000) is None
    clustered = clustered_rows(4000, spread=0.5)
    assert cell_bytes(clustered, segment="s", search="auto", large_rows=4000) is not None


def test_cells_of_another_segment_are_refused() -> None:
    content = cell_bytes(clustered_rows(300, spread=0.5), segment="s", search="approximate")
    assert content is not None
    with pytest.raises(MismatchError, match="cells of segment s, expected t"):
        Cells(content, segment="t", shape=(300, 32))


CELL_LIES: list[tuple[dict[str, Any], str]] = [
    ({"row": np.full(300, 300, "u4")}, "leaves the 300 rows"),
    ({"row": np.zeros(300, "u4")}, "in no cell, or in two"),
    ({"row": np.zeros(299, "u4")}, "row is .* expected"),
    ({"code": np.zeros((300, 32), "f4")}, "code is .* expected"),
    ({"offset": np.zeros(26, "i8")}, "do not divide the 300 rows"),
    ({"centre": np.zeros((25, 8), "f4")}, "centre is .* expected"),
    ({"probes": "9"}, "does not say its probes"),
]


@pytest.mark.parametrize(("lie", "message"), CELL_LIES)
def test_cells_that_lie_are_refused(lie: dict[str, Any], message: str) -> None:
    vectors = clustered_rows(300, spread=0.5)
    cell_file = cell_bytes(vectors, segment="s", search="approximate")
    assert cell_file is not None
    file = ArrayFile(cell_file, format="vecattr-cells", version=1)
    names = ("centre", "code", "offset", "row", "step")
    attributes = {name: np.array(file.array(name)) for name in names} | dict(file.attributes) | lie
    arrays = {name: attributes.pop(name) for name in names}
    assert len(file.array("centre")) == 25
    cell_file = write_arrays(arrays, attributes)

    def use() -> None:
        cells = Cells(cell_file, segment="s", shape=vectors.shape)
        cells.candidates(vectors[0], 300, np.ones(300, dtype=bool))
        cells.check_all()

    with pytest.raises(DamagedError, match=message):
        use()


@pytest.fixture
def index(tmp_path: Path, workshop: Any) -> Path:
    path = tmp_path / "i"
    workshop.build(path, workshop.plasmids(["Ash", "Birch"], each=20), search="approximate")
    return path


def cells_file(index: Path) -> Path:
    [entry] = read_manifest(index).segments
    return cells_path(index, entry.name)


def test_an_index_tells_how_it_is_searched_and_exact_search_agrees(
    index: Path, workshop: Any
) -> None:
    opened = workshop.open(index)
    [segment] = opened.info()["segments"]
    assert "recall@10" in segment["search"]
    exact = Index.open(index, embedder=workshop.embedder, exact=True)
    for plasmid in workshop.plasmids(["Ash", "Birch"], each=3):
        vectors = exact.embed([plasmid])
        [neighbors] = opened.neighbors(vectors, n=5)
        [expected] = exact.neighbors(vectors, n=5)
        assert neighbors[0] == expected[0]
        assert (
            len({neighbor.id for neighbor in neighbors} & {neighbor.id for neighbor in expected})
            >= 4
        )
    assert verify_index(index).ok


def test_a_removed_lab_is_no_neighbour_in_cells(index: Path, workshop: Any) -> None:
    remove_lab(index, "Ash")
    opened = workshop.open(index)
    [neighbors] = opened.neighbors(opened.embed(workshop.plasmids(["Ash"], each=1)), n=20)
    assert {neighbor.lab for neighbor in neighbors} == {"Birch"}


def test_damaged_cells_are_told_and_deleted_ones_not_missed(index: Path, workshop: Any) -> None:
    file = cells_file(index)
    data = bytearray(file.read_bytes())
    data[len(data) // 4] ^= 1
    file.write_bytes(bytes(data))
    assert [finding.where for finding in verify_index(index).findings] == [str(file)]
    opened = workshop.open(index)
    with pytest.raises(DamagedError):
        opened.neighbors(opened.embed(workshop.plasmids(["Ash"], each=1)), n=40)
    generation = read_manifest(index).generation
    [done] = repair_index(index).repairs
    assert f"{file}: moved to" in done
    assert read_manifest(index).generation == generation  # the segment is as good as it was
    [segment] = workshop.open(index).info()["segments"]
    assert segment["search"] == "exact"
    assert verify_index(index).ok


def test_the_same_rows_give_the_same_cells() -> None:
    vectors = clustered_rows(1000, spread=0.5)
    first, other = (cell_bytes(vectors, segment="s", search="approximate") for _ in range(2))
    assert first == other
