"""What a query is expected to be: a user's weights of three cases in, their shares out.

A query is of work that the index holds part of (`known`), of new work of a lab that the index knows
(`new`), or of a lab that it does not know (`outside`). Nothing in a sequence tells how often each
case comes, so the user says it, or all three count alike.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np

from vecattr.attribution import Work
from vecattr.errors import UsageError
from vecattr.vectors import Column

CASES = ("known", "new", "outside")


@dataclass(frozen=True)
class Expectation:
    """Weights of the three cases, at least 0, of which only the ratios matter.

    UsageError for a weight below 0 or not finite, and when known and new work both have none.

    >>> Expectation(known=2, new=1, outside=1).shares.tolist()
    [0.5, 0.25, 0.25]
    """

    known: float = 1.0
    new: float = 1.0
    outside: float = 1.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(weight) and weight >= 0 for weight in astuple(self)):
            raise UsageError(
                f"the expectation {self} has a weight that is no number from 0 on",
                hint="give three, such as 1:1:1 for known work, new work, a lab outside the index",
            )
        if self.known + self.new <= 0:
            raise UsageError(
                f"the expectation {self} leaves no lab of the index possible",
                hint="give known or new work a weight above 0",
            )

    @classmethod
    def from_text(cls, text: str) -> Expectation:
        """Three weights joined by colons; UsageError for anything else.

        >>> Expectation.from_text("1:0:0").new
        0.0
        """
        try:
            known, new, outside = map(float, text.split(":"))
        except ValueError:
            raise UsageError(
                f"{text!r} is no expectation",
                hint="give three weights, such as 1:1:1, of known work, new work and labs outside "
                "the index",
            ) from None
        return cls(known, new, outside)

    @classmethod
    def from_work(cls, work: Work) -> Expectation:
        """A query that is certain to be of one kind of work of a known lab."""
        return cls(float(work == "known"), float(work == "new"), 0.0)

    @property
    def shares(self) -> Column:
        """The prior probabilities of CASES, which sum to 1, (3,)."""
        weights = np.array(astuple(self), dtype=np.float64)
        shares: Column = weights / weights.sum()
        return shares

    def __str__(self) -> str:
        return ":".join(f"{weight:g}" for weight in astuple(self))
