"""An index that changed in, the same index with a new calibration out.

Nothing is embedded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vecattr.datasets.reserve import SplitHash, SplitHashes
from vecattr.errors import InputError, UsageError
from vecattr.indexes.calibrating.mean_calibration import new_calibration
from vecattr.indexes.editing.calibration_files import write_calibration
from vecattr.indexes.editing.publish import StepHook, no_hook, publish
from vecattr.indexes.joining.joined_kmers import open_joined
from vecattr.indexes.storage.index_folder import newest_manifest, read_manifest
from vecattr.indexes.storage.index_model import index_ranker
from vecattr.indexes.storage.live_segment import LiveSegment, open_segments
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.stored_plasmids import as_plasmid


@dataclass(frozen=True)
class RecalibrationReport:
    """How many `plasmids` and `labs` the index holds, to which probabilities were fitted."""

    plasmids: int
    labs: int
    generation: int
    identity: str


def recalibrate(path: Path, *, wait: float = 0, step: StepHook = no_hook) -> RecalibrationReport:
    """Fit probabilities and the verdict's threshold to what the index holds now, as building it
    again would.

    An index without sequences leaves out the same groups; of plasmids that are left out one by one
    the vectors decide, not the bases. UsageError for lab vectors that were learned, whose
    calibration comes from training; InputError when too few plasmids can be left out; LockedError
    as for every edit.

    >>> recalibrate(Path("my.index"))
    Traceback (most recent call last):
        ...
    vecattr.errors.UsageError: the vectors of 4 labs were learned in training, which calibrates them
      build again from all plasmids, with --lab-vectors mean or with a model trained on them
    """
    path = Path(path)
    read_manifest(path)
    with writing(path, wait=wait) as folder:
        old = newest_manifest(folder.root)
        segments = open_segments(folder.root, old)
        _check(segments)
        split_hashes = SplitHashes.from_hashes(_hashes(segments))
        ranker, joined = index_ranker(folder.root, old), open_joined(folder.root, segments)
        contents = new_calibration(ranker, segments, split_hashes, joined=joined)
        if not contents:
            raise InputError(
                "too few plasmids of named labs can be left out to calibrate by",
                where=str(path),
                hint="add more plasmids, or build from a larger collection",
            )
        new = replace(old, generation=old.generation + 1, restores=None)
        new = new.with_calibration(write_calibration(folder.root, contents))
        details = {"plasmids": new.plasmids, "labs": new.labs}
        publish(folder, new, action="recalibrate", details=details, step=step)
    return RecalibrationReport(new.plasmids, new.labs, new.generation, new.identity)


def _check(segments: Sequence[LiveSegment]) -> None:
    """UsageError where labs have learned vectors: of these, nothing can be left out any more."""
    learned = {part.name for segment in segments for part in segment.parts if part.origin != "mean"}
    if learned:
        raise UsageError(
            f"the vectors of {len(learned)} labs were learned in training, which calibrates them",
            hint="build again from all plasmids, with --lab-vectors mean or with a model trained "
            "on them",
        )


def _hashes(segments: Sequence[LiveSegment]) -> Iterator[SplitHash]:
    """What decides which living plasmids are left out, in the order of rows."""
    for segment in segments:
        for row in segment.rows().tolist():
            stored = segment.plasmid(row)
            if stored.bases is None:
                vector = segment.stored.vectors[row]
                yield SplitHash.from_vector(vector, group=stored.group)
            else:
                yield SplitHash.from_plasmid(as_plasmid(stored))
