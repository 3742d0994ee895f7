"""Answers put into words: judged queries in, one attribution for each out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import (
    Attribution,
    FusedAttribution,
    Hit,
    Neighbor,
    Provenance,
    Strength,
    Stretches,
)
from vecattr.calibration.expectation import Expectation
from vecattr.calibration.outcomes import OutcomeFit, strength_of
from vecattr.indexes.answering.embedded_queries import EmbeddedQueries
from vecattr.indexes.answering.judgement import Judgement
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.indexes.answering.verdict import doubt, fewer_classes, fusion_note, set_note, verdict
from vecattr.indexes.evidence.near_copies import copy_note
from vecattr.indexes.evidence.shown_info import with_info
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.mosaic import Reach
from vecattr.ranking.rank_fusion import RRF_CONSTANT
from vecattr.version import __version__


def attributions(
    panel: OpenedPanel, queries: EmbeddedQueries, judgement: Judgement, request: AnswerRequest
) -> Iterator[Attribution]:
    """One answer for each query, in order."""
    confidence, options = judgement.confidence, request.confidence
    doubts = [
        doubt(plasmid, unread=is_unread)
        for plasmid, is_unread in zip(queries.plasmids, queries.unread.tolist(), strict=True)
    ]
    sizes = [confidence.size(query, otherwise=request.k) for query in range(len(doubts))]
    best = _best_labs(panel, queries, judgement, sizes)
    kind = Attribution if panel.is_one_index else FusedAttribution
    for query, plasmid in enumerate(queries.plasmids):
        hits = judgement.hits(query, best[query])
        threshold = confidence.threshold(query)
        query_confidence = float(confidence.confidences[query])
        answer = kind(
            query=plasmid.id,
            length=len(plasmid),
            topology=plasmid.topology,
            labs=hits,
            verdict=verdict(
                doubtful=doubts[query] is not None,
                confidence=query_confidence,
                threshold=threshold,
            ),
            confidence=query_confidence,
            threshold=threshold,
            neighbors=fused_neighbors(
                [neighbors[query] for neighbors in queries.neighbors], n=request.neighbors
            ),
            notes=(
                *reach_notes(_reach(judgement, query), hits),
                *_notes(panel, queries, judgement, query, doubts[query], sizes[query], request),
            ),
            provenance=Provenance(__version__, panel.model_identity, panel.identity),
            work=confidence.work,
            coverage=options.coverage,
            evidence=_evidence(panel, queries, query, hits, request),
            source=plasmid.source,
            outside=confidence.outside_probability(query),
            strength=strength(hits, confidence.outside_probability(query)),
            right_share=_right_share(panel, queries, query, judgement, hits, options),
            reach=_reach(judgement, query),
            annotations=plasmid.annotations,
            bases=plasmid.sequence,
        )
        yield with_info(panel.indexes, answer)


def strength(hits: Sequence[Hit], outside: float | None) -> Strength | None:
    """By the first lab's probability; None where the index does not weigh outside labs."""
    if outside is None or not hits or hits[0].probability is None:
        return None
    return strength_of(hits[0].probability)


def _reach(judgement: Judgement, query: int) -> Reach | None:
    return None if judgement.reaches is None else judgement.reaches[query]


def reach_notes(reach: Reach | None, hits: Sequence[Hit]) -> Iterator[str]:
    """What to say of a query, or several, that is no lab's."""
    probability = hits[0].probability if hits else None
    if reach is not None and probability is not None and reach.is_no_labs(probability):
        yield reach.advice


def _right_share(
    panel: OpenedPanel,
    queries: EmbeddedQueries,
    query: int,
    judgement: Judgement,
    hits: Sequence[Hit],
    options: ConfidenceOptions,
) -> float | None:
    """How often answers of this strength were right; None where the index does not say."""
    rating = strength(hits, judgement.confidence.outside_probability(query))
    calibration = panel.indexes[0].calibration
    if rating is None or calibration is None or not panel.is_one_index:
        return None  # of fused answers it was not measured
    fits = calibration.fits(features=bool(queries.featured[query]))
    outcome = fits.together if judgement.is_joint else fits.outcome
    return right_share(outcome, options.cases, rating)


