"""Features go by name, and missing is not zero."""

from __future__ import annotations

import pytest

from vecattr.encoders.features import FeatureSpace
from vecattr.errors import InputError
from vecattr.plasmid import Plasmid

_SPACE = FeatureSpace(("amp", "kan"))


def test_all_zero_features_differ_from_missing_ones() -> None:
    zero = Plasmid("z", "ACGT", features={"amp": 0, "kan": 0})
    bare = Plasmid("b", "ACGT")
    assert _SPACE.matrix([zero, bare]).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_order_of_columns_and_foreign_features_do_not_matter() -> None:
    plasmid = Plasmid("p", "ACGT", features={"other": 1, "kan": 1, "amp": 0})
    assert _SPACE.matrix([plasmid]).tolist() == [[0, 1, 0]]


def test_only_foreign_features_are_no_features() -> None:
    assert _SPACE.matrix([Plasmid("p", "ACGT", features={"other": 1})]).tolist() == [[0, 0, 1]]


def test_some_of_the_features_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="absent: kan"):
        _SPACE.matrix([Plasmid("p", "ACGT", features={"amp": 1})])


def test_a_space_holds_the_names_that_all_plasmids_share() -> None:
    plasmids = [
        Plasmid("a", "A", features={"x": 0, "y": 1}),
        Plasmid("b", "C"),
        Plasmid("c", "G", features={"y": 0, "z": 1}),
    ]
    assert FeatureSpace.from_plasmids(plasmids).names == ("y",)


def test_a_model_without_features_keeps_the_flag() -> None:
    assert FeatureSpace().matrix([Plasmid("p", "ACGT", features={"x": 1})]).tolist() == [[1]]
