"""Several indexes asked as one: plasmids in, fused rankings and a verdict by majority out.

A panel of one index has that index's own scores, so that whoever measures needs to know nothing
of panels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Attribution
from vecattr.errors import UsageError
from vecattr.indexes.answering.answers import Wanted, answers
from vecattr.indexes.answering.judgement import Judgement
from vecattr.indexes.evidence.near_copies import set_apart_in_each
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions, check_asked
from vecattr.indexes.scoring.opened_index import BATCH, Index
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.storage.fold_indexes import expand_folds
from vecattr.plasmid import Plasmid
from vecattr.ranking.rank_fusion import Fusion, fused_scores, lay_out

if TYPE_CHECKING:
    from vecattr.indexes.answering.panel_calibration import FusedCalibration
    from vecattr.indexes.evidence.stretches import StretchFinder

#: What joins the identities of several models or indexes.
JOINT = "+"


@dataclass(frozen=True)
class Panel:
    """At least one opened index; UsageError when one is there twice."""

    indexes: tuple[Index, ...]
    fusion: Fusion = "copeland"

    def __post_init__(self) -> None:
        assert self.indexes, "a panel has a member"
        paths = [index.path.resolve() for index in self.indexes]
        for path, count in Counter(paths).items():
            if count > 1:
                raise UsageError(
                    f"the index {path} is given {count} times", hint="give each index once"
                )

    @property
    def is_one_index(self) -> bool:
        """Whether there is nothing to fuse."""
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
    def plasmid_counts(self) -> dict[str, int]:
        """The stored plasmids of each class, in the index that has most of them."""
        sizes: dict[str, int] = {}
        for entry in (entry for index in self.indexes for entry in index.labs()):
            sizes[entry.name] = max(sizes.get(entry.name, 0), entry.plasmids)
        return sizes

    def judge(self, plasmids: Sequence[Plasmid], *, exclude_near_copies: bool = False) -> Judgement:
        """Scores, cosines and confidences of some plasmids; `exclude_near_copies` as in
        `Index.query_many`."""
        return self.judge_vectors(self.embed(plasmids, exclude_near_copies=exclude_near_copies))

    def embed(
        self, plasmids: Sequence[Plasmid], *, exclude_near_copies: bool = False
    ) -> list[QueryVectors]:
        """The vectors of the queries in each index; these leave near copies out when asked to."""
        if exclude_near_copies:
            return set_apart_in_each(self.indexes, plasmids, beside=0)[0]
        return [index.embed(plasmids) for index in self.indexes]

    def judge_vectors(
        self,
        vectors: Sequence[QueryVectors],
        *,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        nearest: Sequence[NDArray[np.float64] | None] | None = None,
    ) -> Judgement:
        """The same from the queries' vectors in each index; `nearest` as in `Index.confidence_of`,
        for each index."""
        found = [index.lab_cosines(mine) for index, mine in zip(self.indexes, vectors, strict=True)]
        scored = [
            index.lab_scores(mine, cosines)
            for index, mine, cosines in zip(self.indexes, vectors, found, strict=True)
        ]
        featured = np.any([mine.featured for mine in vectors], axis=0)  # (q,)
        each = options
        if not self.is_one_index:
            each = self._calibration.asked_of_each(options, features=bool(featured.any()))
        sure = [
            index.confidence_of(mine, scores, options=each, nearest=near)
            for index, mine, scores, near in zip(
                self.indexes, vectors, scored, nearest or [None] * len(found), strict=True
            )
        ]
        if self.is_one_index:
            return Judgement(scored[0], found[0], sure[0])
        from vecattr.indexes.answering.panel_calibration import fused_confidence, rank_matched

        ballots, cosines = self._laid_out(scored), self._laid_out(found)  # (v, q, n)
        scores = fused_scores(ballots, fusion=self.fusion)
        matched = rank_matched(scores, np.nanmean(ballots, axis=0))
        return Judgement(
            scores,
            np.nanmean(cosines, axis=0),
            fused_confidence(self._calibration, sure, matched, featured, options),
        )

    def _laid_out(self, found: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """What each index says of its own labs, over the labs of all, (v, q, n)."""
        return np.stack(
            [
                lay_out(mine, index.lab_names, self.lab_names)
                for index, mine in zip(self.indexes, found, strict=True)
            ]
        )

    @cached_property
    def _calibration(self) -> FusedCalibration:
        """Of the fused answers; it knows nothing when an index has no held-out plasmids."""
        from vecattr.indexes.answering.panel_calibration import FusedCalibration

        parts = [(index.held_out, index.calibration) for index in self.indexes]
        known = [(held, one) for held, one in parts if held is not None and one is not None]
        return FusedCalibration(tuple(known) if len(known) == len(parts) else (), self.fusion)

    def query_many(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        batch_size: int = BATCH,
        exclude_near_copies: bool = False,
        options: ConfidenceOptions = DEFAULT_OPTIONS,
        evidence: int | None = None,
        processes: int = 1,
    ) -> Iterator[Attribution]:
        """One answer for each plasmid, in order, as they come; of one index that index's own.
        UsageError as in `Index.query_many`. With several `processes` many plasmids are asked about
        side by side (`vecattr.indexes.answering.worker_pool`); indexes with an embedder of the
        caller's cannot."""
        wanted = Wanted(k, neighbors, exclude_near_copies, options, evidence)
        return answers(self, plasmids, wanted, batch_size=batch_size, processes=processes)

    @cached_property
    def stretches(self) -> StretchFinder:
        """Over the plasmids of all indexes; every segment must have k-mers."""
        from vecattr.indexes.evidence.stretches import StretchFinder

        segments = [segment for index in self.indexes for segment in index.segments]
        return StretchFinder(segments, self.lab_names)

    def check(self, options: ConfidenceOptions) -> None:
        """UsageError for a candidate set that the panel cannot vouch for."""
        check_asked(self.indexes, options)
        if options.coverage is None or self.is_one_index:
            return
        if options.work not in self._calibration.plain.works:  # featured ones know the same kinds
            raise UsageError(
                f"too few plasmids of {options.work} work were held out of all of these indexes' "
                "models, so no coverage can be promised for their fusion",
                hint="ask one index, or fuse folds of one training",
            )

    @cached_property
    def learned_labs(self) -> frozenset[str]:
        """The classes that have a learned vector in any index."""
        return frozenset[str]().union(*(index.learned_labs for index in self.indexes))


def open_panel(
    paths: Iterable[str | Path],
    *,
    fusion: Fusion = "copeland",
    device: str = "cpu",
    threads: int | None = None,
    exact: bool = False,
) -> Panel:
    """The indexes at these paths, all those of a folder of folds; errors as in `Index.open`."""
    opened = (
        Index.open(path, device=device, threads=threads, exact=exact)
        for path in expand_folds(paths)
    )
    return Panel(tuple(opened), fusion)
