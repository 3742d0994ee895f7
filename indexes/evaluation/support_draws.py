"""Random draws of supports: numbers of labs and groups in, the support rows of new labs out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vecattr.errors import InputError
from vecattr.plasmid import Plasmid
from vecattr.vectors import Codes, Rows


def check_labs_are_new(plasmids: Sequence[Plasmid], lab_names: frozenset[str]) -> None:
    """InputError for a plasmid of one of the labs `lab_names` of an index."""
    for plasmid in plasmids:
        if plasmid.lab in lab_names:
            raise InputError(
                f"the index knows the lab {plasmid.lab!r} already",
                where=f"record {plasmid.id!r}",
                hint="choose plasmids of labs that the index lacks",
            )


def support_orders(labs: Codes, *, repeats: int, seed: int) -> Iterator[list[Rows]]:
    """For each repeat the rows of each lab in the order in which they become supports, so that the
    supports of one shot are among those of five; `labs` (q,) are numbers from 0."""
    rows_of_lab = [np.flatnonzero(labs == lab) for lab in range(labs.max() + 1)]
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        yield [rng.permutation(rows) for rows in rows_of_lab]


def random_supports(rows: Rows, shots: int) -> Rows:
    """The first supports of a lab with these rows; at least one plasmid is left as a query."""
    return rows[: min(shots, len(rows) - 1)]


def disjoint_supports(rows: Rows, shots: int, *, groups: Codes, group: int) -> Rows:
    """The first supports of a lab for a query of this group: plasmids of other groups; `groups`
    (q,) are those of all rows."""
    other_rows: Rows = rows[groups[rows] != group]
    return other_rows[:shots]
