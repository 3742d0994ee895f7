"""Calibration of labs that are means: stored plasmids in, how such labs score plasmids that they
were not made of out.

Learned lab vectors are calibrated in training. Means are made when the index is built, and so is
their calibration: the reserve of the plasmids, whole groups and single ones, is left out of the
means, and compared with what the others make. An encoder that was trained on this very table
without its reserve, as the shipped one, has not seen these plasmids; of another the figures are too
good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vecattr.calibration.calibration import fit_calibration
from vecattr.calibration.calibration_set import HeldOut, nearest_cosines
from vecattr.datasets.reserve import SplitHash, reserve
from vecattr.datasets.splits import first_of_each_group
from vecattr.encoders.model_folder import CALIBRATION_FILE, HELD_OUT_FILE
from vecattr.files.atomic import atomic_write, sha256_bytes
from vecattr.indexes.editing.leave_one_out import with_lab_scores
from vecattr.indexes.storage.lab_parts import effective_labs, lab_parts
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.manifest import FileFacts, ModelFiles
from vecattr.indexes.storage.segment import Segment
from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.ranking.evidence_ranker import read_ranker
from vecattr.vectors import EmbeddingTable

SOURCE = "the reserve, left out of the labs' means: whole groups, and single plasmids of others"


def held_out_of_means(
    segments: Sequence[Segment], split_hashes: Mapping[str, SplitHash]
) -> HeldOut | None:
    """The reserve of the segments' plasmids, few of each group, and the class vectors that the
    others make; None when nothing is reserved. `split_hashes` are by id."""
    labels = [one.label_names[code] for one in segments for code in one.label_codes.tolist()]
    labs = [one.lab_names[code] for one in segments for code in one.lab_codes.tolist()]
    ids = [name for one in segments for name in one.all_ids]
    vectors = np.concatenate([one.vectors for one in segments])  # (n, d)
    mine = [split_hashes[name] for name in ids]
    reserved = reserve(labels, mine)
    new_work = first_of_each_group([lot.group for lot in mine], reserved.new_work)
    out, kept = np.flatnonzero(new_work | reserved.known_work), np.flatnonzero(~reserved.rows)
    if not len(out) or not len(kept):
        return None
    parts = lab_parts([labels[row] for row in kept], vectors[kept])
    made = effective_labs(parts, Discriminant.from_moments([Moments.from_vectors(vectors[kept])]))
    column = {part.name: place for place, part in enumerate(made)}
    nearest, other = nearest_cosines(
        vectors[out],
        vectors[kept],
        query_labs=[labs[row] for row in out],
        stored_labs=[labs[row] for row in kept],
    )
    return HeldOut(
        ids=tuple(ids[row] for row in out),
        labels=np.array([column[labels[row]] for row in out], dtype=np.int64),
        is_new=reserved.new_work[out],
        full=vectors[out],
        bare=vectors[out],
        nearest=nearest,
        nearest_other=other,
        labs=EmbeddingTable(
            tuple(part.name for part in made), np.stack([part.vector for part in made])
        ),
    )


def calibrate_means(
    model: Path,
    files: ModelFiles,
    segments: Sequence[LiveSegment],
    *,
    split_hashes: Mapping[str, SplitHash],
) -> ModelFiles:
    """Put the calibration of means in the place of the one that the model brought, or none when
    too few plasmids can be left out; the files of the model folder then."""
    kept = {name: facts for name, facts in files if name not in (HELD_OUT_FILE, CALIBRATION_FILE)}
    for name in (HELD_OUT_FILE, CALIBRATION_FILE):
        (model / name).unlink(missing_ok=True)
    held = held_out_of_means([segment.stored for segment in segments], split_hashes)
    if held:
        held = with_lab_scores(held, read_ranker(model), segments)
    calibration = fit_calibration(held, source=SOURCE) if held else None
    if held and calibration:
        for name, content in (
            (HELD_OUT_FILE, held.to_bytes()),
            (CALIBRATION_FILE, calibration.to_json()),
        ):
            atomic_write(model / name, content)
            kept[name] = FileFacts(sha256_bytes(content), len(content))
    return tuple(sorted(kept.items()))
