"""Damaged copies: a plasmid and a generator in, what a bad sample would show of it out.

For measuring how much damage an answer stands (`tools/bench_robustness.py`). Equal generators give
equal copies; id, lab and group stay.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError, UsageError
from vecattr.plasmid import Plasmid

Letters = NDArray[np.uint8]

_BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_PLACES = np.full(256, 4, dtype=np.uint8)
_PLACES[_BASES] = np.arange(4, dtype=np.uint8)


def fragment(plasmid: Plasmid, length: int, *, rng: np.random.Generator) -> Plasmid:
    """A linear stretch of so many bases from anywhere; of a circular plasmid it may run over the
    end. InputError when the plasmid is shorter."""
    if not 1 <= length <= len(plasmid):
        raise InputError(
            f"{length} bases cannot be cut from {len(plasmid)}", where=f"record {plasmid.id!r}"
        )
    begins = len(plasmid) if plasmid.is_circular else len(plasmid) - length + 1
    start = int(rng.integers(begins))
    bases = (plasmid.sequence + plasmid.sequence)[start : start + length]
    return replace(plasmid, sequence=bases, topology="linear")


def substituted(plasmid: Plasmid, rate: float, *, rng: np.random.Generator) -> Plasmid:
    """Each A, C, G or T is one of the three others with probability `rate`."""
    letters = _letters(plasmid)
    places = _PLACES[letters]
    hit = (rng.random(len(letters)) < _share(rate)) & (places < 4)
    shift = rng.integers(1, 4, size=len(letters))
    letters[hit] = _BASES[(places[hit] + shift[hit]) % 4]
    return _of(plasmid, letters)


def with_indels(plasmid: Plasmid, rate: float, *, rng: np.random.Generator) -> Plasmid:
    """Each base is, with probability `rate`, lost or followed by a random base, equally often; one
    base is always left."""
    letters = _letters(plasmid)
    hit = rng.random(len(letters)) < _share(rate)
    copies = np.ones(len(letters), dtype=np.intp)
    copies[hit] = 2 * rng.integers(2, size=int(hit.sum()))  # 0: lost, 2: one is added
    if not copies.any():
        copies[0] = 1
    longer = np.repeat(letters, copies)
    added = np.cumsum(copies)[copies == 2] - 1  # the second of each pair
    longer[added] = _BASES[rng.integers(4, size=len(added))]
    return _of(plasmid, longer)


def masked(plasmid: Plasmid, share: float, *, rng: np.random.Generator) -> Plasmid:
    """This share of the bases, scattered, is N."""
    letters = _letters(plasmid)
    count = round(_share(share) * len(letters))
    letters[rng.choice(len(letters), size=count, replace=False)] = ord("N")
    return _of(plasmid, letters)


def masked_stretch(plasmid: Plasmid, share: float, *, rng: np.random.Generator) -> Plasmid:
    """One stretch of this share of the bases is N; of a circular plasmid it may run over the
    end."""
    letters = _letters(plasmid)
    count = round(_share(share) * len(letters))
    begins = len(letters) if plasmid.is_circular else len(letters) - count + 1
    places = (int(rng.integers(begins)) + np.arange(count)) % len(letters)
    letters[places] = ord("N")
    return _of(plasmid, letters)


def chimera(one: Plasmid, other: Plasmid, *, rng: np.random.Generator) -> Plasmid:
    """A stretch of half of each, joined; circular when both are. Of nobody's lab."""
    halves = [fragment(part, (len(part) + 1) // 2, rng=rng) for part in (one, other)]
    closed = one.is_circular and other.is_circular
    return Plasmid(
        f"{one.id}+{other.id}",
        "".join(half.sequence for half in halves),
        topology="circular" if closed else "linear",
    )


def _letters(plasmid: Plasmid) -> Letters:
    return np.frombuffer(plasmid.sequence.encode("ascii"), dtype=np.uint8).copy()


def _of(plasmid: Plasmid, letters: Letters) -> Plasmid:
    return replace(plasmid, sequence=letters.tobytes().decode("ascii"))


def _share(value: float) -> float:
    """The same number; UsageError outside of 0 to 1."""
    if not 0 <= value <= 1:
        raise UsageError(f"a share of {value}, expected a number from 0 to 1")
    return value
