"""The canonical sequence of a molecule: any rotation or strand in, the same string out.

A circular plasmid becomes its least rotation over both strands, a linear one the lesser strand,
so that an answer depends neither on where a file begins nor on which strand it holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.letters import letters_from_text

_WORD = 8  # letters in one machine word: 8 bytes compare as one big-endian integer
_FILTER_WORK = 4  # comparisons per letter, after which the plain algorithm replaces the filter


def canonical_sequence(plasmid: Plasmid) -> str:
    """The plasmid's bases, independent of rotation (if circular) and of strand."""
    strands = (plasmid.sequence, reverse_complement(plasmid.sequence))
    if plasmid.is_circular:
        return min(rotate(strand, least_rotation(strand)) for strand in strands)
    return min(strands)


def rotate(bases: str, offset: int) -> str:
    """The circular string, cut open `offset` letters later.

    >>> rotate("ACGT", 1)
    'CGTA'
    """
    return bases[offset:] + bases[:offset]


def least_rotation(bases: str) -> int:
    """Where the lexicographically least rotation begins (the first such place).

    Keeps the positions whose next eight letters are least, then compares the eight letters after
    those, and so on; few positions are left after the first round unless the string is repetitive.

    >>> least_rotation("GATTACA")
    4
    """
    size = len(bases)
    words = _words(bases)
    starts = np.flatnonzero(words == words.min())  # (candidates,)
    compared, work = _WORD, 0
    while len(starts) > 1 and compared < size:
        work += len(starts)
        if work > _FILTER_WORK * size:
            return _least_rotation_plain(bases)
        following = words[(starts + compared) % size]
        starts = starts[following == following.min()]
        compared += _WORD
    return int(starts[0])


def _words(bases: str) -> NDArray[np.uint64]:
    """Every circular window of eight letters as one integer that sorts like the letters."""
    wrapped = (bases * (_WORD // len(bases) + 1))[: _WORD - 1]
    letters = letters_from_text(bases + wrapped)
    windows = np.lib.stride_tricks.sliding_window_view(letters, _WORD)  # (n, 8)
    return np.ascontiguousarray(windows).view(">u8")[:, 0].astype(np.uint64)


def _least_rotation_plain(bases: str) -> int:
    """Least rotation in linear time, one letter at a time: for long repetitive strings."""
    size = len(bases)
    start, rival, matched = 0, 1, 0  # two candidates, and how many of their letters are equal
    while start < size and rival < size and matched < size:
        letter, rival_letter = bases[(start + matched) % size], bases[(rival + matched) % size]
        if letter == rival_letter:
            matched += 1
            continue
        if letter > rival_letter:
            start += matched + 1
        else:
            rival += matched + 1
        rival += start == rival
        matched = 0
    return min(start, rival)
