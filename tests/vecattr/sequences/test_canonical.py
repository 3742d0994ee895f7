"""Claims about canonical sequences: neither rotation nor strand changes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vecattr.plasmid import ALPHABET, Plasmid
from vecattr.sequences.canonical import canonical_sequence, least_rotation, rotate

_BASES = st.one_of(
    st.text(ALPHABET, min_size=1, max_size=60),
    st.text("AC", min_size=1, max_size=60),
    st.builds(
        lambda unit, times: unit * times,
        st.text("ACG", min_size=1, max_size=9),
        st.integers(1, 9),
    ),
)


@given(_BASES)
def test_least_rotation_is_the_least_of_all_rotations(bases: str) -> None:
    assert rotate(bases, least_rotation(bases)) == min(
        rotate(bases, start) for start in range(len(bases))
    )


def test_a_long_repetitive_circle_is_brought_to_its_least_rotation() -> None:
    bases = "AT" * 40_000 + "C"
    assert rotate(bases, least_rotation(bases)) == min(
        rotate(bases, start) for start in (0, 2, len(bases) - 1)
    )


@given(_BASES, st.integers(0, 200))
def test_rotation_and_strand_of_a_circle_do_not_change_its_spelling(bases: str, turn: int) -> None:
    plasmid = Plasmid("p", bases)
    expected = canonical_sequence(plasmid)
    assert canonical_sequence(plasmid.rotated(turn)) == expected
    assert canonical_sequence(plasmid.rotated(turn).reverse_complement()) == expected


@given(_BASES)
def test_the_strand_of_a_linear_piece_does_not_change_its_spelling(bases: str) -> None:
    plasmid = Plasmid("p", bases, "linear")
    assert canonical_sequence(plasmid) == canonical_sequence(plasmid.reverse_complement())
    assert canonical_sequence(plasmid) in (bases, plasmid.reverse_complement().sequence)
