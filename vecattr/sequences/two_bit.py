"""Sequences at two bits a base: text in, packed bytes and a list of exceptions out, and back.

A, C, G and T take two bits each, four bases a byte, the first base in the highest bits. Every
other IUPAC letter is packed as A and listed as a run (position, length, letter): unknown stretches
are long runs of one letter, and single ambiguous bases are rare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.letters import (
    AMBIGUOUS,
    BASES,
    CODES,
    Letters,
    letters_from_text,
    text_from_letters,
)

#: Byte -> its four letters (256, 4).
_QUARTETS = BASES[(np.arange(256)[:, None] >> np.array([6, 4, 2, 0])) & 3]


@dataclass(frozen=True)
class PackedBases:
    """One sequence of `length` bases; run i puts `letters[i]` at `starts[i]`, `lengths[i]` times.

    `packed` has ceil(length / 4) bytes.
    """

    length: int
    packed: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    letters: Letters


def pack_bases(sequence: str) -> PackedBases:
    """Pack upper-case IUPAC letters.

    >>> unpack_bases(pack_bases("ACGTNNRA"))
    'ACGTNNRA'
    """
    letters = letters_from_text(sequence)  # (n,)
    codes = np.zeros(-(-len(letters) // 4) * 4, dtype=np.uint8)
    codes[: len(letters)] = CODES[letters]
    ambiguous = np.flatnonzero(codes == AMBIGUOUS)  # positions, (m,)
    codes[ambiguous] = 0
    quarters = codes.reshape(-1, 4)  # (n / 4, 4)
    packed = quarters[:, 0] << 6 | quarters[:, 1] << 4 | quarters[:, 2] << 2 | quarters[:, 3]
    exceptions = letters[ambiguous]  # (m,)
    begins_run = np.ones(len(ambiguous), dtype=bool)
    begins_run[1:] = (np.diff(ambiguous) != 1) | (exceptions[1:] != exceptions[:-1])
    first = np.flatnonzero(begins_run)
    return PackedBases(
        length=len(letters),
        packed=packed.astype(np.uint8),
        starts=ambiguous[first].astype(np.int64),
        lengths=np.diff(np.append(first, len(ambiguous))).astype(np.int64),
        letters=exceptions[first],
    )


def unpack_bases(bases: PackedBases) -> str:
    """The text that was packed."""
    letters = _QUARTETS[bases.packed].reshape(-1)[: bases.length]  # (n,)
    for start, length, letter in zip(bases.starts, bases.lengths, bases.letters, strict=True):
        letters[start : start + length] = letter
    return text_from_letters(letters)
