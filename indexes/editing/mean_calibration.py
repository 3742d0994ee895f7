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
from pathlib import Path

import numpy as np

from vecattr.calibration.calibration import fit_calibration
from vecattr.calibration.calibration_set import HeldOut, nearest_cosines
from vecattr.datasets.reserve import SplitHash, reserve
from vecattr.datasets.splits import first_of_each_group
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE
from vecattr.files.atomic import atomic_write, sha256_bytes, translated_errors
from vecattr.files.disk import disk
from vecattr.indexes.editing.leave_one_out import evenly_spaced, most_scored, with_lab_scores
from vecattr.indexes.scoring.lab_features import LabFeatures
from vecattr.indexes.storage.lab_parts import effective_labs, lab_parts
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts, ModelFiles
from vecattr.indexes.storage.segment import Segment
from vecattr.indexes.storage.segment_schema import StoredCodes
from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.ranking.evidence_ranker import read_ranker
from vecattr.vectors import EmbeddingTable, Rows, Vectors

SOURCE = "the reserve, left out of the labs' means: whole groups, and single plasmids of others"


def held_out_of_means(
    segments: Sequence[Segment], split_hashes: Mapping[str, SplitHash], *, most: int | None = None
) -> HeldOut | None:
    """The reserve of the segments' plasmids, a few of each group, `most` of each kind of work when
    it is given, and the class vectors that the other plasmids give; None when nothing is reserved.
    `split_hashes` are by id."""
    labels = [
        name for segment in segments for name in _names(segment.label_names, segment.label_codes)
    ]
    labs = [name for segment in segments for name in _names(segment.lab_names, segment.lab_codes)]
    ids = [name for segment in segments for name in segment.all_ids]
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
    kept, held_out = _rows_of(segments, kept_rows), _rows_of(segments, held_out_rows)
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


def _rows_of(segments: Sequence[Segment], rows: Rows) -> Vectors:
    """The vectors of some rows, ascending, of all segments together; nothing else is copied."""
    firsts = np.cumsum([0, *(segment.rows for segment in segments)])
    ends = np.searchsorted(rows, firsts)
    pieces = [
        segment.vectors[rows[start:stop] - first]
        for segment, first, start, stop in zip(segments, firsts, ends, ends[1:], strict=False)
    ]
    return np.concatenate(pieces)


def _names(names: Sequence[str], codes: StoredCodes) -> list[str]:
    """The name that each code (n,) stands for."""
    return [names[code] for code in codes.tolist()]


def _mean_labs(labels: Sequence[str], vectors: Vectors) -> EmbeddingTable:
    """The effective vector of every class of these labels (n,), made of the vectors (n, d)."""
    discriminant = Discriminant.from_moments([Moments.from_vectors(vectors)])
    labs = effective_labs(lab_parts(labels, vectors), discriminant)
    return EmbeddingTable(tuple(lab.name for lab in labs), np.stack([lab.vector for lab in labs]))


def calibrate_means(
    model: Path,
    files: ModelFiles,
    segments: Sequence[LiveSegment],
    *,
    split_hashes: Mapping[str, SplitHash],
) -> ModelFiles:
    """Replace the calibration files in the model folder by those of means, or delete them when too
    few plasmids can be left out; returns the model's files after that."""
    facts_of = {
        name: facts for name, facts in files if name not in (HELD_OUT_FILE, CALIBRATION_FILE)
    }
    for name in (HELD_OUT_FILE, CALIBRATION_FILE):
        with translated_errors(model / name), contextlib.suppress(FileNotFoundError):
            disk().unlink(model / name)
    ranker, most = read_ranker(model), None
    if ranker is not None and LabFeatures.are_in(segments):  # then only a sample is scored
        most = most_scored(len({name for segment in segments for name in segment.lab_sizes()}))
    held_out = held_out_of_means([segment.stored for segment in segments], split_hashes, most=most)
    calibration = None
    if held_out:
        left_out = with_lab_scores(held_out, ranker, segments)
        held_out = left_out.held_out
        calibration = fit_calibration(held_out, source=SOURCE, case_rows=left_out.case_rows)
        calibration = calibration and left_out.with_groups(calibration)
    if held_out and calibration:
        for name, content in (
            (HELD_OUT_FILE, held_out.to_bytes()),
            (CALIBRATION_FILE, calibration.to_json()),
        ):
            atomic_write(model / name, content, in_shared_folder=True)
            facts_of[name] = FileFacts(sha256_bytes(content), len(content))
    return tuple(sorted(facts_of.items()))
