"""Test-time views of a plasmid: one canonical spelling in, a fixed set of readings out.

Averaging over rotations and strands is the published test-time augmentation, made deterministic:
the same molecule always gives the same views, however its file spells it.
"""

from __future__ import annotations

from vecattr.encoders.vocabulary import Reading
from vecattr.plasmid import Plasmid, reverse_complement
from vecattr.sequences.canonical import canonical_sequence, rotate


def fixed_views(plasmid: Plasmid, *, rotations: int, order_free: bool) -> list[Reading]:
    """`rotations` evenly spaced openings of both strands; one opening of a linear plasmid.

    An order-free encoder sees the same in every view, so it gets one, as the file spells it.
    """
    if order_free:
        return [Reading(plasmid.sequence, plasmid.is_circular)]
    bases = canonical_sequence(plasmid)
    return [
        Reading(rotate(strand, offset), plasmid.is_circular)
        for strand in (bases, reverse_complement(bases))
        for offset in _offsets(len(bases), rotations if plasmid.is_circular else 1)
    ]


def _offsets(length: int, rotations: int) -> list[int]:
    """Evenly spaced places to open a circle of `length` bases, each place once."""
    return sorted({turn * length // rotations for turn in range(rotations)})
