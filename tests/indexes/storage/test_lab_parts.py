"""Lab vectors: parts add up as if all plasmids had come at once, in whatever order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecattr.indexes.storage.lab_parts import LabPart, combine_parts, lab_parts, mean_part
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows


def some_vectors(seed: int, rows: int) -> Vectors:
    return unit_rows(np.random.default_rng(seed).normal(size=(rows, 8)) + 0.3)


@given(st.integers(0, 999), st.lists(st.integers(1, 5), min_size=2, max_size=6))
def test_batches_of_a_lab_add_up_to_the_mean_of_all(seed: int, sizes: list[int]) -> None:
    vectors = some_vectors(seed, sum(sizes))
    batches = np.split(vectors, np.cumsum(sizes)[:-1])
    [combined] = combine_parts(mean_part("x", batch) for batch in batches)
    np.testing.assert_allclose(combined.vector, mean_part("x", vectors).vector, atol=1e-6)


@given(st.integers(0, 999), st.randoms(use_true_random=False))
def test_the_order_of_parts_changes_no_bit(seed: int, chance: object) -> None:
    parts = [
        LabPart("x", vector, 10.0 ** (row - 3) / 3, "mean")
        for row, vector in enumerate(some_vectors(seed, 7))
    ]
    shuffled = list(parts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    [first], [second] = combine_parts(parts), combine_parts(shuffled)
    assert first.vector.tobytes() == second.vector.tobytes()
    assert first.weight == second.weight


def test_a_single_part_is_its_stored_row_exactly() -> None:
    [vector] = some_vectors(1, 1)
    [combined] = combine_parts([LabPart("x", vector, 5.0, "learned")])
    assert combined.vector.tobytes() == vector.tobytes()


def test_learned_vectors_are_used_where_there_are_some_and_only_for_labs_that_occur() -> None:
    vectors = some_vectors(2, 3)
    learned = EmbeddingTable(("a", "absent"), some_vectors(3, 2))
    parts = lab_parts(["a", "b", "a"], vectors, learned=learned)
    assert [(part.name, part.origin) for part in parts] == [("a", "learned"), ("b", "mean")]
    assert parts[0].vector.tobytes() == learned.vectors[0].tobytes()
    assert parts[0].weight == 2.0


def test_vectors_that_cancel_out_still_give_a_direction() -> None:
    [vector] = some_vectors(4, 1)
    part = mean_part("x", np.array([vector, -vector]))
    assert part.vector.tobytes() == vector.tobytes()
    opposite = [LabPart("x", vector, 1.0, "mean"), LabPart("x", -vector, 1.0, "mean")]
    [combined] = combine_parts(opposite)
    assert np.isclose(np.linalg.norm(combined.vector), 1)
