"""Claims about packed bases: two bits a base and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vecattr.plasmid import ALPHABET
from vecattr.sequences.two_bit import pack_bases, unpack_bases

sequences = st.text(alphabet=ALPHABET, min_size=1, max_size=300)


@given(sequences)
def test_packing_and_unpacking_gives_the_sequence_back(sequence: str) -> None:
    assert unpack_bases(pack_bases(sequence)) == sequence


@given(st.text(alphabet="ACGT", min_size=1, max_size=300))
def test_plain_bases_take_two_bits_each_and_no_exceptions(sequence: str) -> None:
    packed = pack_bases(sequence)
    assert len(packed.packed) == -(-len(sequence) // 4)
    assert len(packed.starts) == 0


def test_a_long_run_of_one_letter_is_one_exception() -> None:
    packed = pack_bases("ACGT" + "N" * 10_000 + "RA")
    assert packed.starts.tolist() == [4, 10_004]
    assert packed.lengths.tolist() == [10_000, 1]
    assert packed.letters.tobytes() == b"NR"
