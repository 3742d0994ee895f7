"""What a fusion says of reserved plasmids as if they were not stored: a held-out sheet and the
segments in, the same sheet with fused scores out."""

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

#: Reserved plasmids of each kind of work that are asked about, spread over all.
MOST = 1_500


def with_lab_scores(
    held: HeldOut, ranker: EvidenceRanker | None, segments: Sequence[LiveSegment]
) -> HeldOut:
    """Some of the same plasmids, with scores by everything that is known; all of them, as they are,
    without a fusion or k-mers.

    A plasmid of new work is asked about as if its whole group were not stored, another as if it
    alone were not.
    """
    labs = lab_scorer(ranker, segments, held.labs.names)
    if labs is None:
        return held
    some = held.where(_spread(held.is_new))
    cosines = some.scores(features=False)
    own = {name: code for code, name in enumerate(labs.catalogue.lab_names)}
    classes = len(held.labs.names)
    found = np.zeros((2, len(some), classes), dtype=np.float32)
    nearest = np.zeros((2, len(some)), dtype=np.float32)
    stored = zip(_stored(some, segments), labs.stored_cosines(some.bare), strict=True)
    for number, ((plasmid, lab, row), near) in enumerate(stored):
        gone = _rows_of_work(labs.catalogue, row) if some.is_new[number] else np.array([row])
        columns = labs.columns(plasmid, some.bare[number], cosines[number], gone, near)
        others = np.delete(columns["nearest"], own[lab])
        nearest[:, number] = columns["nearest"].max(initial=-1), others.max(initial=-1)
        found[1, number] = labs.class_scores(columns)
        for name in PHENOTYPES:
            columns.pop(name, None)
        found[0, number] = labs.class_scores(columns)
    return replace(
        some, nearest=nearest[0], nearest_other=nearest[1], lab_scores=(found[0], found[1])
    )


def _spread(is_new: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of each kind, at most MOST, evenly apart."""
    kinds = [np.flatnonzero(is_new == kind) for kind in (False, True)]
    return np.sort(np.concatenate([rows[:: max(1, -(-len(rows) // MOST))] for rows in kinds]))


def _stored(held: HeldOut, segments: Sequence[LiveSegment]) -> list[tuple[Plasmid, str, int]]:
    """Each plasmid as it is stored, with its true lab and its number among all rows."""
    places = living_places(segments, held.ids)
    numbers = row_numbers(segments, places)
    found = []
    for name in held.ids:
        segment, row = places[name]
        record = segment.plasmid(row)
        assert record.bases is not None, "segments with k-mers keep bases"
        features = (
            dict(zip(record.features[0], record.features[1], strict=True))
            if record.features
            else None
        )
        plasmid = Plasmid(name, unpack_bases(record.bases), record.topology, features)
        found.append((plasmid, record.lab, numbers[name]))
    return found


def _rows_of_work(catalogue: Catalogue, row: int) -> Rows:
    """All living rows of a row's group."""
    return np.flatnonzero((catalogue.groups == catalogue.groups[row]) & (catalogue.labs >= 0))
