"""Answers to queries: plasmids and a panel of indexes in, one attribution for each plasmid out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Attribution, FusedAttribution, Hit, Neighbor, Provenance, Stretches
from vecattr.errors import UsageError
from vecattr.indexes.answering.verdict import attribution, doubt, fewer_classes, set_note
from vecattr.indexes.evidence.near_copies import check_bases_kept, copy_note, set_apart_in_each
from vecattr.indexes.scoring.confidence import DEFAULT_OPTIONS, ConfidenceOptions
from vecattr.indexes.search.embedding import QueryVectors, in_batches
from vecattr.indexes.storage.segment_kmers import MOST_LABS
from vecattr.plasmid import Plasmid
from vecattr.ranking.rank_fusion import RRF_CONSTANT
from vecattr.version import __version__

if TYPE_CHECKING:
    from vecattr.indexes.answering.judgement import Judgement
    from vecattr.indexes.answering.panel import Panel
    from vecattr.indexes.evidence.kmer_overlap import Overlap

#: So many queries take one process less time than it takes to start others.
FEW = 128

#: What people call the ways to fuse.
_SPOKEN = {"copeland": "Copeland's method", "rrf": "reciprocal-rank fusion"}


@dataclass(frozen=True)
class Wanted:
    """What each answer is to hold: `k` labs, or the candidate set of `options` in their place, and
    so many `neighbors`; with near copies of the query, or as if there were none; with the
    `evidence` for the first lab, in which what more than so many labs share is common (None:
    without it).

    UsageError for numbers out of range.
    """

    k: int = 10
    neighbors: int = 0
    exclude_near_copies: bool = False
    options: ConfidenceOptions = DEFAULT_OPTIONS
    evidence: int | None = None

    def __post_init__(self) -> None:
        _at_least(1, k=self.k)
        _at_least(0, neighbors=self.neighbors)
        if self.evidence is not None and not 1 <= self.evidence <= MOST_LABS:
            raise UsageError(
                f"evidence that is common beyond {self.evidence} labs, expected 1 to {MOST_LABS}",
                hint="an index does not tell which labs have what more of them share",
            )


def answers(
    panel: Panel,
    plasmids: Iterable[Plasmid],
    wanted: Wanted,
    *,
    batch_size: int,
    processes: int = 1,
) -> Iterator[Attribution]:
    """One answer for each plasmid, in order, as they come. At once, not at the first answer:
    UsageError when the panel cannot tell near copies, has no evidence, or cannot vouch for a
    coverage. `processes` are started when more than FEW plasmids come."""
    _at_least(1, batch_size=batch_size, processes=processes)
    if wanted.exclude_near_copies:
        check_bases_kept(panel.indexes)
    if wanted.evidence is not None:
        from vecattr.indexes.evidence.stretches import check_kmers_kept

        check_kmers_kept(panel.indexes)
    panel.check(wanted.options)
    batches = in_batches(plasmids, most=batch_size)
    if processes > 1:
        return _in_processes(panel, batches, wanted, processes=processes)
    return (answer for batch in batches for answer in answers_of_batch(panel, batch, wanted))


def _in_processes(
    panel: Panel, batches: Iterator[list[Plasmid]], wanted: Wanted, *, processes: int
) -> Iterator[Attribution]:
    """The same by several processes, unless there are too few plasmids for that to pay."""
    first: list[list[Plasmid]] = []
    for batch in batches:
        first.append(batch)
        if sum(map(len, first)) > FEW:
            from vecattr.indexes.answering.worker_pool import Orders, answers_in_processes

            every = chain(first, batches)
            yield from answers_in_processes(Orders.of(panel, wanted), every, processes=processes)
            return
    for batch in first:
        yield from answers_of_batch(panel, batch, wanted)


def answers_of_batch(
    panel: Panel, batch: Sequence[Plasmid], wanted: Wanted
) -> Iterator[Attribution]:
    """The answers of some plasmids, embedded and searched for together."""
    options, exclude = wanted.options, wanted.exclude_near_copies
    beside = wanted.neighbors if exclude else None
    vectors, copies = set_apart_in_each(panel.indexes, batch, beside=beside)
    near = [
        index.neighbors(mine, n=max(wanted.neighbors, 1 if index.calibration else 0))
        for index, mine in zip(panel.indexes, vectors, strict=True)
    ]
    judged = panel.judge_vectors(vectors, options=options, nearest=list(map(_best_cosines, near)))
    unread = np.all(
        [index.are_unread(mine) for index, mine in zip(panel.indexes, vectors, strict=True)], axis=0
    )
    sure = judged.sure
    sizes = [sure.size(query, otherwise=wanted.k) for query in range(len(batch))]
    best = _best_labs(panel, vectors, judged, sizes)
    for query, (plasmid, size) in enumerate(zip(batch, sizes, strict=True)):
        hits = judged.hits(query, best[query], names=panel.lab_names)
        yield attribution(
            plasmid,
            hits,
            confidence=float(sure.confidences[query]),
            threshold=sure.threshold(query),
            neighbors=fused_neighbors([mine[query] for mine in near], n=wanted.neighbors),
            doubt=doubt(plasmid, unread=bool(unread[query])),
            notes=(
                copy_note(copies[query], left_out=exclude, learned=panel.learned_labs),
                fewer_classes(len(panel.lab_names), k=size),
                set_note(size, coverage=options.coverage, work=options.work),
                _fusion_note(panel),
            ),
            provenance=Provenance(__version__, panel.model_identity, panel.identity),
            work=options.work,
            coverage=options.coverage,
            evidence=_evidence(panel, plasmid, hits, copies[query], wanted),
            kind=Attribution if panel.is_one_index else FusedAttribution,
        )


def _evidence(
    panel: Panel,
    plasmid: Plasmid,
    hits: Sequence[Hit],
    copies: Iterable[Overlap],
    wanted: Wanted,
) -> Stretches | None:
    """What speaks for the first of the hits, without the near copies that are left out."""
    if wanted.evidence is None:
        return None
    return panel.stretches.find(
        plasmid,
        hits[0].name if hits else None,
        common_labs=wanted.evidence,
        left_out=[one.id for one in copies] if wanted.exclude_near_copies else (),
    )


def _best_labs(
    panel: Panel, vectors: Sequence[QueryVectors], judged: Judgement, sizes: Sequence[int]
) -> list[NDArray[np.integer]]:
    """The columns of so many best labs of each query: found by FAISS in one index, by the fused
    scores of several (and where labs change because copies are left out)."""
    vectors_rank = panel.is_one_index and panel.indexes[0].fused is None
    if vectors_rank and not any(vectors[0].left_out):
        ranked = panel.indexes[0].ranked_labs(vectors[0], k=max(sizes))
        return [columns[:size] for columns, size in zip(ranked, sizes, strict=True)]
    return [judged.best(query, k=size) for query, size in enumerate(sizes)]


def _best_cosines(near: Sequence[Sequence[Neighbor]]) -> NDArray[np.float64]:
    """Of the first neighbour of each query, (q,); -1 where there is none."""
    return np.array([mine[0].cosine if mine else -1.0 for mine in near])


def _fusion_note(panel: Panel) -> str | None:
    """How many indexes answered, and how they were fused; None when one answered."""
    if panel.is_one_index:
        return None
    return f"fused from {len(panel.indexes)} indexes by {_SPOKEN[panel.fusion]}"


def fused_neighbors(lists: Sequence[Sequence[Neighbor]], *, n: int) -> tuple[Neighbor, ...]:
    """The n stored plasmids with the largest sum of 1 / (60 + place) over the lists, ties by id;
    the cosine is the mean over the lists that one is in. Of one list its first n."""
    if len(lists) == 1:
        return tuple(lists[0][:n])
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


def _at_least(smallest: int, **values: int) -> None:
    for name, value in values.items():
        if value < smallest:
            raise UsageError(f"{name} is {value}, expected {smallest} or more")
