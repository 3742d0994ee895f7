"""Bases as arrays of bytes: text in, ASCII letters and their two-bit codes out, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Upper-case IUPAC letters as ASCII bytes, (n,).
Letters = NDArray[np.uint8]

#: The unambiguous bases, (4,); a base's position here is its two-bit code.
BASES: Letters = np.frombuffer(b"ACGT", dtype=np.uint8)

#: The code of every letter but A, C, G and T.
AMBIGUOUS = 4

#: The code of each byte, (256,).
CODES: NDArray[np.uint8] = np.full(256, AMBIGUOUS, dtype=np.uint8)
CODES[BASES] = np.arange(4, dtype=np.uint8)


def letters_from_text(text: str) -> Letters:
    """The letters of a sequence, (n,), read-only.

    >>> letters_from_text("ACN").tolist()
    [65, 67, 78]
    """
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)


def text_from_letters(letters: Letters) -> str:
    """The sequence of these letters (n,)."""
    return letters.tobytes().decode("ascii")
