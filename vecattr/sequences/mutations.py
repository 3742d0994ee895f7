"""Mutated copies: a plasmid and a random generator in; a fragment or a copy with errors out.

For measuring how robust answers are (`tools/bench_robustness.py`). Equal generators give equal
copies; id, lab and group are kept.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vecattr.errors import InputError, UsageError
from vecattr.plasmid import Plasmid
from vecattr.sequences.letters import (
    AMBIGUOUS,
    BASES,
    CODES,
    Letters,
    letters_from_text,
    text_from_letters,
)


def fragment(plasmid: Plasmid, length: int, *, rng: np.random.Generator) -> Plasmid:
    """A linear stretch of `length` bases at a random place; that of a circular plasmid may run over
    its end. InputError when the plasmid is shorter."""
    if not 1 <= length <= len(plasmid):
        raise InputError(
            f"{length} bases cannot be cut from {len(plasmid)}", where=f"record {plasmid.id!r}"
        )
    starts = len(plasmid) if plasmid.is_circular else len(plasmid) - length + 1
    start = int(rng.integers(starts))
    bases = (plasmid.sequence + plasmid.sequence)[start : start + length]
    return replace(plasmid, sequence=bases, topology="linear")


def substituted(plasmid: Plasmid, rate: float, *, rng: np.random.Generator) -> Plasmid:
    """Each A, C, G or T is one of the three others with probability `rate`."""
    letters = _letters(plasmid)
    codes = CODES[letters]
    hit = (rng.random(len(letters)) < _checked_share(rate)) & (codes != AMBIGUOUS)
    shift = rng.integers(1, 4, size=len(letters))
    letters[hit] = BASES[(codes[hit] + shift[hit]) % 4]
    return _with_letters(plasmid, letters)


def with_indels(plasmid: Plasmid, rate: float, *, rng: np.random.Generator) -> Plasmid:
    """Each base is, with probability `rate`, deleted or followed by a random base, equally often;
    at least one base is kept."""
    letters = _letters(plasmid)
    hit = rng.random(len(letters)) < _checked_share(rate)
    copies = np.ones(len(letters), dtype=np.intp)
    copies[hit] = 2 * rng.integers(2, size=int(hit.sum()))  # 0: deleted, 2: one is inserted
    if not copies.any():
        copies[0] = 1
    mutated = np.repeat(letters, copies)
    inserted = np.cumsum(copies)[copies == 2] - 1  # the second of each pair
    mutated[inserted] = BASES[rng.integers(4, size=len(inserted))]
    return _with_letters(plasmid, mutated)


def masked(plasmid: Plasmid, share: float, *, rng: np.random.Generator) -> Plasmid:
    """This share of the bases, at random places, is N."""
    letters = _letters(plasmid)
    count = round(_checked_share(share) * len(letters))
    letters[rng.choice(len(letters), size=count, replace=False)] = ord("N")
    return _with_letters(plasmid, letters)


def masked_stretch(plasmid: Plasmid, share: float, *, rng: np.random.Generator) -> Plasmid:
    """One stretch of this share of the bases is N; that of a circular plasmid may run over its
    end."""
    letters = _letters(plasmid)
    count = round(_checked_share(share) * len(letters))
    starts = len(letters) if plasmid.is_circular else len(letters) - count + 1
    places = (int(rng.integers(starts)) + np.arange(count)) % len(letters)
    letters[places] = ord("N")
    return _with_letters(plasmid, letters)


def chimera(first: Plasmid, second: Plasmid, *, rng: np.random.Generator) -> Plasmid:
    """A stretch of half of each, joined; circular when both are; without a lab."""
    halves = [fragment(parent, (len(parent) + 1) // 2, rng=rng) for parent in (first, second)]
    is_circular = first.is_circular and second.is_circular
    return Plasmid(
        f"{first.id}+{second.id}",
        "".join(half.sequence for half in halves),
        topology="circular" if is_circular else "linear",
    )


def _letters(plasmid: Plasmid) -> Letters:
    """The plasmid's letters, (n,), to be changed."""
    return letters_from_text(plasmid.sequence).copy()


def _with_letters(plasmid: Plasmid, letters: Letters) -> Plasmid:
    return replace(plasmid, sequence=text_from_letters(letters))


def _checked_share(value: float) -> float:
    """The same number; UsageError outside of 0 to 1."""
    if not 0 <= value <= 1:
        raise UsageError(f"a share of {value}, expected a number from 0 to 1")
    return value
