"""Test-time views of a plasmid: the same molecule always gives the same ones."""

from __future__ import annotations

import pytest

from vecattr.encoders.embedder import fixed_views
from vecattr.plasmid import Plasmid

_BASES = "GATTACAGGCTTAACG"


@pytest.mark.parametrize("rotations", [1, 3])
def test_both_strands_are_opened_at_even_steps(rotations: int) -> None:
    views = fixed_views(Plasmid("p", _BASES), rotations=rotations, order_free=False)
    assert len(views) == 2 * rotations
    assert all(sorted(view.bases) in (sorted(_BASES), sorted("CGTTAAGCCTGTAATC")) for view in views)


def test_any_spelling_of_a_circle_gives_the_same_views() -> None:
    plasmid = Plasmid("p", _BASES)
    expected = fixed_views(plasmid, rotations=4, order_free=False)
    other = plasmid.rotated(5).reverse_complement()
    assert fixed_views(other, rotations=4, order_free=False) == expected


def test_a_linear_piece_is_never_rotated() -> None:
    views = fixed_views(Plasmid("p", _BASES, "linear"), rotations=4, order_free=False)
    assert {view.bases for view in views} == {_BASES, "CGTTAAGCCTGTAATC"}


def test_an_order_free_encoder_needs_one_view() -> None:
    assert len(fixed_views(Plasmid("p", _BASES), rotations=4, order_free=True)) == 1


def test_a_circle_of_one_base_has_one_opening() -> None:
    views = fixed_views(Plasmid("p", "A"), rotations=4, order_free=False)
    assert [view.bases for view in views] == ["A", "T"]
