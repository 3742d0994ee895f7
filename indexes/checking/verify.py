"""An index folder in, findings out: every byte, count and promise of the format checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from vecattr.calibration.calibration import read_calibration
from vecattr.calibration.calibration_set import read_held_out
from vecattr.encoders.model_folder import (
    CALIBRATION_FILE,
    RANKER_FILE,
    learned_labs,
    model_identity,
)
from vecattr.errors import ArtifactError, VecattrError
from vecattr.files.atomic import TEMPORARY, check_file, read_file
from vecattr.indexes.checking.search_check import SearchCheck, check_search
from vecattr.indexes.editing.kmer_writer import kmer_arrays
from vecattr.indexes.editing.publish import KEPT_GENERATIONS
from vecattr.indexes.search.nearest_plasmids import open_cells
from vecattr.indexes.search.vector_search import build_faiss_index
from vecattr.indexes.storage.index_folder import (
    MANIFEST_FILE,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    cells_path,
    check_is_newest,
    faiss_path,
    history_path,
    kept_generations,
    read_history,
    read_manifest,
    segment_path,
)
from vecattr.indexes.storage.index_model import check_model_files, check_model_tables
from vecattr.indexes.storage.live_segment import LiveSegment, class_names, class_sizes
from vecattr.indexes.storage.manifest import Manifest, SegmentEntry
from vecattr.indexes.storage.segment import Segment, id_hashes
from vecattr.ranking.evidence_ranker import read_ranker
from vecattr.sequences.two_bit import unpack_bases
from vecattr.vectors import UNIT_TOLERANCE

#: How often verifying starts again when a writer publishes meanwhile.
_ATTEMPTS = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. An error can change answers or block an edit; a warning cannot (a
    cache that is rebuilt, a file that the next edit deletes)."""

    level: Literal["error", "warning"]
    where: str
    what: str


@dataclass(frozen=True)
class VerifyReport:
    """`ok` unless a finding is an error. The counts tell how much was checked: `searched` stored
    vectors were searched for, and `recall` is the share of the nearest plasmids of some of them,
    as plain NumPy finds them, that FAISS finds, too (None when nothing was)."""

    generation: int
    identity: str
    segments: int
    plasmids: int
    labs: int
    findings: tuple[Finding, ...]
    searched: int = 0
    recall: float | None = None

    @property
    def ok(self) -> bool:
        """Whether no finding is an error; warnings may be there."""
        return not any(finding.level == "error" for finding in self.findings)


def verify_index(path: Path) -> VerifyReport:
    """Check every byte and every count of the index at `path`; it is not changed.

    Raises MissingError when there is none, DamagedError or MismatchError when its manifest cannot
    be read; everything else that is wrong is a finding. Starts again when a writer publishes
    meanwhile.

    >>> verify_index(Path("my.index")).ok
    True
    """
    path = Path(path)
    for _ in range(_ATTEMPTS):
        manifest = read_manifest(path)
        report = _verified(path, manifest)
        if not report.findings or read_manifest(path) == manifest:
            break
    return report


def _verified(path: Path, manifest: Manifest) -> VerifyReport:
    findings: list[Finding] = []
    opened: dict[str, LiveSegment] = {}
    for entry in manifest.segments:
        findings.extend(segment_findings(path, entry, manifest.model, opened))
    search_check = SearchCheck(0, None, ())
    if len(opened) == len({entry.name for entry in manifest.segments}):
        segments = [opened[entry.name].with_entry(entry) for entry in manifest.segments]
        findings.extend(_count_findings(manifest, segments))
        findings.extend(_id_findings(segments))
        search_check = check_search(path, segments)
        findings.extend(Finding("error", where, what) for where, what in search_check.faults)
    findings.extend(_model_findings(path, manifest))
    findings.extend(_history_findings(path, manifest, opened))
    findings.extend(cell_findings(path, opened.values()))
    findings.extend(_stray_findings(path, manifest))
    return VerifyReport(
        generation=manifest.generation,
        identity=manifest.identity,
        segments=len(manifest.segments),
        plasmids=manifest.plasmids,
        labs=manifest.labs,
        findings=tuple(findings),
        searched=search_check.searched,
        recall=search_check.recall,
    )


