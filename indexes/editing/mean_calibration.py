"""Calibration of labs whose vectors are means: stored plasmids in, calibration files out.

Learned lab vectors are calibrated in training. Means are computed when the index is built, and so
is their calibration: the reserve of the plasmids (whole groups, and single plasmids of others) is
left out of the means and scored against what the rest gives. An encoder that was trained on the
same table without its reserve, as the shipped one was, has not seen these plasmids; for any other
encoder the figures are optimistic.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np

from vecattr.calibration.calibration import fit_calibration
from vecattr.calibration.calibration_set import HeldOut, nearest_cosines
from vecattr.datasets.reserve import SplitHash, reserve
from vecattr.datasets.splits import first_of_each_group
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE, REPLACED_FILES
from vecattr.files.atomic import atomic_write, sha256_bytes, translated_errors
from vecattr.files.folder import Entry
from vecattr.indexes.editing.leave_one_out import evenly_spaced, most_scored, with_lab_scores
from vecattr.indexes.scoring.lab_features import LabFeatures
from vecattr.indexes.storage.lab_parts import effective_labs, lab_parts
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts, ModelFiles
from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.ranking.evidence_ranker import EvidenceRanker, read_ranker
from vecattr.vectors import EmbeddingTable, Rows, Vectors

SOURCE = "the reserve, left out of the labs' means: whole groups, and single plasmids of others"


def held_out_of_means(
    segments: Sequence[LiveSegment],
    split_hashes: Mapping[str, SplitHash],
    *,
    most: int | None = None,
) -> HeldOut | None:
    """The reserve of the segments' living plasmids, a few of each group, `most` of each kind of
    work when it is given, and the class vectors that the other plasmids give; None when nothing is
    reserved. `split_hashes` are by id."""
    living = [segment.rows() for segment in segments]
    pairs = list(zip(segments, living, strict=True))
    labels = [name for segment, rows in pairs for name in segment.labels(rows)]
    labs = [name for segment, rows in pairs for name in segment.labs(rows)]
    ids = [segment.stored.all_ids[row] for segment, rows in pairs for row in rows.tolist()]
    hashes = [split_hashes[name] for name in ids]
    reserved = reserve(labels, hashes)
    new_work = first_of_each_group([split_hash.group for split_hash in hashes], reserved.new_work)
    held_out_rows = np.flatnonzero(new_work | reserved.known_work)
    kept_rows = np.flatnonzero(~reserved.rows)
    if not len(held_out_rows) or not len(kept_rows):
        return None
    if most is not None:
        sample = evenly_spaced(reserved.new_work[held_out_rows], most=most)
        held_out_rows = held_out_rows[sample]
    kept, held_out = _rows_of(pairs, kept_rows), _rows_of(pairs, held_out_rows)
    table = _mean_labs([labels[row] for row in kept_rows], kept)
    code_of = {name: code for code, name in enumerate(table.names)}
    nearest, nearest_other = nearest_cosines(
        held_out,
        kept,
        query_labs=[labs[row] for row in held_out_rows],
        stored_labs=[labs[row] for row in kept_rows],
    )
    return HeldOut(
        ids=tuple(ids[row] for row in held_out_rows),
        labels=np.array([code_of[labels[row]] for row in held_out_rows], dtype=np.int64),
        is_new=reserved.new_work[held_out_rows],
        full=held_out,
        bare=held_out,
        nearest=nearest,
        nearest_other=nearest_other,
        labs=table,
    )


def _rows_of(pairs: Sequence[tuple[LiveSegment, Rows]], wanted: Rows) -> Vectors:
    """The vectors of some living rows, ascending, of all segments together; nothing else is
    copied."""
    firsts = np.cumsum([0, *(len(rows) for _, rows in pairs)])
    ends = np.searchsorted(wanted, firsts)
    pieces = [
        segment.stored.vectors[rows[wanted[start:stop] - first]]
        for (segment, rows), first, start, stop in zip(pairs, firsts, ends, ends[1:], strict=False)
    ]
    return np.concatenate(pieces)


def _mean_labs(labels: Sequence[str], vectors: Vectors) -> EmbeddingTable:
    """The effective vector of every class of these labels (n,), made of the vectors (n, d)."""
    discriminant = Discriminant.from_moments([Moments.from_vectors(vectors)])
    labs = effective_labs(lab_parts(labels, vectors), discriminant)
    return EmbeddingTable(tuple(lab.name for lab in labs), np.stack([lab.vector for lab in labs]))


def calibrate_means(
    model: Entry,
    files: ModelFiles,
    segments: Sequence[LiveSegment],
    *,
    split_hashes: Mapping[str, SplitHash],
) -> ModelFiles:
    """Replace the calibration files in the model folder by those of means, or delete them when too
    few plasmids can be left out; returns the model's files after that."""
    facts_of = {name: facts for name, facts in files if name not in REPLACED_FILES}
    for name in REPLACED_FILES:
        with translated_errors(model / name), contextlib.suppress(FileNotFoundError):
            (model / name).delete()
    for name, content in new_calibration(read_ranker(model), segments, split_hashes).items():
        atomic_write(model / name, content, in_shared_folder=True)
        facts_of[name] = FileFacts(sha256_bytes(content), len(content))
    return tuple(sorted(facts_of.items()))


def new_calibration(
    ranker: EvidenceRanker | None,
    segments: Sequence[LiveSegment],
    split_hashes: Mapping[str, SplitHash],
) -> dict[str, bytes]:
    """The calibration files of means by their usual names; none when too few plasmids can be left
    out."""
    most = None
    if ranker is not None and LabFeatures.are_in(segments):  # then only a sample is scored
        most = most_scored(len({name for segment in segments for name in segment.lab_sizes()}))
    held_out = held_out_of_means(segments, split_hashes, most=most)
    if held_out is None:
        return {}
    left_out = with_lab_scores(held_out, ranker, segments)
    calibration = fit_calibration(left_out.held_out, source=SOURCE, case_rows=left_out.case_rows)
    if calibration is None:
        return {}
    content = left_out.with_groups(calibration).to_json()
    return {HELD_OUT_FILE: left_out.held_out.to_bytes(), CALIBRATION_FILE: content}
