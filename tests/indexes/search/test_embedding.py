"""Features rank learned labs; what is made of stored plasmids is compared by sequence alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.index import Index
from vecattr.indexes.search.embedding import query_vectors
from vecattr.plasmid import Plasmid


@pytest.fixture
def featured(workshop: Any) -> list[Plasmid]:
    return [
        Plasmid(
            plasmid.id, plasmid.sequence, plasmid.topology, features={"amp": 1}, lab=plasmid.lab
        )
        for plasmid in workshop.plasmids(["Ash", "Birch", "Cedar"])
    ]


def test_plasmids_without_features_are_embedded_once(
    workshop: Any, featured: list[Plasmid]
) -> None:
    mixed = [featured[0], featured[1].without_features()]
    vectors = query_vectors(workshop.feature_aware(), mixed)
    assert not np.allclose(vectors.full[0], vectors.bare[0])
    assert np.array_equal(vectors.full[1], vectors.bare[1])


def test_a_stored_plasmid_is_found_with_and_without_its_features(
    tmp_path: Path, workshop: Any, featured: list[Plasmid]
) -> None:
    embedder = workshop.feature_aware()
    workshop.build(tmp_path / "i", featured, embedder=embedder)
    index = Index.open(tmp_path / "i", embedder=embedder)
    for query in featured[4], featured[4].without_features():
        nearest = index.query(query, neighbors=1).neighbors[0]
        assert nearest.id == featured[4].id
        assert nearest.cosine == pytest.approx(1)


def test_labs_made_of_plasmids_rank_the_same_with_and_without_features(
    tmp_path: Path, workshop: Any, featured: list[Plasmid]
) -> None:
    embedder = workshop.feature_aware()
    workshop.build(tmp_path / "i", featured, embedder=embedder)
    index = Index.open(tmp_path / "i", embedder=embedder)
    with_features, without = (
        index.query(query).labs for query in (featured[4], featured[4].without_features())
    )
    assert with_features == without
