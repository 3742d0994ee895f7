"""How a query's phenotype features fit each lab: features in, log odds against all plasmids out.

One by one: a naive Bayes score over 0/1 features, each with the share of the lab's plasmids that
have it, drawn toward the share of all plasmids as if two more of the lab's had the common share.
It counts features twice that go together, so all are also compared at once: how many of the lab's
plasmids have the very features of the query, and how many nearly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.catalogue import NO_LAB, NO_ROWS, Catalogue, Rows
from vecattr.indexes.scoring.log_odds import USUAL, Column, LabSums, log_odds
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment import MISSING_FEATURE

_LEAST = 1e-4  # no share is nearer to 0 or 1
_REACH = 2.0  # of the kernel, in features that differ


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
    """Of each lab (l,), summed over its plasmids: how many of a query's features are known of one,
    the same of those that have all that are known as the query does, and the same of each by how
    near it comes to that. So a plasmid counts by how much of it can be compared."""

    known: Column
    same: Column
    near: Column

    @classmethod
    def of(
        cls,
        values: Iterable[NDArray[np.uint8]],
        has: NDArray[np.bool_],
        labs: Rows,
        *,
        count: int,
        left_out: Rows = NO_ROWS,
    ) -> Alike:
        """From the values of n plasmids, (n,) for each feature, and whether the query has it (a,);
        their labs (n,), of `count`."""
        apart, known = np.zeros((2, len(labs)), dtype=np.uint16)
        for value, mine in zip(values, has, strict=True):
            apart += value == (not mine)
            known += value != MISSING_FEATURE
        known[left_out] = 0
        own = np.maximum(labs, 0)  # what is nobody's has no features, and weighs nothing

        def total(weights: NDArray[np.generic]) -> Column:
            """Of each lab (l,), from the rows' (n,)."""
            return np.bincount(own, weights, minlength=count).astype(np.float64)

        return cls(
            total(known), total(known * (apart == 0)), total(known * np.exp(apart / -_REACH))
        )

    def odds(self, everything: Alike, *, asked: int) -> dict[str, Column]:
        """Log odds of each lab (l,) of a query with so many features that are known of any plasmid;
        `everything` is what all labs have together."""
        known, all_known = self.known / asked, everything.known / asked
        return {
            "same_features": log_odds(self.same / asked, known, everything.same / asked, all_known),
            "near_features": log_odds(self.near / asked, known, everything.near / asked, all_known),
        }


def bayes_odds(has: NDArray[np.bool_], labs: Tally, everything: Tally) -> NDArray[np.float64]:
    """Of each lab (l,), of a query that has some features and lacks others (f,), from what is known
    of labs (l, f) and of all plasmids together (f,); 0 where nothing is known."""
    usual = (everything.having + 0.5) / (everything.knowing + 1)  # the share of all, (f,)
    share = (labs.having + USUAL * usual) / (labs.knowing + USUAL)  # (l, f)
    share, usual = np.clip(share, _LEAST, 1 - _LEAST), np.clip(usual, _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(share / usual) @ has
    odds += np.log((1 - share) / (1 - usual)) @ ~has
    return odds


def told(features: Mapping[str, int], names: Sequence[str]) -> tuple[list[int], NDArray[np.bool_]]:
    """Which of the names a query gives (a,), and whether it has each (a,)."""
    columns = [column for column, name in enumerate(names) if name in features]
    return columns, np.array([bool(features[names[column]]) for column in columns], dtype=bool)


def feature_columns(
    has: NDArray[np.bool_], labs: Tally, everything: Tally, alike: Alike, all_alike: Alike
) -> dict[str, Column]:
    """The PHENOTYPES of each lab (l,), of a query that has some features and lacks others (a,);
    nothing when none of these is known of any plasmid."""
    asked = int(np.count_nonzero(everything.knowing))
    if not asked:
        return {}
    return {
        "phenotypes": bayes_odds(has, labs, everything),
        **alike.odds(all_alike, asked=asked),
        "features": np.full(len(alike.known), np.log1p(asked)),
    }


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
        """Of every row (f, n), MISSING_FEATURE where it is not known."""
        place = {name: column for column, name in enumerate(self.names)}
        found = np.full((len(self.names), len(self._catalogue)), MISSING_FEATURE, dtype=np.uint8)
        for start, segment in zip(self._catalogue.starts, self._segments, strict=True):
            columns = [place[name] for name in segment.stored.feature_names]
            found[columns, start : start + segment.stored.rows] = segment.stored.features.T
        found[:, self._catalogue.labs == NO_LAB] = MISSING_FEATURE
        return found

    @cached_property
    def tally(self) -> Tally:
        """Of each lab, (l, f)."""
        return self._counted(self._catalogue.rows_by_lab)

    def _counted(self, rows: Rows) -> Tally:
        shape = len(self._catalogue.lab_names), len(self.names)
        found = Tally(np.zeros(shape), np.zeros(shape))
        values, labs = self._values[:, rows].T, self._catalogue.labs[rows]
        np.add.at(found.having, labs, values == 1)
        np.add.at(found.knowing, labs, values != MISSING_FEATURE)
        return found

    @cached_property
    def total(self) -> Tally:
        """Of all labs together, (f,)."""
        return self.tally.total()

    def alike(
        self, columns: Sequence[int], has: NDArray[np.bool_], *, left_out: Rows = NO_ROWS
    ) -> Alike:
        """What each lab has that is like a query that has some of these features (a,), without some
        rows."""
        values = [self._values[column] for column in columns]
        count = len(self._catalogue.lab_names)
        return Alike.of(values, has, self._catalogue.labs, count=count, left_out=left_out)

    def of(self, features: Mapping[str, int], *, left_out: Rows) -> dict[str, Column]:
        """The PHENOTYPES of each lab (l,), odds 0 where nothing is known; nothing at all when no
        feature of the query is known of any plasmid."""
        columns, has = told(features, self.names)
        labs, everything = self.tally.of(columns), self.total.of(columns)
        if len(left_out):
            gone = self._counted(left_out).of(columns)
            labs, everything = labs.plus(gone, times=-1), everything.plus(gone.total(), times=-1)
        alike = self.alike(columns, has, left_out=left_out)
        return feature_columns(has, labs, everything, alike, alike.total())
