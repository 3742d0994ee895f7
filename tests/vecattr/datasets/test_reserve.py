"""Claims about the reserve: hashes of the plasmids decide it, and every class keeps rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.datasets import reserve as reserves
from vecattr.datasets.reserve import (
    KNOWN_WORK_SHARE,
    NEW_WORK_SHARE,
    Reserve,
    SplitHash,
    SplitHashes,
)
from vecattr.plasmid import Plasmid, reverse_complement

_NUMBERS = st.floats(0, 1, exclude_max=True)
_ROWS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from([0.01, 0.05, 0.2, 0.5, 0.9]), _NUMBERS),
    min_size=1,
    max_size=60,
)


def reserve(labels: Sequence[str], split_hashes: Sequence[SplitHash]) -> Reserve:
    return reserves.reserve(labels, SplitHashes.from_hashes(split_hashes))


def plain_reserve(
    hashes: Sequence[float], labels: Sequence[str], free: Sequence[bool], *, share: float
) -> list[bool]:
    """The oracle: hash by hash."""
    rows = [row for row in range(len(labels)) if free[row]]
    highest = {labels[row]: hashes[row] for row in sorted(rows, key=hashes.__getitem__)}
    reserved = [False] * len(labels)
    for value in sorted({hashes[row] for row in rows} - {*highest.values()}):
        members = [row for row in rows if hashes[row] == value]
        if value >= share and sum(reserved) >= reserves.FEWEST_ROWS:
            break
        if sum(reserved) + len(members) <= int(reserves.LARGEST_SHARE * len(labels)):
            for row in members:
                reserved[row] = True
    return reserved


def table(rows: int, *, labs: int = 10, seed: int = 0) -> tuple[list[str], list[SplitHash]]:
    """Labels and split hashes of a table of groups of about four rows."""
    rng = np.random.default_rng(seed)
    labels = [f"lab {row % labs}" for row in range(rows)]
    groups = {
        (label, g): rng.random() for label in set(labels) for g in range(rows // labs // 4 + 1)
    }
    picks = rng.integers(rows // labs // 4 + 1, size=rows).tolist()
    split_hashes = [
        SplitHash(groups[label, pick], rng.random())
        for label, pick in zip(labels, picks, strict=True)
    ]
    return labels, split_hashes


@given(st.text("ACGT", min_size=5, max_size=40), st.integers(0, 39))
def test_strand_rotation_id_and_lab_change_no_hash(bases: str, turn: int) -> None:
    rotated = bases[turn % len(bases) :] + bases[: turn % len(bases)]
    plasmids = [
        Plasmid("first", bases, lab="A", group="paper"),
        Plasmid("second", rotated, lab="B", group="paper"),
        Plasmid("third", reverse_complement(rotated), group="paper"),
    ]
    assert len({SplitHash.from_plasmid(plasmid) for plasmid in plasmids}) == 1


def test_plasmids_of_a_group_share_its_hash_and_no_other() -> None:
    grouped = Plasmid("1", "ACGTTGCAAT", group="paper"), Plasmid("2", "AAAACCCCTT", group="paper")
    first, second = map(SplitHash.from_plasmid, grouped)
    assert first.group == second.group
    assert first.molecule != second.molecule
    lone_first, lone_second = (
        SplitHash.from_plasmid(replace(plasmid, group=None)) for plasmid in grouped
    )
    assert lone_second.group != second.group
    assert lone_second.group != lone_first.group


def test_hashes_are_spread_evenly() -> None:
    rng = np.random.default_rng(5)
    sequences = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(2000)]
    split_hashes = [
        SplitHash.from_plasmid(Plasmid(str(row), bases)) for row, bases in enumerate(sequences)
    ]
    groups = [hashes.group for hashes in split_hashes]
    for values in (groups, [hashes.molecule for hashes in split_hashes]):
        shares = np.histogram(values, bins=10, range=(0, 1))[0] / len(values)
        assert 0.07 < shares.min() <= shares.max() < 0.13


@given(_ROWS)
def test_groups_stay_whole_and_classes_keep_rows(rows: Sequence[tuple[str, float, float]]) -> None:
    labels = [label for label, _, _ in rows]
    split_hashes = [SplitHash(group, molecule) for _, group, molecule in rows]
    reserved = reserve(labels, split_hashes)
    for group in {hashes.group for hashes in split_hashes}:
        members = [
            bool(is_new)
            for is_new, hashes in zip(reserved.new_work, split_hashes, strict=True)
            if hashes.group == group
        ]
        assert len(set(members)) == 1
    kept = {label for label, out in zip(labels, reserved.rows, strict=True) if not out}
    assert kept == set(labels)
    assert not (reserved.new_work & reserved.known_work).any()
    assert reserved.rows.sum() <= 0.2 * len(rows)


@pytest.mark.parametrize("rows", [40, 2300])
def test_what_is_reserved_is_found_hash_by_hash(rows: int) -> None:
    labels, split_hashes = table(rows, labs=30)
    groups, molecules = (
        [getattr(one, name) for one in split_hashes] for name in ("group", "molecule")
    )
    new = plain_reserve(groups, labels, [True] * rows, share=NEW_WORK_SHARE)
    known = plain_reserve(molecules, labels, [not out for out in new], share=KNOWN_WORK_SHARE)
    reserved = reserve(labels, split_hashes)
    assert (reserved.new_work.tolist(), reserved.known_work.tolist()) == (new, known)


def test_a_large_table_gives_the_lowest_numbers_and_nothing_else() -> None:
    labels, split_hashes = table(8000)
    reserved = reserve(labels, split_hashes)
    groups = np.array([hashes.group for hashes in split_hashes])
    molecules = np.array([hashes.molecule for hashes in split_hashes])
    assert reserved.new_work.tolist() == (groups < NEW_WORK_SHARE).tolist()
    expected = (molecules < KNOWN_WORK_SHARE) & ~reserved.new_work
    assert reserved.known_work.tolist() == expected.tolist()


@pytest.mark.parametrize(("rows", "each"), [(100, 10), (1000, 100), (2500, 200)])
def test_a_small_table_gives_a_larger_share(rows: int, each: int) -> None:
    reserved = reserve(*table(rows))
    assert each - 8 <= reserved.new_work.sum() <= each + 8  # groups come whole
    assert reserved.known_work.sum() == each


def test_what_is_reserved_of_a_part_is_reserved_of_the_whole() -> None:
    labels, split_hashes = table(20_000, labs=300)
    whole = reserve(labels, split_hashes).rows
    for seed in range(3):
        part = np.flatnonzero(np.random.default_rng(seed).random(len(labels)) < 0.5)
        part_labels = [labels[row] for row in part]
        reserved = reserve(part_labels, [split_hashes[row] for row in part]).rows
        assert not (reserved & ~whole[part]).any()
        assert reserved.any()


def test_a_group_too_large_is_passed_over() -> None:
    split_hashes = [SplitHash(0.001, row / 40) for row in range(20)] + [
        SplitHash(0.5, row / 40) for row in range(20)
    ]
    assert not reserve(["a"] * 40, split_hashes).new_work.any()
