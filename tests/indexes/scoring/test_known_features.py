"""Claims about features: only those that stored plasmids or the model know change an answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.protocol import features_read
from vecattr.indexes.index import open_panel
from vecattr.plasmid import Plasmid


@pytest.fixture
def index(workshop: Any, tmp_path: Path) -> Any:
    """An index of the fake embedder whose plasmids have the features amp and kan."""
    workshop.build(tmp_path / "i", workshop.plasmids(["Ash", "Birch"]))
    return workshop.open(tmp_path / "i")


def test_a_plasmid_loses_the_features_that_are_not_named() -> None:
    plasmid = Plasmid("p", "ACGT", features={"amp": 1, "checked": 0})
    assert plasmid.with_features_among({"amp"}).features == {"amp": 1}
    assert plasmid.with_features_among(set()).features is None
    assert plasmid.with_features_among(None) is plasmid
    assert plasmid.with_features_among({"amp", "checked", "kan"}) is plasmid


def test_an_embedder_that_does_not_tell_what_it_reads_may_read_anything(index: Any) -> None:
    assert features_read(index.embedder) is None
    assert index.feature_names is None


def test_a_shipped_index_knows_what_its_plasmids_have(shelf: Any) -> None:
    panel = open_panel([shelf.index])
    assert panel.feature_names == frozenset(shelf.plasmids[0].features)
    assert panel.indexes[0].feature_names == panel.feature_names


def test_a_feature_that_no_plasmid_has_changes_no_answer(shelf: Any) -> None:
    panel = open_panel([shelf.index])
    bare = shelf.newcomers[0].without_features()
    odd = replace(bare, features={"checked_by_hand": 1})
    plain, with_odd = panel.query_many([bare, odd], neighbors=2)
    assert with_odd == plain
    full = shelf.newcomers[0]
    more = replace(full, features={**(full.features or {}), "checked_by_hand": 0})
    assert next(panel.query_many([full])) == next(panel.query_many([more]))


def test_a_feature_that_is_known_still_counts(shelf: Any) -> None:
    panel = open_panel([shelf.index])
    vectors = panel.indexes[0].embed([shelf.newcomers[0]])
    assert vectors.featured.tolist() == [True]


def test_a_model_tells_the_features_that_it_reads(shelf: Any) -> None:
    names = features_read(load_embedder(shelf.model, device="cpu"))
    assert names == frozenset(shelf.plasmids[0].features)
