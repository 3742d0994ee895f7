"""Claims about splits: groups stay whole, and no lab loses its last one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.datasets.splits import (
    first_of_each_group,
    fold_masks,
    large_group,
    split_off_groups,
    split_off_singly,
    split_rows,
)

_ROWS = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.one_of(st.none(), st.sampled_from("123456789"))),
    min_size=1,
    max_size=60,
)


@given(_ROWS, st.floats(0, 0.5), st.integers(0, 5))
def test_groups_stay_whole_and_labs_keep_rows(
    rows: list[tuple[str, str | None]], share: float, seed: int
) -> None:
    labels = [label for label, _ in rows]
    groups = [group for _, group in rows]
    split_off = split_off_groups(labels, groups, share=share, rng=np.random.default_rng(seed))
    for group in set(groups) - {None}:
        assert len({bool(out) for out, g in zip(split_off, groups, strict=True) if g == group}) == 1
    assert {label for label, out in zip(labels, split_off, strict=True) if not out} == set(labels)
    assert split_off.sum() <= round(share * len(rows))


def test_the_share_is_nearly_reached_when_groups_are_small() -> None:
    labels = [f"lab {row % 10}" for row in range(500)]
    split_off = split_off_groups(labels, [None] * 500, share=0.1, rng=np.random.default_rng(0))
    assert split_off.sum() == 50


def test_the_seed_decides() -> None:
    labels = [f"lab {row % 10}" for row in range(100)]
    masks = [
        split_off_groups(labels, [None] * 100, share=0.2, rng=np.random.default_rng(seed)).tolist()
        for seed in (1, 1, 2)
    ]
    assert masks[0] == masks[1] != masks[2]


@given(_ROWS, st.integers(2, 5), st.integers(0, 5))
def test_folds_are_whole_groups_apart_and_leave_every_label_something_to_learn_from(
    rows: list[tuple[str, str | None]], folds: int, seed: int
) -> None:
    labels = [label for label, _ in rows]
    groups = [group for _, group in rows]
    masks = fold_masks(labels, groups, folds=folds, rng=np.random.default_rng(seed))
    assert len(masks) == folds
    assert np.sum(masks, axis=0).max() <= 1
    for mask in masks:
        for group in set(groups) - {None}:
            assert len({bool(out) for out, g in zip(mask, groups, strict=True) if g == group}) == 1
        assert {label for label, out in zip(labels, mask, strict=True) if not out} == set(labels)


def test_every_fold_has_its_part_of_every_label() -> None:
    rng = np.random.default_rng(1)
    labels = [f"lab {row % 10}" for row in range(800)]
    groups = [f"{label} {rng.integers(30)}" for label in labels]
    masks = fold_masks(labels, groups, folds=4, rng=np.random.default_rng(0))
    assert np.all(np.sum(masks, axis=0) == 1)
    for label in set(labels):
        counts = [
            sum(out for out, row_label in zip(mask, labels, strict=True) if row_label == label)
            for mask in masks
        ]
        assert max(counts) - min(counts) <= 6  # of 80


def test_a_label_of_one_group_is_in_no_fold() -> None:
    labels = ["often"] * 8 + ["once"] * 3
    groups = [*"abcdefgh", "x", "x", "x"]
    masks = fold_masks(labels, groups, folds=2, rng=np.random.default_rng(0))
    assert [int(mask.sum()) for mask in masks] == [4, 4]
    assert not np.any(masks, axis=0)[8:].any()


def test_single_rows_are_drawn_from_the_free_ones_and_every_label_comes_first() -> None:
    rng = np.random.default_rng(0)
    labels = [f"L{number}" for number in rng.integers(30, size=600)] + ["lone"]
    free = np.arange(601) % 3 > 0
    free[600] = True
    split_off = split_off_singly(labels, free, share=0.1, rng=rng)
    assert split_off.sum() == 60
    assert not (split_off & ~free).any()
    drawn_labels = {labels[row] for row in np.flatnonzero(split_off)}
    assert drawn_labels == {f"L{number}" for number in range(30)}


def test_no_label_loses_its_last_free_row() -> None:
    labels = ["a", "a", "a", "b", "b", "c"]
    free = np.array([True, True, False, True, True, True])
    split_off = split_off_singly(labels, free, share=0.5, rng=np.random.default_rng(1))
    assert {labels[row] for row in np.flatnonzero(free & ~split_off)} == {"a", "b", "c"}
    assert split_off.sum() == 2  # three were wanted


def test_a_large_group_gives_few_of_its_rows() -> None:
    groups = ["large", "small", "large", "large", "small", "large"]
    rows = np.array([True, True, False, True, False, True])
    kept = first_of_each_group(groups, rows, most=2)
    assert kept.tolist() == [True, True, False, True, False, False]


def test_a_split_takes_groups_and_then_single_rows_of_the_others() -> None:
    labels = [f"lab {row % 10}" for row in range(600)]
    groups = [f"{row % 10} {row // 40}" for row in range(600)]
    split = split_rows(
        labels,
        groups,
        validation_share=0.1,
        calibration_share=0.05,
        rng=np.random.default_rng(3),
    )
    rng = np.random.default_rng(3)
    whole = split_off_groups(labels, groups, share=0.1, rng=rng)
    assert split.new_work.tolist() == split.validation.tolist() == whole.tolist()
    single = split_off_singly(labels, ~whole, share=0.05, rng=rng)
    assert split.known_work.tolist() == single.tolist()
    parts = np.stack([split.training, split.new_work, split.known_work])
    assert parts.sum(axis=0).tolist() == [1] * 600
    assert parts.sum(axis=1).tolist() == [510, 60, 30]
    assert not split.is_fold


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (["NA paper"] * 12 + [None] * 8, ("NA paper", 12)),
        (["b"] * 10 + ["a"] * 10, ("a", 10)),
        (["a"] * 9, None),
        (["a"] * 20 + [f"p{number}" for number in range(80)], None),
        ([None] * 100, None),
        ([], None),
    ],
)
def test_a_group_with_a_large_share_of_the_rows_is_found(
    groups: list[str | None], expected: tuple[str, int] | None
) -> None:
    assert large_group(Counter(groups)) == expected
