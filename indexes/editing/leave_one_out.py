"""Scores of stored plasmids by the evidence ranker, leave-one-out: a calibration set without them
and the segments in, the set with them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.calibration_set import HeldOut
from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.lab_scorer import lab_scorer
from vecattr.indexes.storage.live_segment import LiveSegment, living_places, row_numbers
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import PHENOTYPES, EvidenceRanker
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import Rows

#: At most this many reserved plasmids of each kind of work are scored, evenly spaced.
MOST = 1_500


def with_lab_scores(
    held_out: HeldOut, ranker: EvidenceRanker | None, segments: Sequence[LiveSegment]
) -> HeldOut:
    """At most MOST plasmids of each kind of work, with the ranker's scores; without a ranker or
    k-mers the whole set, unchanged.

    A plasmid of new work is scored as if its whole group were not stored, any other as if only
    itself were not.
    """
    scorer = lab_scorer(ranker, segments, held_out.labs.names)
    if scorer is None:
        return held_out
    sample = held_out.where(_evenly_spaced(held_out.is_new))
    cosines = sample.scores(features=False)
    code_of = {name: code for code, name in enumerate(scorer.catalogue.lab_names)}
    scores = np.zeros((2, len(sample), len(held_out.labs.names)), dtype=np.float32)
    nearest = np.zeros((2, len(sample)), dtype=np.float32)
    stored = zip(
        _stored_plasmids(sample, segments), scorer.stored_cosines(sample.bare), strict=True
    )
    for query, ((plasmid, lab, row), stored_cosines) in enumerate(stored):
        left_out = _group_rows(scorer.catalogue, row) if sample.is_new[query] else np.array([row])
        columns = scorer.columns(
            plasmid, sample.bare[query], cosines[query], left_out, stored_cosines
        )
        nearest_of_others = np.delete(columns["nearest"], code_of[lab])
        nearest[:, query] = columns["nearest"].max(initial=-1), nearest_of_others.max(initial=-1)
        scores[1, query] = scorer.class_scores(columns)
        for name in PHENOTYPES:
            columns.pop(name, None)
        scores[0, query] = scorer.class_scores(columns)
    return replace(
        sample, nearest=nearest[0], nearest_other=nearest[1], lab_scores=(scores[0], scores[1])
    )


def _evenly_spaced(is_new: NDArray[np.bool_]) -> NDArray[np.intp]:
    """At most MOST rows of each kind, evenly spaced."""
    kinds = [np.flatnonzero(is_new == kind) for kind in (False, True)]
    return np.sort(np.concatenate([rows[:: max(1, -(-len(rows) // MOST))] for rows in kinds]))


def _stored_plasmids(
    held_out: HeldOut, segments: Sequence[LiveSegment]
) -> list[tuple[Plasmid, str, int]]:
    """Each plasmid as it is stored, with its true lab and its row over all segments."""
    places = living_places(segments, held_out.ids)
    row_of = row_numbers(segments, places)
    plasmids = []
    for name in held_out.ids:
        segment, row = places[name]
        stored = segment.plasmid(row)
        assert stored.bases is not None, "segments with k-mers keep bases"
        features = (
            dict(zip(stored.features[0], stored.features[1], strict=True))
            if stored.features
            else None
        )
        plasmid = Plasmid(name, unpack_bases(stored.bases), stored.topology, features)
        plasmids.append((plasmid, stored.lab, row_of[name]))
    return plasmids


def _group_rows(catalogue: Catalogue, row: int) -> Rows:
    """All living rows of a row's group."""
    return np.flatnonzero((catalogue.groups == catalogue.groups[row]) & (catalogue.labs >= 0))
