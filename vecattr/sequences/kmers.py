"""Canonical k-mers as numbers: bases in, a reproducible sample of 64-bit hashes out.

A k-mer and its reverse complement give the same number, windows with an ambiguous letter give
none, and a circular sequence is read over its end, so rotation and strand change only the order.
The sample keeps hashes below 2^64 / scaled ("FracMinHash", Irber et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.letters import AMBIGUOUS, BASES, CODES, letters_from_text

#: Hashes or two-bit codes of k-mers, (m,).
Hashes = NDArray[np.uint64]

LONGEST_K = 31
#: Bases that eight packed bytes hold, counted from any of the four bases of the first byte.
_BASES_IN_A_WORD = 29


def sampled_kmers(bases: str, *, k: int, scaled: int = 1, circular: bool = True) -> Hashes:
    """Hashes of all canonical k-mers of upper-case `bases`, in order, sampled 1 in `scaled`.

    Empty when the sequence is shorter than k. k is odd and at most 31, so that no k-mer is its
    own reverse complement and two bits a base fit a word.
    """
    assert scaled >= 1
    windows = windows_of(bases, k=k, circular=circular)
    hashes = windows.hashes
    return hashes[is_sampled(hashes, scaled=scaled) & windows.clean]


def distinct(values: Hashes) -> Hashes:
    """Each value once, ascending, (m,) -> (u,). (`np.unique` would load masked arrays: 20 ms.)"""
    ascending = np.sort(values)
    is_first = np.ones(len(ascending), dtype=bool)
    is_first[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_first]


def is_sampled(hashes: Hashes, *, scaled: int) -> NDArray[np.bool_]:
    """Which hashes (m,) a sample of 1 in `scaled` keeps, (m,)."""
    if scaled == 1:
        return np.ones(len(hashes), dtype=bool)
    sampled: NDArray[np.bool_] = hashes < np.uint64((1 << 64) // scaled)
    return sampled


@dataclass(frozen=True)
class Windows:
    """The w windows of k bases of a sequence, in the order of their first bases: `forward` (w,) has
    the code of each, two bits a base, and `backward` (w,) that of its reverse complement. `clean`
    (w,) is true for windows without ambiguous letters; the codes of the others are meaningless."""

    forward: Hashes
    backward: Hashes
    clean: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.clean)

    @property
    def canonical(self) -> Hashes:
        """The codes of the canonical k-mers of the clean windows, in order."""
        return np.minimum(self.forward, self.backward)[self.clean]

    @property
    def hashes(self) -> Hashes:
        """The hash of each window's canonical k-mer (the lesser of its strands), (w,)."""
        return mix(np.minimum(self.forward, self.backward))


def windows_of(bases: str, *, k: int, circular: bool) -> Windows:
    """The windows of upper-case `bases`: as many as bases when circular, else k - 1 fewer; none
    when the sequence is shorter than k, which is odd and at most 31."""
    assert k % 2 == 1 <= k <= LONGEST_K
    if len(bases) < k:
        no_codes = np.empty(0, dtype=np.uint64)
        return Windows(no_codes, no_codes, np.empty(0, dtype=bool))
    closed = bases + bases[: k - 1] if circular else bases
    codes = CODES[letters_from_text(closed)]  # (w + k - 1,)
    strand = np.bitwise_and(codes, 3, dtype=np.uint8)
    other_strand = np.subtract(3, strand, dtype=np.uint8)[::-1]
    backward = _window_codes(other_strand, k)[::-1]  # (w,)
    return Windows(_window_codes(strand, k), backward, _clean_windows(codes, k))


def _window_codes(bases: NDArray[np.uint8], k: int) -> Hashes:
    """Each window of k bases (two bits each) as one number, (m,) -> (m - k + 1,).

    Bases are packed four to a byte, so the eight bytes from a base on hold 29 to 32 bases, and two
    shifts cut a window out of them; the last bases of a longer window are added one by one.
    """
    short = min(k, _BASES_IN_A_WORD)
    packed = _packed(bases, spare=8)
    eights = np.ndarray((len(packed) - 7,), dtype=">u8", buffer=packed.data, strides=(1,))
    words = eights.astype(np.uint64)
    codes = np.empty((len(words), 4), dtype=np.uint64)
    for phase in range(4):
        codes[:, phase] = (words << np.uint64(2 * phase)) >> np.uint64(64 - 2 * short)
    windows = codes.reshape(-1)[: len(bases) - k + 1]
    for place in range(short, k):
        windows = windows << np.uint64(2) | bases[place : place + len(windows)]
    return windows


def _packed(bases: NDArray[np.uint8], *, spare: int) -> NDArray[np.uint8]:
    """Four bases a byte, the first in the highest bits, then `spare` zero bytes; (m,) -> (p,)."""
    padded = np.zeros(4 * (len(bases) // 4 + 1 + spare), dtype=np.uint8)
    padded[: len(bases)] = bases
    quarters = padded.reshape(-1, 4)  # (p, 4)
    joined = quarters[:, 0] << 6 | quarters[:, 1] << 4 | quarters[:, 2] << 2 | quarters[:, 3]
    return joined.astype(np.uint8, copy=False)


def _clean_windows(codes: NDArray[np.uint8], k: int) -> NDArray[np.bool_]:
    """Which windows of k letters hold no ambiguous one; (m,) -> (m - k + 1,)."""
    is_ambiguous = codes == AMBIGUOUS
    if not is_ambiguous.any():
        return np.ones(len(codes) - k + 1, dtype=bool)
    before = np.concatenate([[0], np.cumsum(is_ambiguous)])
    clean: NDArray[np.bool_] = before[k:] == before[:-k]
    return clean


def spelled(hashes: Hashes, k: int) -> list[str]:
    """The canonical k-mers that have these hashes (the scramble is invertible)."""
    codes = _unmixed(hashes)
    places = 2 * np.arange(k - 1, -1, -1, dtype=np.uint64)
    letters = BASES[(codes[:, None] >> places) & np.uint64(3)]  # (n,) -> (n, k)
    return [row.tobytes().decode("ascii") for row in letters]


def mix(values: Hashes) -> Hashes:
    """A bijective scramble of 64-bit words (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _unmixed(values: Hashes) -> Hashes:
    """`mix` undone, step by step: the multipliers' inverses modulo 2^64, the shifts repeated."""
    codes = _unshifted(values, 31) * np.uint64(pow(0x94D049BB133111EB, -1, 1 << 64))
    codes = _unshifted(codes, 27) * np.uint64(pow(0xBF58476D1CE4E5B9, -1, 1 << 64))
    return _unshifted(codes, 30) - np.uint64(0x9E3779B97F4A7C15)


def _unshifted(values: Hashes, shift: int) -> Hashes:
    """x of x ^ (x >> shift), for a shift of at least a third of the word."""
    shifted = values >> np.uint64(shift)
    restored: Hashes = values ^ shifted ^ (shifted >> np.uint64(shift))
    return restored
