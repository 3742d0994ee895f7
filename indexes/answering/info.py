"""An opened index in, facts about it for people and machines out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vecattr.calibration.calibration import Calibration
from vecattr.encoders.model_folder import RANKER_FILE, TABLES_FILE
from vecattr.files.folder import Entry
from vecattr.indexes.scoring.lab_features import LabFeatures
from vecattr.indexes.search.nearest_plasmids import open_cells
from vecattr.indexes.storage.index_folder import MODEL_FOLDER, kept_generations
from vecattr.indexes.storage.index_model import model_disclosure
from vecattr.indexes.storage.live_segment import LiveSegment, class_sizes
from vecattr.indexes.storage.log import calibrated_at, changed_since_calibration, read_log
from vecattr.indexes.storage.manifest import FORMAT, Manifest
from vecattr.indexes.storage.stored_info import LabInfoFile
from vecattr.plasmid import POOLED

#: The share of an index's plasmids that changed since its calibration, from which on
#: probabilities are not to be trusted: a warning, and no measured bound.
MUCH_CHANGED = 0.1

#: How to make a calibration anew, by whether labs have vectors that were learned in training.
ANEW = {
    False: "vecattr recalibrate makes it anew",
    True: "lab vectors were learned in training: build again from all plasmids, with --lab-vectors "
    "mean or with a model trained on them",
}

#: How many of the last log entries are shown.
LOG_ENTRIES = 10

#: What changes no lab and no plasmid.
_SAME_LABS = ("build", "compact", "lab-info")


def index_facts(
    path: Entry,
    manifest: Manifest,
    segments: Sequence[LiveSegment],
    calibration: Calibration | None,
    lab_info: LabInfoFile | None,
) -> dict[str, object]:
    """What `vecattr info` shows; all of it fits into JSON.

    `labs_changed_since_calibration` is true when labs or plasmids came, went or changed names
    after the build, which took the calibration of its model or made one of its own, or after the
    index was calibrated anew.
    """
    files = dict(manifest.model_files)
    sizes = class_sizes(segments)
    origins = {part.origin for segment in segments for part in segment.parts}
    log = read_log(path, generation=manifest.generation)
    changed = _is_changed(log)
    return {
        "format": FORMAT,
        "version": manifest.version,
        "identity": manifest.identity,
        "generation": manifest.generation,
        "restores": manifest.restores,
        "kept_generations": [
            number for number in kept_generations(path) if number <= manifest.generation
        ],
        "plasmids": manifest.plasmids,
        "labs": manifest.labs,
        "pooled_plasmids": sizes[POOLED],
        "lab_vectors": sorted(origins),
        "sequences_stored": manifest.keep_sequences,
        "bases_disclosed_by": _disclosures(path, manifest),
        "ranked_by": "vectors and k-mers" if _has_ranker(manifest, segments) else "vectors",
        "model": {
            "identity": manifest.model,
            "width": manifest.width,
            "inference": "NumPy tables" if TABLES_FILE in files else "NumPy, from weights",
            "views": "the model's own" if manifest.views is None else manifest.views,
            "files": [name for name, _ in manifest.model_files],
        },
        "calibration": calibration.summary() if calibration else None,
        "labs_changed_since_calibration": bool(calibration) and changed,
        "changed_since_calibration": _changes(manifest, log) if calibration else None,
        "segments": [_segment_facts(path, segment) for segment in segments],
        "log": log[-LOG_ENTRIES:],
        "lab_info": 0 if lab_info is None else len(lab_info.labs),
        "plasmid_info": _plasmid_info(segments),
    }


def _is_changed(log: Sequence[dict[str, object]]) -> bool:
    """Whether anything but compaction came after the calibration that is in force."""
    since = calibrated_at(log).get("generation")
    later = log[[entry.get("generation") for entry in log].index(since) + 1 :] if log else ()
    return any(entry.get("action") not in _SAME_LABS for entry in later)


def _changes(manifest: Manifest, log: Sequence[dict[str, object]]) -> dict[str, object]:
    """How many plasmids changed since the build, which share of them all that is, and when it
    was."""
    changed = changed_since_calibration(log)
    share = changed / max(1, manifest.plasmids)
    return {"plasmids": changed, "share": share, "time": calibrated_at(log).get("time")}


def _plasmid_info(segments: Sequence[LiveSegment]) -> dict[str, int]:
    """How many plasmids have a publication, a year and a page."""
    counts: Counter[str] = Counter(publication=0, year=0, source_url=0)
    for segment in segments:
        for name, is_filled in segment.stored.info.filled().items():
            counts[name] += int(is_filled[segment.alive].sum())
    return dict(counts)


def _disclosures(path: Entry, manifest: Manifest) -> list[str]:
    """What of an index can be turned back into bases; nothing in one that is private."""
    sources = ["sequences and k-mers of its plasmids"] if manifest.keep_sequences else []
    if disclosure := model_disclosure(path / MODEL_FOLDER, identity=manifest.model):
        sources.append(f"the model: {disclosure}")
    return sources


def _segment_facts(path: Entry, segment: LiveSegment) -> dict[str, object]:
    return {
        "name": segment.entry.name,
        "rows": segment.entry.rows,
        "bytes": segment.entry.file.size,
        "removed_labs": len(segment.entry.removed),
        "renamed_labs": len(segment.entry.renamed),
        "search": _search(path, segment),
    }


def _search(path: Entry, segment: LiveSegment) -> str:
    """How the nearest plasmids of a segment are found."""
    cells = open_cells(path, segment)
    if cells is None:
        return "exact"
    return f"{cells.probes} of {cells.count} cells, recall@10 {cells.recall:.3f}"


def _has_ranker(manifest: Manifest, segments: Sequence[LiveSegment]) -> bool:
    return RANKER_FILE in dict(manifest.model_files) and LabFeatures.are_in(segments)
