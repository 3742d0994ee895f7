"""Sequences at two bits a base: letters in, packed bytes and a list of exceptions out, and back.

A, C, G and T take two bits each, four bases a byte, the first base in the highest bits. Every
other IUPAC letter is packed as A and listed as a run (position, length, letter): unknown stretches
are long runs of one letter, and single ambiguous bases are rare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
_EXCEPTION = 4

_CODES = np.full(256, _EXCEPTION, dtype=np.uint8)
_CODES[_LETTERS] = np.arange(4, dtype=np.uint8)

#: Byte -> its four letters (256, 4).
_QUARTETS = _LETTERS[(np.arange(256)[:, None] >> np.array([6, 4, 2, 0])) & 3]


@dataclass(frozen=True)
class PackedBases:
    """One sequence of `length` bases; run i puts `letters[i]` at `starts[i]`, `lengths[i]` times.

    `packed` has ceil(length / 4) bytes.
    """

    length: int
    packed: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    letters: NDArray[np.uint8]


def pack_bases(sequence: str) -> PackedBases:
    """Pack upper-case IUPAC letters.

    >>> unpack_bases(pack_bases("ACGTNNRA"))
    'ACGTNNRA'
    """
    raw = np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)  # (n,)
    codes = np.zeros(-(-len(raw) // 4) * 4, dtype=np.uint8)
    codes[: len(raw)] = _CODES[raw]
    odd = np.flatnonzero(codes == _EXCEPTION)
    codes[odd] = 0
    quarters = codes.reshape(-1, 4)  # (n / 4, 4)
    packed = quarters[:, 0] << 6 | quarters[:, 1] << 4 | quarters[:, 2] << 2 | quarters[:, 3]
    letters = raw[odd]
    new = np.ones(len(odd), dtype=bool)  # does a run begin here?
    new[1:] = (np.diff(odd) != 1) | (letters[1:] != letters[:-1])
    first = np.flatnonzero(new)
    lengths = np.diff(np.append(first, len(odd))).astype(np.int64)
    return PackedBases(
        len(raw), packed.astype(np.uint8), odd[first].astype(np.int64), lengths, letters[first]
    )


def unpack_bases(bases: PackedBases) -> str:
    """The letters again."""
    letters = _QUARTETS[bases.packed].reshape(-1)[: bases.length]  # (n,)
    for start, length, letter in zip(bases.starts, bases.lengths, bases.letters, strict=True):
        letters[start : start + length] = letter
    return str(letters.tobytes(), "ascii")