def _error_of(check: Callable[[], object]) -> Iterator[Finding]:
    """The error that the check raises, if any, as a finding."""
    try:
        check()
    except VecattrError as error:
        yield Finding("error", error.where or "index", error.what)


def segment_findings(
    path: Path, entry: SegmentEntry, model: str, opened: dict[str, LiveSegment]
) -> Iterator[Finding]:
    """What is wrong with a segment (errors) and with its cache (warnings). A segment that can be
    read is put into `opened`, and its file is not checked again."""
    file = segment_path(path, entry.name)
    if entry.name not in opened:
        try:
            check_file(file, sha256=entry.file.sha256, size=entry.file.size)
            segment = LiveSegment.open(path, entry, model=model)
            segment.stored.check_all()
            opened[entry.name] = segment
        except ArtifactError as error:
            yield Finding("error", error.where or str(file), error.what)
            return
        for what in _content_faults(opened[entry.name]):
            yield Finding("error", str(file), what)
    cache = faiss_path(path, entry.name)
    try:
        check_file(cache, sha256=entry.faiss.sha256, size=entry.faiss.size)
    except ArtifactError as error:
        what = f"{error.what}; this cache is rebuilt in memory at each query"
        yield Finding("warning", str(cache), what)
        return
    if read_file(cache) != build_faiss_index(opened[entry.name].stored.vectors):
        yield Finding(
            "warning", str(cache), "differs from what this version of faiss makes of the segment"
        )


def cell_findings(path: Path, segments: Iterable[LiveSegment]) -> Iterator[Finding]:
    """What is wrong with the cells of some segments. These are errors, because a query refuses
    damaged cells, but not errors of the segment, which can be searched without them."""
    for segment in segments:
        try:
            if cells := open_cells(path, segment):
                cells.check_all()
        except ArtifactError as error:
            what = f"{error.what}; without this cache search is exact"
            yield Finding("error", str(cells_path(path, segment.entry.name)), what)


def _content_faults(segment: LiveSegment) -> Iterator[str]:
    """Promises of the format that checksums cannot check."""
    stored = segment.stored
    parts = [part.vector for part in stored.parts]
    for name, vectors in (("sequence", stored.vectors), ("lab", np.array(parts))):
        lengths = np.linalg.norm(vectors, axis=1) if len(vectors) else np.ones(0)
        if not np.all(np.abs(lengths - 1) < UNIT_TOLERANCE):
            yield f"a {name} vector is not of length 1"
    if any(not (part.weight > 0) for part in stored.parts):
        yield "the weight of a lab is not positive"
    if len(set(stored.all_ids)) != len(stored.all_ids):
        yield "an id occurs twice"
    hashes = id_hashes(stored.all_ids)
    if not stored.index_matches(hashes):
        yield "the index of ids does not match the ids"
    for row in range(stored.rows):
        plasmid = stored.plasmid(row)
        if plasmid.bases is not None and len(unpack_bases(plasmid.bases)) != plasmid.length:
            yield f"the bases of {plasmid.id!r} are not {plasmid.length}"
            return
    yield from _kmer_faults(stored)


def _kmer_faults(stored: Segment) -> Iterator[str]:
    """Sketches, postings and counts must be those of the stored sequences."""
    try:
        if stored.kmers is None:
            return
        if not stored.has_sequences:
            yield "has k-mers, which disclose sequences, but no sequences"
            return
        molecules = ((stored.bases(row), stored.topology(row)) for row in range(stored.rows))
        expected = kmer_arrays(molecules, labs=stored.lab_codes, groups=stored.group_codes)
        for name in stored.kmers.differing(expected):
            yield f"{name} is not what the sequences give"
    except ArtifactError as error:
        yield error.what


