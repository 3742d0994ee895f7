"""Which plasmids would new labs be added with? Numbers of labs and groups in, supports out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError
from vecattr.metrics.ranking import Ranks, top_share
from vecattr.plasmid import Plasmid

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Shots:
    """Mean shares over the repeats; `sd` is the standard deviation of top-10 between repeats, `n`
    the number of plasmids asked about in each repeat."""

    top1: float | None
    top10: float | None
    sd: float | None
    n: int

    @classmethod
    def of(cls, repeats: Sequence[Ranks]) -> Shots:
        """Of the ranks of each repeat."""
        if not len(repeats[0]):
            return cls(None, None, None, 0)
        tops = [[top_share(ranks, k=k) for ranks in repeats] for k in (1, 10)]
        sd = float(np.std(tops[1], ddof=1)) if len(repeats) > 1 else None
        return cls(float(np.mean(tops[0])), float(np.mean(tops[1])), sd, len(repeats[0]))


#: Figures by number of shots.
ByShots = dict[int, Shots]


def refuse_known(plasmids: Sequence[Plasmid], known: frozenset[str]) -> None:
    """InputError for a plasmid of one of the labs that are `known`."""
    for plasmid in plasmids:
        if plasmid.lab in known:
            raise InputError(
                f"the index knows the lab {plasmid.lab!r} already",
                where=f"record {plasmid.id!r}",
                hint="choose plasmids of labs that the index lacks",
            )


def orders(labs: Codes, *, repeats: int, seed: int) -> Iterator[list[Codes]]:
    """For each repeat the rows of each lab in the order in which they become supports, so that one
    shot is the first of five; `labs` (q,) are numbers from 0."""
    members = [np.flatnonzero(labs == lab) for lab in range(labs.max() + 1)]
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        yield [rng.permutation(rows) for rows in members]


def drawn(rows: Codes, shots: int) -> Codes:
    """The supports that a lab with these rows gives: one plasmid is left to ask about."""
    return rows[: min(shots, len(rows) - 1)]


def drawn_outside(rows: Codes, shots: int, *, groups: Codes, group: int) -> Codes:
    """The supports of a lab when one of this group is asked about; `groups` (q,) of all rows."""
    outside: Codes = rows[groups[rows] != group]
    return outside[:shots]
