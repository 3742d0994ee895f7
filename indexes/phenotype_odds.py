"""How a query's phenotype features fit each lab: features in, log odds against all plasmids out.

One by one: a naive Bayes score over 0/1 features, each with the share of the lab's plasmids that
have it, drawn toward the share of all plasmids as if two more of the lab's had the common share.
It counts features twice that go together, so all are also compared at once: how many of the lab's
plasmids have the very features of the query, and how many nearly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.catalogue import NO_ROWS, NOBODY, Catalogue, Rows
from vecattr.indexes.likeness import Column, LabSums, log_odds
from vecattr.indexes.live import LiveSegment
from vecattr.indexes.segment import MISSING_FEATURE

#: Plasmids of the usual kind that every lab is taken to have beside its own.
_PRIOR = 2.0
_LEAST = 1e-4  # no share is nearer to 0 or 1
_REACH = 2.0  # of the kernel, in features that differ
_RAREST = 1e-6  # of all plasmids, more than this share is like any query


@dataclass(frozen=True)
class Tally:
    """How many plasmids have each feature, and of how many it is known, (f,) or (l, f)."""

    having: NDArray[np.float64]
    knowing: NDArray[np.float64]

    def of(self, columns: Sequence[int]) -> Tally:
        """The same of some features."""
        return Tally(self.having[..., columns], self.knowing[..., columns])

    def total(self) -> Tally:
        """Of all labs together, (l, f) -> (f,)."""
        return Tally(self.having.sum(axis=0), self.knowing.sum(axis=0))

    def plus(self, other: Tally, *, times: int = 1) -> Tally:
        """Both together; with `times` -1 without the other."""
        return Tally(self.having + times * other.having, self.knowing + times * other.knowing)


@dataclass(frozen=True)
class Alike(LabSums):
    """Of each lab (l,): how many plasmids can be compared with a query, how many of these have all
    of its features, and how many nearly (a sum of kernels). One of which a third of the query's
    features is known counts as a third of a plasmid."""

    known: Column
    same: Column
    near: Column

    @classmethod
    def of(
        cls,
        values: Sequence[NDArray[np.uint8]],
        has: Sequence[bool],
        labs: Rows,
        *,
        count: int,
        asked: int,
        left_out: Rows = NO_ROWS,
    ) -> Alike:
        """From the values of n plasmids, (n,) for each feature that is known of any, and whether
        the query has it; their labs (n,), of `count`. The query has `asked` features in all."""
        apart, known = np.zeros((2, len(labs)), dtype=np.uint16)
        for value, mine in zip(values, has, strict=True):
            apart += value == (not mine)
            known += value != MISSING_FEATURE
        weights = known / asked
        weights[left_out] = 0
        own = np.maximum(labs, 0)  # what is nobody's has no features, and weighs nothing

        def total(kernel: NDArray[np.floating] | NDArray[np.bool_]) -> Column:
            """Of each lab (l,), from the rows' (n,)."""
            return np.bincount(own, kernel * weights, minlength=count).astype(np.float64)

        return cls(total(np.ones(len(own))), total(apart == 0), total(np.exp(apart / -_REACH)))

    def odds(self, everything: Alike) -> dict[str, Column]:
        """Log odds of each lab (l,); `everything` is what all labs have together."""
        known, all_known = self.known, everything.known
        return {
            "same_features": log_odds(self.same, known, everything.same, all_known, least=_RAREST),
            "near_features": log_odds(self.near, known, everything.near, all_known, least=_RAREST),
        }


def bayes_odds(has: NDArray[np.bool_], labs: Tally, everything: Tally) -> NDArray[np.float64]:
    """Of each lab (l,), of a query that has some features and lacks others (f,), from what is known
    of labs (l, f) and of all plasmids together (f,); 0 where nothing is known."""
    usual = (everything.having + 0.5) / (everything.knowing + 1)  # the share of all, (f,)
    share = (labs.having + _PRIOR * usual) / (labs.knowing + _PRIOR)  # (l, f)
    share, usual = np.clip(share, _LEAST, 1 - _LEAST), np.clip(usual, _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(share / usual) @ has
    odds += np.log((1 - share) / (1 - usual)) @ ~has
    return odds


class PhenotypeOdds:
    """Of the stored features of a catalogue's rows; a feature that a row does not know counts for
    nothing."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self._catalogue = catalogue
        self._segments = segments

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features that any segment knows, sorted (f,)."""
        known = (segment.stored.feature_names for segment in self._segments)
        return tuple(sorted({name for names in known for name in names}))

    @cached_property
    def _values(self) -> NDArray[np.uint8]:
        """Of every row (n, f), MISSING_FEATURE where it is not known."""
        place = {name: column for column, name in enumerate(self.names)}
        found = np.full((len(self._catalogue), len(self.names)), MISSING_FEATURE, dtype=np.uint8)
        for start, segment in zip(self._catalogue.starts, self._segments, strict=True):
            columns = [place[name] for name in segment.stored.feature_names]
            found[start : start + segment.stored.rows, columns] = segment.stored.features
        found[self._catalogue.labs == NOBODY] = MISSING_FEATURE
        return found

    @cached_property
    def tally(self) -> Tally:
        """Of each lab, (l, f)."""
        return self._counted(self._catalogue.by_lab)

    def _counted(self, rows: Rows) -> Tally:
        shape = len(self._catalogue.lab_names), len(self.names)
        found = Tally(np.zeros(shape), np.zeros(shape))
        values, labs = self._values[rows], self._catalogue.labs[rows]
        np.add.at(found.having, labs, values == 1)
        np.add.at(found.knowing, labs, values != MISSING_FEATURE)
        return found

    @cached_property
    def total(self) -> Tally:
        """Of all labs together, (f,)."""
        return self.tally.total()

    @cached_property
    def _by_feature(self) -> NDArray[np.uint8]:
        """The values again (f, n), read one feature after another."""
        return np.ascontiguousarray(self._values.T)

    def asked(self, features: Mapping[str, int]) -> tuple[list[int], NDArray[np.bool_]]:
        """Which of the names a query gives, and whether it has each (a,), (a,)."""
        columns = [column for column, name in enumerate(self.names) if name in features]
        return columns, np.array([bool(features[self.names[column]]) for column in columns], bool)

    def alike(self, features: Mapping[str, int], *, asked: int, left_out: Rows = NO_ROWS) -> Alike:
        """What each lab has that is like a query of which so many features are known to any
        plasmid, without some rows."""
        columns, has = self.asked(features)
        return Alike.of(
            [self._by_feature[column] for column in columns],
            has.tolist(),
            self._catalogue.labs,
            count=len(self._catalogue.lab_names),
            asked=asked,
            left_out=left_out,
        )

    def of(self, features: Mapping[str, int], *, left_out: Rows) -> dict[str, Column]:
        """Log odds of each lab (l,), by name, 0 where nothing is known. One of the features at
        least is known."""
        columns, has = self.asked(features)
        labs, everything = self.tally.of(columns), self.total.of(columns)
        if len(left_out):
            gone = self._counted(left_out).of(columns)
            labs, everything = labs.plus(gone, times=-1), everything.plus(gone.total(), times=-1)
        alike = self.alike(features, asked=len(columns), left_out=left_out)
        return {"phenotypes": bayes_odds(has, labs, everything), **alike.odds(alike.total())}
