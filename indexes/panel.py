"""Several indexes asked as one: plasmids in, fused rankings and a verdict by majority out.

A panel of one index has that index's own scores, so that whoever measures needs to know nothing
of panels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Attribution, FusedAttribution, Hit, Neighbor, Provenance
from vecattr.calibration import Calibration, threshold_for
from vecattr.ensemble import RRF_CONSTANT, Fusion, fused_scores, lay_out
from vecattr.errors import UsageError
from vecattr.heldout import HeldOut, read_held_out
from vecattr.indexes.answer import doubt, fewer_classes, set_note, verdict
from vecattr.indexes.copies import check_bases_kept, copy_note, set_apart
from vecattr.indexes.embedding import QueryVectors, in_batches
from vecattr.indexes.engine import Index
from vecattr.indexes.folds import expanded
from vecattr.indexes.fused import FusedFits, fit_fused, majority, rank_matched
from vecattr.indexes.manifest import MODEL_FOLDER
from vecattr.indexes.overlap import Overlap
from vecattr.indexes.sureness import (
    USUAL,
    Asked,
    Sureness,
    by_features,
    check_asked,
    with_probabilities,
)
from vecattr.plasmid import Plasmid
from vecattr.version import __version__

#: Plasmids asked about at once; no answer depends on it.
BATCH = 64

#: What joins the identities of several models or indexes.
JOINT = "+"

#: What people call the ways to fuse.
_SPOKEN = {"copeland": "Copeland's method", "rrf": "reciprocal-rank fusion"}


@dataclass(frozen=True)
class Judgement:
    """Of q queries and the n labs of a panel: `scores` sort them, `cosines` are the means over the
    indexes that know the lab, both (q, n); `sure` says how sure they are."""

    scores: NDArray[np.float64]
    cosines: NDArray[np.float64]
    sure: Sureness

    def best(self, query: int, *, k: int) -> NDArray[np.intp]:
        """Columns of the k best labs of one query, best first, ties by name (names ascend)."""
        return np.argsort(-self.scores[query], kind="stable")[:k]


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
            return self._set_apart(plasmids, beside=0)[0]
        return [index.embed(plasmids) for index in self.indexes]

    def judge_vectors(self, vectors: Sequence[QueryVectors], *, asked: Asked = USUAL) -> Judgement:
        """The same from the queries' vectors in each index."""
        found = [index.lab_cosines(mine) for index, mine in zip(self.indexes, vectors, strict=True)]
        sure = [
            index.sureness(mine, cosines, asked=asked if self.is_one_index else USUAL)
            for index, mine, cosines in zip(self.indexes, vectors, found, strict=True)
        ]
        if self.is_one_index:
            return Judgement(found[0], found[0], sure[0])
        ballots = np.stack(
            [
                lay_out(cosines, index.lab_names, self.lab_names)
                for index, cosines in zip(self.indexes, found, strict=True)
            ]
        )  # (v, q, n)
        scores = fused_scores(ballots, fusion=self.fusion)
        cosines = np.nanmean(ballots, axis=0)
        featured = np.any([mine.featured for mine in vectors], axis=0)  # (q,)
        return Judgement(
            scores, cosines, self._fused(sure, rank_matched(scores, cosines), featured, asked)
        )

    def _fused(
        self,
        sure: Sequence[Sureness],
        matched: NDArray[np.float64],
        featured: NDArray[np.bool_],
        asked: Asked,
    ) -> Sureness:
        """Confidences are margins over the threshold of the deciding index, of the calibrated ones
        if there are any."""
        margins = [one.confidences - one.thresholds for one in sure if one.thresholds is not None]
        if not margins:
            return Sureness(majority([one.confidences for one in sure]))
        thresholds = np.zeros(len(matched))
        parts = []
        for features, rows in by_features(featured):
            fits = self._fused_featured if features else self._fused_plain
            if fits.margins:
                thresholds[rows] = threshold_for(fits.margins, asked.false_alarm)
            parts.append((rows, fits.works.get(asked.work)))
        return with_probabilities(Sureness(majority(margins), thresholds), matched, parts, asked)

    @cached_property
    def _held(self) -> list[tuple[HeldOut, Calibration]] | None:
        """Of each index; None when one has no held-out plasmids."""
        found = []
        for index in self.indexes:
            held = read_held_out(index.path / MODEL_FOLDER)
            if held is None or index.calibration is None:
                return None
            found.append((held, index.calibration))
        return found

    @cached_property
    def _fused_plain(self) -> FusedFits:
        return self._fit_fused(features=False)

    @cached_property
    def _fused_featured(self) -> FusedFits:
        return self._fit_fused(features=True)

    def _fit_fused(self, *, features: bool) -> FusedFits:
        if self._held is None:
            return FusedFits((), {})
        held, calibrations = zip(*self._held, strict=True)
        return fit_fused(held, calibrations, fusion=self.fusion, features=features)

    def query_many(
        self,
        plasmids: Iterable[Plasmid],
        *,
        k: int = 10,
        neighbors: int = 0,
        exclude_near_copies: bool = False,
        asked: Asked = USUAL,
    ) -> Iterator[Attribution]:
        """One answer for each plasmid, in order, as they come; of one index that index's own.
        UsageError for k below 1, neighbors below 0, or as in `Index.query_many`."""
        mine: Iterable[Plasmid] = plasmids if self.is_one_index else ()
        first = self.indexes[0].query_many(
            mine,
            k=k,
            neighbors=neighbors,
            exclude_near_copies=exclude_near_copies,
            asked=asked if self.is_one_index else USUAL,
        )
        if self.is_one_index:
            return first
        if exclude_near_copies:
            check_bases_kept(self.indexes)
        self.check(asked)
        return self._answers(plasmids, k, neighbors, exclude=exclude_near_copies, asked=asked)

    def check(self, asked: Asked) -> None:
        """UsageError for a candidate set that the panel cannot vouch for."""
        check_asked(self.indexes, asked)
        if asked.coverage is None or self.is_one_index:
            return
        if not all(asked.work in fits.works for fits in (self._fused_plain, self._fused_featured)):
            raise UsageError(
                f"too few plasmids of {asked.work} work were held out of all of these indexes' "
                "models, so no coverage can be promised for their fusion",
                hint="ask one index, or fuse folds of one training",
            )

    def _answers(
        self, plasmids: Iterable[Plasmid], k: int, n: int, *, exclude: bool, asked: Asked
    ) -> Iterator[Attribution]:
        for batch in in_batches(plasmids, most=BATCH):
            vectors, copies = self._set_apart(batch, beside=n if exclude else None)
            notes = [
                copy_note(mine, left_out=exclude, learned=self.learned_labs) for mine in copies
            ]
            judged = self.judge_vectors(vectors, asked=asked)
            near = [
                index.neighbors(mine, n=n)
                for index, mine in zip(self.indexes, vectors, strict=True)
            ]
            blank = [
                index.are_unread(mine) for index, mine in zip(self.indexes, vectors, strict=True)
            ]
            for query, plasmid in enumerate(batch):
                doubted = doubt(plasmid, unread=all(bool(mine[query]) for mine in blank))
                close = fused_neighbors([mine[query] for mine in near], n=n)
                yield self._answer(
                    plasmid,
                    judged,
                    query,
                    k=k,
                    neighbors=close,
                    doubted=doubted,
                    copied=notes[query],
                    asked=asked,
                )

    @cached_property
    def learned_labs(self) -> frozenset[str]:
        """The classes that have a learned vector in any index."""
        return frozenset[str]().union(*(index.learned_labs for index in self.indexes))

    def _set_apart(
        self, plasmids: Sequence[Plasmid], *, beside: int | None
    ) -> tuple[list[QueryVectors], list[tuple[Overlap, ...]]]:
        """As `vecattr.indexes.copies.set_apart` in each index; a copy that several hold is named
        once."""
        vectors = []
        copies: list[dict[str, Overlap]] = [{} for _ in plasmids]
        for index in self.indexes:
            mine, found = set_apart(index, plasmids, index.embed(plasmids), beside=beside)
            vectors.append(mine)
            for held, more in zip(copies, found, strict=True):
                held |= {one.id: one for one in more}
        return vectors, [tuple(held.values()) for held in copies]

    def _answer(
        self,
        plasmid: Plasmid,
        judged: Judgement,
        query: int,
        *,
        k: int,
        neighbors: tuple[Neighbor, ...],
        doubted: str | None,
        copied: str | None,
        asked: Asked,
    ) -> FusedAttribution:
        sure, size = judged.sure, judged.sure.size(query, otherwise=k)
        confidence = float(sure.confidences[query])
        spoken = f"fused from {len(self.indexes)} indexes by {_SPOKEN[self.fusion]}"
        notes = (
            doubted,
            copied,
            fewer_classes(len(self.lab_names), k=size),
            set_note(size, coverage=asked.coverage, work=asked.work),
            spoken,
        )
        scores, cosines = judged.scores[query], judged.cosines[query]
        return FusedAttribution(
            query=plasmid.id,
            length=len(plasmid),
            topology=plasmid.topology,
            labs=tuple(
                Hit(
                    self.lab_names[lab],
                    float(scores[lab]),
                    float(cosines[lab]),
                    sure.probability(query, lab),
                )
                for lab in judged.best(query, k=size).tolist()
            ),
            verdict=verdict(
                doubtful=doubted is not None,
                confidence=confidence,
                threshold=sure.threshold(query),
            ),
            confidence=confidence,
            threshold=sure.threshold(query),
            neighbors=neighbors,
            notes=tuple(text for text in notes if text is not None),
            provenance=Provenance(__version__, self.model_identity, self.identity),
            work=asked.work,
            coverage=asked.coverage,
        )


def open_panel(
    paths: Iterable[str | Path],
    *,
    fusion: Fusion = "copeland",
    device: str = "cpu",
    threads: int | None = None,
) -> Panel:
    """The indexes at these paths, all those of a folder of folds; errors as in `Index.open`."""
    opened = (Index.open(path, device=device, threads=threads) for path in expanded(paths))
    return Panel(tuple(opened), fusion)


def fused_neighbors(lists: Sequence[Sequence[Neighbor]], *, n: int) -> tuple[Neighbor, ...]:
    """The n stored plasmids with the largest sum of 1 / (60 + place) over the lists, ties by id;
    the cosine is the mean over the lists that one is in."""
    found: dict[str, list[tuple[int, Neighbor]]] = defaultdict(list)
    for mine in lists:
        for place, near in enumerate(mine, start=1):
            found[near.id].append((place, near))
    merged = []
    for name, entries in found.items():
        score = sum(sorted(1 / (RRF_CONSTANT + place) for place, _ in entries))
        cosine = float(np.mean([near.cosine for _, near in entries]))
        merged.append((-score, name, replace(entries[0][1], cosine=cosine)))
    return tuple(near for _, _, near in sorted(merged, key=lambda one: one[:2])[:n])
