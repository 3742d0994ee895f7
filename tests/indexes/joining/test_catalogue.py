"""The catalogue of rows, labs and groups is what plain loops over the living plasmids find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from vecattr.indexes.joining.catalogue import NO_LAB, RARE_BELOW, Catalogue
from vecattr.plasmid import POOLED, Plasmid

OLD = [("Ash", "a"), ("Birch", "a"), ("Ash", "a"), ("Cedar", None), ("Ash", None), ("Doug", "b")]
NEW = [("Ash", "a"), ("Cedar", None), ("Birch", "b"), ("Elm", "c")]


def plasmids(facts: Sequence[tuple[str, str | None]], name: str) -> list[Plasmid]:
    return [
        Plasmid(f"{name}{row}", "ACGT" * 20, lab=lab, group=group)
        for row, (lab, group) in enumerate(facts)
    ]


@pytest.fixture(scope="module")
def segments(workshop: Any) -> list[Any]:
    """Of the first Birch is removed and Cedar called Yew, of the second nothing: a removed name
    may come again."""
    first = workshop.segment(plasmids(OLD, "p"), removed=["Birch"], renamed={"Cedar": "Yew"})
    return [first, workshop.segment(plasmids(NEW, "q"))]


@pytest.fixture(scope="module")
def catalogue(segments: list[Any]) -> Catalogue:
    return Catalogue.from_segments(segments, ["Ash", "Birch", "Cedar", "Yew", POOLED])


NOW = ["Ash", None, "Ash", "Yew", "Ash", "Doug", "Ash", "Cedar", "Birch", "Elm"]
GROUPS = [group or f"row {row}" for row, (_, group) in enumerate([*OLD, *NEW])]


def test_rows_stand_under_their_present_labs(catalogue: Catalogue) -> None:
    assert catalogue.starts == (0, len(OLD))
    assert len(catalogue) == len(NOW)
    assert catalogue.lab_names == ("Ash", "Birch", "Cedar", "Doug", "Elm", "Yew")
    codes = catalogue.labs.tolist()
    assert [None if code == NO_LAB else catalogue.lab_names[code] for code in codes] == NOW


def test_equal_groups_have_equal_codes_and_rows_without_one_have_their_own(
    catalogue: Catalogue,
) -> None:
    pairs = set(zip(GROUPS, catalogue.groups.tolist(), strict=True))
    assert len(pairs) == len(set(GROUPS)) == len(set(catalogue.groups.tolist()))


def test_labs_without_a_class_of_their_own_are_in_the_pool(catalogue: Catalogue) -> None:
    classes = [catalogue.class_names[code] for code in catalogue.class_of_lab.tolist()]
    assert classes == ["Ash", "Birch", "Cedar", POOLED, POOLED, "Yew"]


def test_rare_labs_are_the_pooled_ones_and_without_a_pool_those_of_few_plasmids(
    catalogue: Catalogue, segments: list[Any]
) -> None:
    assert catalogue.are_pooled.tolist() == [False, False, False, True, True, False]
    assert not catalogue.are_rare(np.array([1, RARE_BELOW])).any()  # the pool says which labs are
    without_pool = Catalogue.from_segments(
        segments, ["Ash", "Birch", "Cedar", "Doug", "Elm", "Yew"]
    )
    assert not without_pool.are_pooled.any()
    assert without_pool.are_rare(np.array([1, RARE_BELOW - 1, RARE_BELOW])).tolist() == [
        True,
        True,
        False,
    ]


def plain_counts(left_out: Sequence[int]) -> tuple[list[int], list[int]]:
    rows = [row for row, lab in enumerate(NOW) if lab is not None and row not in left_out]
    names = sorted({lab for lab in NOW if lab is not None})
    plasmids = Counter(NOW[row] for row in rows)
    publications = Counter(lab for lab, _ in {(NOW[row], GROUPS[row]) for row in rows})
    return [plasmids[name] for name in names], [publications[name] for name in names]


def test_plasmids_and_works_are_counted(catalogue: Catalogue) -> None:
    assert (catalogue.plasmids.tolist(), catalogue.publications.tolist()) == plain_counts([])


@pytest.mark.parametrize("left_out", [[0], [0, 2], [0, 2, 6], [4], [3, 7, 9], [2, 4, 5, 8]])
def test_counts_without_some_rows_are_those_of_the_others(
    catalogue: Catalogue, left_out: list[int]
) -> None:
    plasmids, publications = catalogue.counts_without(np.array(left_out))
    assert (plasmids.tolist(), publications.tolist()) == plain_counts(left_out)


def test_rows_by_lab_are_all_living_rows(catalogue: Catalogue) -> None:
    rows = catalogue.rows_by_lab.tolist()
    assert rows == sorted(
        (row for row, lab in enumerate(NOW) if lab is not None),
        key=lambda row: (str(NOW[row]), row),
    )
