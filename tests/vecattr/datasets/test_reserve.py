"""The reserve is decided by the plasmids themselves, and leaves every class something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.datasets.reserve import KNOWN_WORK_SHARE, NEW_WORK_SHARE, SplitHash, reserve
from vecattr.plasmid import Plasmid, reverse_complement

_NUMBERS = st.floats(0, 1, exclude_max=True)
_ROWS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from([0.01, 0.05, 0.2, 0.5, 0.9]), _NUMBERS),
    min_size=1,
    max_size=60,
)


def table(rows: int, *, labs: int = 10, seed: int = 0) -> tuple[list[str], list[SplitHash]]:
    """Labels and lots of a table of groups of about four rows."""
    rng = np.random.default_rng(seed)
    labels = [f"lab {row % labs}" for row in range(rows)]
    groups = {
        (label, g): rng.random() for label in set(labels) for g in range(rows // labs // 4 + 1)
    }
    picks = rng.integers(rows // labs // 4 + 1, size=rows).tolist()
    own = [
        SplitHash(groups[label, pick], rng.random())
        for label, pick in zip(labels, picks, strict=True)
    ]
    return labels, own


@given(st.text("ACGT", min_size=5, max_size=40), st.integers(0, 39))
def test_strand_rotation_id_and_lab_change_no_lot(bases: str, turn: int) -> None:
    one = Plasmid("one", bases, lab="A", group="paper")
    turned = bases[turn % len(bases) :] + bases[: turn % len(bases)]
    assert SplitHash.of(Plasmid("other", turned, lab="B", group="paper")) == SplitHash.of(one)
    assert SplitHash.of(
        Plasmid("third", reverse_complement(turned), group="paper")
    ) == SplitHash.of(one)


def test_plasmids_of_a_group_share_its_number_and_no_other() -> None:
    one, two = Plasmid("1", "ACGTTGCAAT", group="paper"), Plasmid("2", "AAAACCCCTT", group="paper")
    assert SplitHash.of(one).group == SplitHash.of(two).group
    assert SplitHash.of(one).molecule != SplitHash.of(two).molecule
    assert SplitHash.of(replace(two, group=None)).group != SplitHash.of(two).group
    assert (
        SplitHash.of(replace(two, group=None)).group != SplitHash.of(replace(one, group=None)).group
    )


def test_numbers_are_spread_evenly() -> None:
    rng = np.random.default_rng(5)
    bases = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(2000)]
    lots = [SplitHash.of(Plasmid(str(row), one)) for row, one in enumerate(bases)]
    for values in ([lot.group for lot in lots], [lot.molecule for lot in lots]):
        shares = np.histogram(values, bins=10, range=(0, 1))[0] / len(values)
        assert 0.07 < shares.min() <= shares.max() < 0.13


@given(_ROWS)
def test_groups_stay_whole_and_classes_keep_rows(rows: Sequence[tuple[str, float, float]]) -> None:
    labels, lots = (
        [label for label, _, _ in rows],
        [SplitHash(group, own) for _, group, own in rows],
    )
    found = reserve(labels, lots)
    for group in {lot.group for lot in lots}:
        members = [
            bool(new) for new, lot in zip(found.new_work, lots, strict=True) if lot.group == group
        ]
        assert len(set(members)) == 1
    assert {label for label, out in zip(labels, found.rows, strict=True) if not out} == set(labels)
    assert not (found.new_work & found.known_work).any()
    assert found.rows.sum() <= 0.2 * len(rows)


def test_a_large_table_gives_the_lowest_numbers_and_nothing_else() -> None:
    labels, lots = table(8000)
    found = reserve(labels, lots)
    groups, own = np.array([lot.group for lot in lots]), np.array([lot.molecule for lot in lots])
    assert found.new_work.tolist() == (groups < NEW_WORK_SHARE).tolist()
    expected = (own < KNOWN_WORK_SHARE) & ~found.new_work
    assert found.known_work.tolist() == expected.tolist()


@pytest.mark.parametrize(("rows", "each"), [(100, 10), (1000, 100), (2500, 200)])
def test_a_small_table_gives_a_larger_share(rows: int, each: int) -> None:
    found = reserve(*table(rows))
    assert each - 8 <= found.new_work.sum() <= each + 8  # groups come whole
    assert found.known_work.sum() == each


def test_what_is_reserved_of_a_part_is_reserved_of_the_whole() -> None:
    labels, lots = table(20_000, labs=300)
    whole = reserve(labels, lots).rows
    for seed in range(3):
        part = np.flatnonzero(np.random.default_rng(seed).random(len(labels)) < 0.5)
        found = reserve([labels[row] for row in part], [lots[row] for row in part]).rows
        assert not (found & ~whole[part]).any()
        assert found.any()


def test_a_group_too_large_is_passed_over() -> None:
    lots = [SplitHash(0.001, row / 40) for row in range(20)] + [
        SplitHash(0.5, row / 40) for row in range(20)
    ]
    assert not reserve(["a"] * 40, lots).new_work.any()
