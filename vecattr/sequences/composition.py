"""The composition of a sequence: bases in, its shares of canonical 3-mers out.

A lab keeps to its organism's promoters, codons and markers, so its plasmids have similar
compositions even where no long stretch is the same. Shares are kept as square roots: the squared
Euclidean distance of two such rows is twice the squared Hellinger distance of the compositions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.kmers import windows_of

K = 3


def _other_strand(code: int) -> int:
    """The reverse complement of a 3-mer, both as two bits a base."""
    return (3 - code % 4) << 4 | (3 - code // 4 % 4) << 2 | 3 - code // 16


#: The codes of the canonical 3-mers, ascending; none is its own reverse complement.
_CANONICAL = np.array([code for code in range(4**K) if code < _other_strand(code)], dtype=np.int64)

#: How many canonical 3-mers there are.
WORDS = len(_CANONICAL)


def composition(bases: str, *, circular: bool) -> NDArray[np.float32]:
    """The square root of the share of each canonical 3-mer of upper-case `bases` (WORDS,); zeros
    when every 3-mer has an ambiguous letter."""
    kmers = windows_of(bases, k=K, circular=circular).canonical
    counts = np.bincount(kmers.astype(np.int64), minlength=4**K)[_CANONICAL]
    return np.sqrt(counts / max(1, len(kmers))).astype(np.float32)