def _count_findings(manifest: Manifest, segments: list[LiveSegment]) -> Iterator[Finding]:
    plasmids, labs = class_sizes(segments).total(), len(class_names(segments))
    if (plasmids, labs) != (manifest.plasmids, manifest.labs):
        yield Finding(
            "error",
            "manifest.json",
            f"counts {manifest.plasmids} plasmids and {manifest.labs} labs, "
            f"the segments hold {plasmids} and {labs}",
        )


def _id_findings(segments: list[LiveSegment]) -> Iterator[Finding]:
    seen_ids: set[str] = set()
    for segment in segments:
        ids = segment.stored.all_ids
        for row in segment.rows().tolist():
            if ids[row] in seen_ids:
                yield Finding("error", segment.stored.name, f"id {ids[row]!r} occurs twice")
            seen_ids.add(ids[row])


def _model_findings(path: Path, manifest: Manifest) -> Iterator[Finding]:
    folder = path / MODEL_FOLDER
    file_findings = list(_error_of(lambda: check_model_files(path, manifest, hashed_up_to=None)))
    yield from file_findings
    if file_findings:
        return
    if (identity := model_identity(folder)) != manifest.model:
        what = f"is model {identity[:16]}…, the manifest says {manifest.model[:16]}…"
        yield Finding("error", str(folder), what)
    yield from _error_of(lambda: check_model_tables(path, manifest))
    yield from _error_of(lambda: learned_labs(folder))
    listed = dict(manifest.model_files)
    for name, read in ((CALIBRATION_FILE, read_calibration), (RANKER_FILE, read_ranker)):
        if name in listed:  # others are not used
            yield from _error_of(partial(read, folder))
    yield from _error_of(lambda: read_held_out(folder))


def _history_findings(
    path: Path, manifest: Manifest, opened: dict[str, LiveSegment]
) -> Iterator[Finding]:
    """Earlier generations must be present and readable, or a rollback to them fails."""
    kept = kept_generations(path)
    for generation in range(max(1, manifest.generation - KEPT_GENERATIONS), manifest.generation):
        if generation not in kept:
            file = history_path(path, generation)
            yield Finding("warning", str(file), "is missing, so this generation is lost")
    if manifest.generation not in kept:
        file = history_path(path, manifest.generation)
        yield Finding("warning", str(file), "is missing; the next edit writes it")
    yield from _error_of(lambda: check_is_newest(path, manifest))
    for generation in kept:
        file = history_path(path, generation)
        try:
            old = read_history(path, generation)
        except ArtifactError as error:
            yield Finding("error", str(file), error.what)
            continue
        if generation == manifest.generation and old != manifest:
            yield Finding("error", str(file), "differs from manifest.json")
            yield Finding("error", str(path / MANIFEST_FILE), f"differs from its copy {file.name}")
        if generation > manifest.generation:
            continue
        present = {entry.name for entry in manifest.segments}
        for entry in old.segments:
            if entry.name not in present:
                findings = list(segment_findings(path, entry, old.model, opened))
                yield from findings
                if any(finding.level == "error" for finding in findings):
                    yield Finding("error", str(file), f"needs {entry.name}.h5, which is damaged")


def _stray_findings(path: Path, manifest: Manifest) -> Iterator[Finding]:
    """Files that no manifest lists."""
    listed = {entry.name for entry in manifest.segments}
    for generation in kept_generations(path):
        try:
            listed |= {entry.name for entry in read_history(path, generation).segments}
        except ArtifactError:
            return
    for file in sorted((path / SEGMENTS_FOLDER).iterdir()):
        if file.stem not in listed:
            yield Finding("warning", str(file), "no manifest lists this file")
    files = dict(manifest.model_files)
    for file in sorted((path / MODEL_FOLDER).iterdir()):
        if file.name not in files:
            yield Finding("warning", str(file), "no manifest lists this file; it is not used")
    for file in sorted(path.glob(f"{TEMPORARY}*")):
        yield Finding("warning", str(file), "left by a writer that was killed")
