"""Held-out plasmids: what is kept of them comes back, and lies are refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from vecattr.calibration.calibration_set import HeldOut, nearest_cosines, read_held_out
from vecattr.encoders.model_folder import HELD_OUT_FILE
from vecattr.errors import DamagedError, VecattrError
from vecattr.files.arrays import write_arrays
from vecattr.vectors import EmbeddingTable, unit_rows


def held_out_plasmids(rng: np.random.Generator, *, queries: int = 12, labs: int = 4) -> HeldOut:
    vectors = unit_rows(rng.normal(size=(2 * queries + labs, 6)).astype(np.float32))
    return HeldOut(
        ids=tuple(f"p{row}" for row in range(queries)),
        labels=rng.integers(labs, size=queries),
        is_new=rng.random(queries) < 0.5,
        full=vectors[:queries],
        bare=vectors[queries : 2 * queries],
        nearest=rng.random(queries).astype(np.float32),
        nearest_other=rng.random(queries).astype(np.float32),
        labs=EmbeddingTable(tuple(f"L{lab}" for lab in range(labs)), vectors[2 * queries :]),
    )


def test_everything_survives_the_file(tmp_path: Path) -> None:
    held_out = held_out_plasmids(np.random.default_rng(0))
    assert read_held_out(tmp_path) is None
    (tmp_path / HELD_OUT_FILE).write_bytes(held_out.to_bytes())
    restored = read_held_out(tmp_path)
    assert restored is not None
    assert (restored.ids, restored.labs.names) == (held_out.ids, held_out.labs.names)
    for field in fields(HeldOut):
        if isinstance(getattr(held_out, field.name), np.ndarray):
            assert np.array_equal(getattr(restored, field.name), getattr(held_out, field.name))


def test_some_rows_are_the_same_rows() -> None:
    held_out = held_out_plasmids(np.random.default_rng(1))
    new_rows = held_out.where(held_out.is_new)
    assert new_rows.ids == tuple(
        name for name, new in zip(held_out.ids, held_out.is_new, strict=True) if new
    )
    assert np.array_equal(
        new_rows.scores(features=True), held_out.scores(features=True)[held_out.is_new]
    )


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_cut_file_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / HELD_OUT_FILE
    path.write_bytes(held_out_plasmids(np.random.default_rng(2)).to_bytes()[:keep])
    with pytest.raises(VecattrError) as error:
        read_held_out(tmp_path)
    assert HELD_OUT_FILE in str(error.value)


def test_a_label_without_a_lab_is_refused(tmp_path: Path) -> None:
    held_out = held_out_plasmids(np.random.default_rng(3))
    held_out.labels[0] = 99
    (tmp_path / HELD_OUT_FILE).write_bytes(held_out.to_bytes())
    with pytest.raises(DamagedError, match="label"):
        read_held_out(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / HELD_OUT_FILE).write_bytes(
        write_arrays({"x": np.zeros(3)}, {"format": "something", "version": 1})
    )
    with pytest.raises(VecattrError, match="expected 'vecattr-heldout'"):
        read_held_out(tmp_path)


def test_nearest_cosines_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(4)
    queries = unit_rows(rng.normal(size=(300, 5)).astype(np.float32))
    stored = unit_rows(rng.normal(size=(40, 5)).astype(np.float32))
    query_labs = [f"L{lab}" for lab in rng.integers(6, size=300)]  # L5 is stored nowhere
    stored_labs = [f"L{lab}" for lab in rng.integers(5, size=40)]
    best, other = nearest_cosines(queries, stored, query_labs=query_labs, stored_labs=stored_labs)
    for row, (query, lab) in enumerate(zip(queries, query_labs, strict=True)):
        cosines = [float(query @ vector) for vector in stored]
        assert best[row] == pytest.approx(max(cosines), abs=1e-6)
        outside = [c for c, name in zip(cosines, stored_labs, strict=True) if name != lab]
        assert other[row] == pytest.approx(max(outside), abs=1e-6)
