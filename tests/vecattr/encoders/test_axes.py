"""Claims about axes: they span what they are made of and are orthonormal, and inner products of
coordinates along them are those of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecattr.encoders.axes import (
    COORDINATE_ERROR,
    coordinates,
    orthonormal_axes,
    stored_coordinates,
)
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import MismatchError
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.vectors import Vectors, unit_rows


def vectors_in(rank: int, *, width: int, count: int, seed: int) -> tuple[Vectors, Vectors]:
    """Rows that span a space of so many dimensions, and unit vectors in it."""
    chance = np.random.default_rng(seed)
    spanning = chance.normal(size=(rank, width)) * 10.0 ** chance.uniform(-3, 3, size=(rank, 1))
    return spanning, unit_rows(chance.normal(size=(count, rank)) @ spanning)


@settings(max_examples=40, deadline=None)
@given(rank=st.integers(1, 20), seed=st.integers(0, 1 << 30), copies=st.integers(0, 3))
def test_coordinates_have_the_inner_products_of_vectors(rank: int, seed: int, copies: int) -> None:
    spanning, vectors = vectors_in(rank, width=48, count=30, seed=seed)
    weights = np.random.default_rng(seed).normal(size=(copies, rank))
    axes = orthonormal_axes(np.concatenate([spanning, weights @ spanning]))
    assert axes is not None
    assert axes.shape == (rank, 48)  # rows that others give add none
    assert axes @ axes.T == pytest.approx(np.eye(rank), abs=1e-6)
    stored = stored_coordinates(vectors, axes)
    assert stored @ stored.T == pytest.approx(vectors @ vectors.T, abs=COORDINATE_ERROR)
    alone = np.concatenate([coordinates(row[None, :], axes) for row in vectors])
    assert np.array_equal(alone.astype(np.float32), stored)


def test_a_space_of_more_than_half_the_dimensions_has_no_axes() -> None:
    assert orthonormal_axes(np.eye(5, 8)) is None
    axes = orthonormal_axes(np.eye(4, 8))
    assert axes is not None
    assert len(axes) == 4


def test_a_vector_outside_the_space_is_no_silent_error() -> None:
    axes = orthonormal_axes(np.eye(2, 8))
    assert axes is not None
    with pytest.raises(MismatchError, match="outside the space"):
        stored_coordinates(np.eye(8, dtype=np.float32)[2:3], axes)


def test_the_shipped_encoder_fills_a_quarter_of_its_dimensions() -> None:
    embedder = load_embedder(shipped_encoder(), device="cpu")
    assert embedder.axes is not None
    assert embedder.axes.shape == (49, 200)
    plasmids = [*synthetic_plasmids(labs=3, plasmids_per_lab=3, seed=1), Plasmid("unread", "N")]
    vectors = embedder.embed([plasmid.without_features() for plasmid in plasmids])
    stored = stored_coordinates(vectors, embedder.axes)
    assert stored @ stored.T == pytest.approx(vectors @ vectors.T, abs=COORDINATE_ERROR)
