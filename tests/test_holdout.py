"""Whole groups are held out, and no lab loses its last one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecattr.holdout import hold_out

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
    held = hold_out(labels, groups, share=share, rng=np.random.default_rng(seed))
    for group in set(groups) - {None}:
        assert len({bool(h) for h, g in zip(held, groups, strict=True) if g == group}) == 1
    assert {label for label, h in zip(labels, held, strict=True) if not h} == set(labels)
    assert held.sum() <= round(share * len(rows))


def test_the_share_is_nearly_reached_when_groups_are_small() -> None:
    labels = [f"lab {row % 10}" for row in range(500)]
    held = hold_out(labels, [None] * 500, share=0.1, rng=np.random.default_rng(0))
    assert held.sum() == 50


def test_the_seed_decides() -> None:
    labels = [f"lab {row % 10}" for row in range(100)]
    masks = [
        hold_out(labels, [None] * 100, share=0.2, rng=np.random.default_rng(seed)).tolist()
        for seed in (1, 1, 2)
    ]
    assert masks[0] == masks[1] != masks[2]
