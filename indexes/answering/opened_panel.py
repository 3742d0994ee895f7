"""Several opened indexes that answer as one: their names, their fused calibration, their stretches.

A panel of one index has that index's own scores, so that whoever measures needs to know nothing
of panels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.indexes.scoring.confidence import ConfidenceOptions, check_promised
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.storage.index_folder import expand_folds
from vecattr.plasmid import POOLED
from vecattr.ranking.rank_fusion import Fusion, check_weights

if TYPE_CHECKING:
    from vecattr.indexes.answering.panel_calibration import FusedCalibration
    from vecattr.indexes.evidence.stretches import StretchFinder

#: What joins the identities of several models or indexes.
JOINT = "+"


@dataclass(frozen=True)
class OpenedPanel:
    """At least one opened index; UsageError when one is there twice, and for `weights` that do not
    fit (`vecattr.ranking.rank_fusion.check_weights`)."""

    indexes: tuple[OpenedIndex, ...]
    fusion: Fusion = "copeland"
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        assert self.indexes, "a panel has a member"
        paths = [index.path.resolve() for index in self.indexes]
        for path, count in Counter(paths).items():
            if count > 1:
                raise UsageError(
                    f"the index {path} is given {count} times", hint="give each index once"
                )
        check_weights(self.weights, fusion=self.fusion, voters=len(self.indexes))

    @classmethod
    def open(
        cls,
        paths: Iterable[str | Path],
        *,
        fusion: Fusion = "copeland",
        weights: Sequence[float] = (),
        device: str = "cpu",
        threads: int | None = None,
        exact: bool = False,
    ) -> Self:
        """The indexes at these paths, all those of a folder of folds; errors as in
        `OpenedIndex.open`."""
        indexes = (
            OpenedIndex.open(path, device=device, threads=threads, exact=exact)
            for path in expand_folds(paths)
        )
        return cls(tuple(indexes), fusion, tuple(weights))

    @property
    def is_one_index(self) -> bool:
        """Does one index answer alone, so that nothing is fused?"""
        return len(self.indexes) == 1

    @property
    def model_identity(self) -> str:
        """Hex; of several members joined by a plus sign."""
        return JOINT.join(index.model_identity for index in self.indexes)

    @property
    def identity(self) -> str:
        """Hex; of several members joined by a plus sign."""
        return JOINT.join(index.identity for index in self.indexes)

    @cached_property
    def lab_names(self) -> tuple[str, ...]:
        """The classes that any index knows, sorted."""
        if self.is_one_index:
            return self.indexes[0].lab_names
        return tuple(sorted({name for index in self.indexes for name in index.lab_names}))

    @cached_property
    def learned_labs(self) -> frozenset[str]:
        """The classes that have a learned vector in any index."""
        return frozenset[str]().union(*(index.learned_labs for index in self.indexes))

    @cached_property
    def feature_names(self) -> frozenset[str] | None:
        """The features that any index knows; None when one cannot tell."""
        names: frozenset[str] = frozenset()
        for index in self.indexes:
            if index.feature_names is None:
                return None
            names |= index.feature_names
        return names

    @cached_property
    def plasmid_counts(self) -> dict[str, int]:
        """The stored plasmids of each class, in the index that has most of them."""
        counts: dict[str, int] = {}
        for entry in (entry for index in self.indexes for entry in index.labs()):
            counts[entry.name] = max(counts.get(entry.name, 0), entry.plasmids)
        return counts

    @cached_property
    def lab_sizes(self) -> dict[str, int]:
        """The stored plasmids of each lab by name, pooled ones too, in the index that has most."""
        sizes: Counter[str] = Counter()
        for index in self.indexes:
            of_index: Counter[str] = Counter()
            for segment in index.segments:
                of_index.update(segment.lab_sizes())
            sizes |= of_index  # the larger count of each name
        return sizes

    @cached_property
    def calibration(self) -> FusedCalibration:
        """Of the fused answers; it knows nothing when an index has no held-out plasmids."""
        from vecattr.indexes.answering.panel_calibration import FusedCalibration  # start-up

        fitted = [
            (index.held_out, index.calibration)
            for index in self.indexes
            if index.held_out is not None and index.calibration is not None
        ]
        is_complete = len(fitted) == len(self.indexes)
        return FusedCalibration(tuple(fitted) if is_complete else (), self.fusion, self.weights)

    @property
    def weighs_outside(self) -> bool:
        """Does every index weigh labs that it does not know?"""
        calibrations = [index.calibration for index in self.indexes]
        return all(one is not None and one.weighs_outcomes for one in calibrations)

    @cached_property
    def shared_labs(self) -> NDArray[np.float64]:
        """Of the labs of each index, by name, the share that each index knows, (v, v)."""
        known = [frozenset(index.answer_names) - {POOLED} for index in self.indexes]
        return np.array([[len(a & b) / max(len(a), 1) for b in known] for a in known])

    @property
    def has_evidence(self) -> bool:
        """Do all indexes keep the k-mers that tell stretches?"""
        from vecattr.indexes.scoring.lab_features import LabFeatures  # start-up

        return all(LabFeatures.are_in(index.segments) for index in self.indexes)

    @cached_property
    def stretches(self) -> StretchFinder:
        """Over the plasmids of all indexes; every segment must have k-mers."""
        from vecattr.indexes.evidence.stretches import StretchFinder  # start-up

        segments = [segment for index in self.indexes for segment in index.segments]
        scorer = self.indexes[0].scorer if self.is_one_index else None
        features = None if scorer is None else scorer.lab_features
        return StretchFinder(segments, self.lab_names, features=features)

    def check_labs(self, names: Iterable[str]) -> None:
        """UsageError for the first of these labs or classes that no index knows."""
        known = {name for index in self.indexes for name in (*index.lab_names, *index.answer_names)}
        for name in names:
            if name not in known:
                raise UsageError(
                    f"no lab {name!r} to show evidence for", hint="`vecattr list-labs` names them"
                )

    def check(self, options: ConfidenceOptions) -> None:
        """UsageError for a candidate set that the panel cannot promise."""
        for index in self.indexes:
            check_promised(index.calibration, options, path=index.path)
        if options.coverage is None or self.is_one_index:
            return
        work = options.likelier_work
        if work not in self.calibration.plain.works:  # featured ones know the same kinds
            raise UsageError(
                f"too few plasmids of {work} work were held out of all of these indexes' "
                "models, so no coverage can be promised for their fusion",
                hint="ask one index, or fuse folds of one training",
            )
