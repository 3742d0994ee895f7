"""Claims about letters: text survives the round trip, and A, C, G, T have the codes 0 to 3."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vecattr.plasmid import ALPHABET
from vecattr.sequences.letters import AMBIGUOUS, CODES, letters_from_text, text_from_letters


@given(st.text(ALPHABET))
def test_letters_spell_their_text(text: str) -> None:
    assert text_from_letters(letters_from_text(text)) == text


def test_every_letter_but_four_is_ambiguous() -> None:
    assert CODES[letters_from_text("ACGT")].tolist() == [0, 1, 2, 3]
    others = "".join(letter for letter in ALPHABET if letter not in "ACGT")
    assert set(CODES[letters_from_text(others)].tolist()) == {AMBIGUOUS}
