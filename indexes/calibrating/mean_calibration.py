"""Calibration of labs whose vectors are means: stored plasmids in, calibration files out.

Learned lab vectors are calibrated in training. Means are computed when the index is built, and so
is their calibration: the reserve of the plasmids (whole groups, and single plasmids of others) is
left out of the means and scored against what the rest gives. An encoder that was trained on the
same table without its reserve, as the shipped one was, has not seen these plasmids; for any other
encoder the figures are optimistic.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from vecattr.calibration.calibration import fit_calibration
from vecattr.calibration.calibration_set import HeldOut, nearest_cosines
from vecattr.datasets.reserve import SplitHashes, reserve
from vecattr.datasets.splits import first_of_each_group
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE, REPLACED_FILES
from vecattr.files.atomic import atomic_write, sha256_bytes, translated_errors
from vecattr.files.folder import Entry
from vecattr.indexes.calibrating.held_out_scoring import Workers
from vecattr.indexes.calibrating.leave_one_out import evenly_spaced, left_out_scores, most_scored
from vecattr.indexes.calibrating.living_rows import LivingRows
from vecattr.indexes.joining.joined_kmers import PlacedJoin, open_joined
from vecattr.indexes.scoring.lab_features import LabFeatures
from vecattr.indexes.storage.lab_parts import LabPart, effective_labs, mean_part
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts, ModelFiles
from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.ranking.evidence_ranker import EvidenceRanker, read_ranker
from vecattr.vectors import EmbeddingTable, Rows

#: Vectors that are read at once to make means of classes, about.
_ROWS_AT_ONCE = 1 << 16

SOURCE = "the reserve, left out of the labs' means: whole groups, and single plasmids of others"


def held_out_of_means(
    segments: Sequence[LiveSegment], split_hashes: SplitHashes, *, most: int | None = None
) -> HeldOut | None:
    """The reserve of the segments' living plasmids, a few of each group, and the class vectors that
    the other plasmids give; None when nothing is reserved. `split_hashes` are of all living rows,
    in order. With `most` given, for a scorer of labs, so many plasmids of each kind of work, and
    without cosines of nearest plasmids, which the scorer finds."""
    living = LivingRows.from_segments(segments)
    reserved = reserve(living.labels, split_hashes)
    groups = split_hashes.groups.tolist()
    new_work = first_of_each_group(groups, reserved.new_work)
    held_out_rows = np.flatnonzero(new_work | reserved.known_work)
    kept_rows = np.flatnonzero(~reserved.rows)
    if not len(held_out_rows) or not len(kept_rows):
        return None
    if most is not None:
        sample = evenly_spaced(reserved.new_work[held_out_rows], most=most)
        held_out_rows = held_out_rows[sample]
    held_out = living.vectors(held_out_rows)
    table = _mean_labs(living, kept_rows)
    code_of = {name: code for code, name in enumerate(table.names)}
    nearest = np.full((2, len(held_out)), -1.0, dtype=np.float32)
    if most is None:
        labs = [living.labs[row] for row in held_out_rows.tolist()]
        for rows, vectors in living.blocks(kept_rows):
            stored_labs = [living.labs[row] for row in rows.tolist()]
            cosines = nearest_cosines(held_out, vectors, query_labs=labs, stored_labs=stored_labs)
            nearest = np.maximum(nearest, cosines)
    return HeldOut(
        ids=living.ids(held_out_rows),
        labels=np.array(
            [code_of[living.labels[row]] for row in held_out_rows.tolist()], dtype=np.int64
        ),
        is_new=reserved.new_work[held_out_rows],
        full=held_out,
        bare=held_out,
        nearest=nearest[0],
        nearest_other=nearest[1],
        labs=table,
    )


def _mean_labs(living: LivingRows, kept: Rows) -> EmbeddingTable:
    """The effective vector of every class, made of the rows that are kept (n,). So many vectors as
    a segment may hold are in memory at a time, or those of one class."""
    moments = Moments.from_pieces(
        (vectors for _, vectors in living.blocks(kept)), width=living.segments[0].stored.width
    )
    labs = effective_labs(_mean_parts(living, kept), Discriminant.from_moments([moments]))
    return EmbeddingTable(tuple(lab.name for lab in labs), np.stack([lab.vector for lab in labs]))


def _mean_parts(living: LivingRows, kept: Rows) -> Iterator[LabPart]:
    """The mean of each class, as `lab_parts` makes it of all vectors together."""
    rows_of: dict[str, list[int]] = {}
    for row in kept.tolist():
        rows_of.setdefault(living.labels[row], []).append(row)
    names: list[str] = []
    count = 0
    for name in sorted(rows_of):
        names.append(name)
        count += len(rows_of[name])
        if count >= _ROWS_AT_ONCE:
            yield from _means_of(living, {name: rows_of[name] for name in names})
            names, count = [], 0
    yield from _means_of(living, {name: rows_of[name] for name in names})


def _means_of(living: LivingRows, rows_of: Mapping[str, list[int]]) -> Iterator[LabPart]:
    """The mean of each of some classes, from its rows."""
    rows = np.array([row for rows in rows_of.values() for row in rows], dtype=np.int64)
    vectors, start = living.vectors(rows), 0
    for name, members in rows_of.items():
        yield mean_part(name, vectors[start : start + len(members)])
        start += len(members)


def calibrate_means(
    model: Entry,
    files: ModelFiles,
    segments: Sequence[LiveSegment],
    *,
    split_hashes: SplitHashes,
    workers: Workers | None = None,
) -> ModelFiles:
    """Replace the calibration files in the model folder by those of means, or delete them when too
    few plasmids can be left out; returns the model's files after that."""
    facts_of = {name: facts for name, facts in files if name not in REPLACED_FILES}
    for name in REPLACED_FILES:
        with translated_errors(model / name), contextlib.suppress(FileNotFoundError):
            (model / name).delete()
    joined = open_joined(model.parent, segments)
    contents = new_calibration(read_ranker(model), segments, split_hashes, workers, joined=joined)
    for name, content in contents.items():
        atomic_write(model / name, content, in_shared_folder=True)
        facts_of[name] = FileFacts(sha256_bytes(content), len(content))
    return tuple(sorted(facts_of.items()))


def new_calibration(
    ranker: EvidenceRanker | None,
    segments: Sequence[LiveSegment],
    split_hashes: SplitHashes,
    workers: Workers | None = None,
    *,
    joined: tuple[PlacedJoin, ...] = (),
) -> dict[str, bytes]:
    """The calibration files of means by their usual names; none when too few plasmids can be left
    out. `workers` score plasmids beside this process; `joined` are the joined k-mers."""
    most = None
    labs = frozenset(name for segment in segments for name in segment.lab_sizes())
    if ranker is not None and LabFeatures.are_in(segments):  # then only a sample is scored
        most = most_scored(len(labs))
    held_out = held_out_of_means(segments, split_hashes, most=most)
    if held_out is None:
        return {}
    with left_out_scores(held_out, ranker, segments, workers, joined) as left_out:
        rows = left_out.case_rows
        calibration = fit_calibration(left_out.held_out, source=SOURCE, case_rows=rows)
        if calibration is None:
            return {}
        content = replace(left_out.with_groups(calibration), labs=labs).to_json()
    return {HELD_OUT_FILE: left_out.held_out.to_bytes(), CALIBRATION_FILE: content}