def right_share(
    outcome: OutcomeFit | None, expectation: Expectation, rating: Strength | None
) -> float | None:
    """The share of held-out plasmids with an answer of this strength whose first lab was right;
    None where nothing is known of that."""
    if outcome is None or rating is None:
        return None
    return _strengths(outcome, expectation)[rating][1]


@lru_cache(maxsize=64)
def _strengths(
    outcome: OutcomeFit, expectation: Expectation
) -> Mapping[Strength, tuple[float, float | None]]:
    """The same for all queries of an index that are asked with one expectation."""
    return outcome.strengths(expectation)


def _best_labs(
    panel: OpenedPanel, queries: EmbeddedQueries, judgement: Judgement, sizes: Sequence[int]
) -> list[NDArray[np.integer]]:
    """The columns of so many best labs of each query: found by FAISS where the vectors of one
    index rank alone, by the scores elsewhere (and where labs change because copies are left
    out)."""
    index, vectors = panel.indexes[0], queries.vectors[0]
    by_vectors = panel.is_one_index and index.scorer is None and not judgement.is_joint
    if by_vectors and not any(vectors.left_out):
        ranked = index.ranked_labs(vectors, k=max(sizes))
        return [columns[:size] for columns, size in zip(ranked, sizes, strict=True)]
    return [judgement.best(query, k=size) for query, size in enumerate(sizes)]


def fused_neighbors(lists: Sequence[Sequence[Neighbor]], *, n: int) -> tuple[Neighbor, ...]:
    """The n stored plasmids with the largest sum of 1 / (60 + place) over the lists, ties by id;
    the cosine is the mean over the lists that one is in. Of one list its first n."""
    if len(lists) == 1:
        return tuple(lists[0][:n])
    placed: dict[str, list[tuple[int, Neighbor]]] = defaultdict(list)
    for neighbors in lists:
        for place, neighbor in enumerate(neighbors, start=1):
            placed[neighbor.id].append((place, neighbor))
    ranked = []
    for name, entries in placed.items():
        score = sum(sorted(1 / (RRF_CONSTANT + place) for place, _ in entries))
        cosine = float(np.mean([neighbor.cosine for _, neighbor in entries]))
        ranked.append((-score, name, replace(entries[0][1], cosine=cosine)))
    return tuple(neighbor for _, _, neighbor in sorted(ranked, key=lambda entry: entry[:2])[:n])


def _notes(
    panel: OpenedPanel,
    queries: EmbeddedQueries,
    judgement: Judgement,
    query: int,
    query_doubt: str | None,
    size: int,
    request: AnswerRequest,
) -> tuple[str, ...]:
    """What a person should read beside the answer, doubts first."""
    confidence, coverage = judgement.confidence, request.confidence.coverage
    weighs_outside = confidence.outside is not None
    notes = (
        query_doubt,
        copy_note(
            queries.copies[query],
            left_out=request.exclude_near_copies,
            learned=panel.learned_labs,
        ),
        fewer_classes(len(judgement.names), k=size),
        set_note(size, coverage=coverage, work=confidence.work, weighs_outside=weighs_outside),
        _fusion_note(panel, weighs_outside=weighs_outside),
    )
    return tuple(note for note in notes if note is not None)


def _fusion_note(panel: OpenedPanel, *, weighs_outside: bool) -> str | None:
    """How several indexes were fused, and what of their probabilities was not fitted."""
    note = fusion_note(len(panel.indexes), fusion=panel.fusion)
    if note is None or not weighs_outside:
        return note
    is_fitted = bool(panel.calibration.plain.works)
    what = "how likely a lab outside all of them is" if is_fitted else "probabilities"
    return f"{note}; what each says by itself tells {what}"


def _evidence(
    panel: OpenedPanel,
    queries: EmbeddedQueries,
    query: int,
    hits: Sequence[Hit],
    request: AnswerRequest,
) -> Stretches | None:
    """What speaks for the first of the hits and for labs that were asked for, and the mosaic,
    without the near copies that are left out."""
    if request.evidence is None:
        return None
    copies = queries.copies[query] if request.exclude_near_copies else ()
    return panel.stretches.find(
        queries.plasmids[query],
        hits[0].name if hits else None,
        common_labs=request.evidence,
        left_out=[copy.id for copy in copies],
        others=request.evidence_for,
    )
