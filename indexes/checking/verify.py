"""An index folder in, findings out: every byte, count and promise of the format checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vecattr.calibration.calibration_file import read_calibration_file
from vecattr.calibration.calibration_set import read_held_out_file
from vecattr.encoders.model_folder import (
    CALIBRATION_FILE,
    HELD_OUT_FILE,
    RANKER_FILE,
    learned_labs,
    model_identity,
)
from vecattr.errors import ArtifactError, InputError, LockedError, VecattrError
from vecattr.files.atomic import TEMPORARY
from vecattr.files.folder import Entry
from vecattr.indexes.checking.file_check import calibration_fault, lab_info_fault
from vecattr.indexes.checking.pinned_state import PinnedState, pin_state
from vecattr.indexes.checking.search_check import SearchCheck, check_search
from vecattr.indexes.checking.segment_findings import Finding, cache_findings, segment_findings
from vecattr.indexes.search.map_cache import map_fault
from vecattr.indexes.storage.index_folder import (
    MANIFEST_FILE,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    history_path,
    is_map,
    kept_names,
    lab_info_path,
    opened_index,
    read_manifest,
    refuse_older,
)
from vecattr.indexes.storage.index_model import (
    check_model_files,
    check_model_tables,
    model_disclosure,
)
from vecattr.indexes.storage.live_segment import LiveSegment, class_names, class_sizes
from vecattr.indexes.storage.manifest import Manifest
from vecattr.indexes.storage.stored_info import check_lab_info
from vecattr.plasmid import POOLED, check_lab_name
from vecattr.ranking.evidence_ranker import read_ranker

#: How often verifying starts again when writers delete meanwhile what it reads.
_ATTEMPTS = 5


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

    One pinned state is judged, whatever writers do meanwhile. Raises MissingError when there is no
    index, DamagedError or MismatchError when its manifest cannot be read, LockedError when writers
    deleted that state again and again before all of it was read; everything else that is wrong is
    a finding.

    >>> verify_index(Path("my.index")).ok
    True
    """
    path = Path(path)
    suspected: set[str] = set()
    for _ in range(_ATTEMPTS):
        with opened_index(path) as folder:  # anew, for it may have been replaced
            state = pin_state(folder)
            try:
                report = _verified(folder, state)
            except ArtifactError:
                if state.is_present(folder):
                    raise
                continue
            errors = {finding.where for finding in report.findings if finding.level == "error"}
            # Damage stays; what a writer deleted meanwhile is not part of the next state.
            if errors <= suspected or state.is_present(folder):
                return report
            suspected |= errors
    raise LockedError(
        "was changed all the while it was verified",
        where=str(path),
        hint="no damage was found for certain: try again when no writer is busy",
    )


def _verified(path: Entry, state: PinnedState) -> VerifyReport:
    manifest = state.manifest
    findings: list[Finding] = []
    opened: dict[str, LiveSegment] = {}
    for entry in manifest.segments:
        findings.extend(segment_findings(path, entry, manifest.model, opened))
    search_check = SearchCheck(0, None, ())
    if len(opened) == len({entry.name for entry in manifest.segments}):
        segments = [opened[entry.name].with_entry(entry) for entry in manifest.segments]
        findings.extend(_count_findings(manifest, segments))
        findings.extend(_id_findings(segments))
        findings.extend(_name_findings(segments))
        search_check = check_search(path, segments)
        findings.extend(Finding("error", where, what) for where, what in search_check.faults)
    findings.extend(_error_of(lambda: check_lab_info(path, manifest)))
    findings.extend(_model_findings(path, manifest))
    findings.extend(_history_findings(path, state, opened))
    findings.extend(cache_findings(path, tuple(opened.values())))
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


def _name_findings(segments: list[LiveSegment]) -> Iterator[Finding]:
    """Names of labs that no build and no edit gives, so that the index was made by other means."""
    for segment in segments:
        for stored in sorted({*segment.stored.lab_names, *segment.stored.part_names}):
            name = segment.present(stored)
            if name is None or name == POOLED:
                continue
            try:
                what = "" if check_lab_name(name) == name else "it begins or ends with a blank"
            except InputError as error:
                what = error.what
            if what:
                what = f"no build admits the name {name!r} of a lab: {what}"
                yield Finding("error", segment.stored.name, what)


def _model_findings(path: Entry, manifest: Manifest) -> Iterator[Finding]:
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
    if manifest.model_file(RANKER_FILE):  # others are not used
        yield from _error_of(partial(read_ranker, folder))
    if calibration := manifest.model_file(CALIBRATION_FILE):
        yield from _error_of(partial(read_calibration_file, folder / calibration))
    if held_out := manifest.model_file(HELD_OUT_FILE):
        yield from _error_of(partial(read_held_out_file, folder / held_out))
    yield from _disclosure_findings(folder, manifest)


def _disclosure_findings(folder: Entry, manifest: Manifest) -> Iterator[Finding]:
    """An index without sequences whose model tells of them; an index built before this was refused
    may be one."""
    if manifest.keep_sequences:
        return
    if disclosure := model_disclosure(folder, identity=manifest.model):
        what = (
            f"the model holds {disclosure}, which can be turned back into bases, though the index "
            "keeps no sequences"
        )
        yield Finding("warning", str(folder), what)


def _history_findings(
    path: Entry, state: PinnedState, opened: dict[str, LiveSegment]
) -> Iterator[Finding]:
    """Earlier generations must be present and readable, or a rollback to them fails. One that a
    writer deletes meanwhile, with its segments, because it is old, is left out."""
    manifest = state.manifest
    for generation in state.lost:
        what = "is missing, so this generation is lost"
        if generation == manifest.generation:
            what = "is missing; the next edit writes it"
        yield Finding("warning", str(history_path(path, generation)), what)
    if state.later:
        yield from _error_of(partial(refuse_older, path, manifest, state.later))
    present = {entry.name for entry in manifest.segments}
    for generation, old in state.history.items():
        file = history_path(path, generation)
        if isinstance(old, ArtifactError):
            yield Finding("error", str(file), old.what)
            continue
        if generation == manifest.generation and old != manifest:
            yield Finding("error", str(file), "differs from manifest.json")
            yield Finding("error", str(path / MANIFEST_FILE), f"differs from its copy {file.name}")
        findings: list[Finding] = []
        for entry in old.segments:
            if entry.name not in present:
                damage = list(segment_findings(path, entry, old.model, opened))
                findings.extend(damage)
                if any(finding.level == "error" for finding in damage):
                    what = f"needs {entry.name}.h5, which is damaged"
                    findings.append(Finding("error", str(file), what))
        if fault := lab_info_fault(path, old) if old.lab_info != manifest.lab_info else None:
            findings += _lost_lab_info(path, old, file, fault)
        if lost := calibration_fault(path, old, manifest):
            findings.append(Finding("error", str(lost[0]), lost[1]))
            findings.append(Finding("error", str(file), f"needs {lost[0].name}: {lost[1]}"))
        if findings and file.exists():  # a writer deletes this file first, then the segments
            yield from findings


def _lost_lab_info(path: Entry, old: Manifest, file: Entry, fault: str) -> Iterator[Finding]:
    """The file that told of labs in an earlier generation, and the manifest in `file` that names
    it."""
    assert old.lab_info is not None, "it has a fault"
    yield Finding("error", str(lab_info_path(path, old.lab_info.name)), fault)
    yield Finding("error", str(file), f"needs what was known of labs: {fault}")


def _stray_findings(path: Entry, manifest: Manifest) -> Iterator[Finding]:
    """Files that no manifest lists, those of later generations included."""
    files = _files(path / SEGMENTS_FOLDER)
    try:
        listed, model_files = kept_names(path, manifest, read_manifest(path))
    except ArtifactError:
        return
    for file in files:
        is_kept_map = is_map(file.name)
        if is_kept_map and (fault := map_fault(file)) is not None and file.exists():
            yield Finding("warning", str(file), f"{fault}; a map is drawn again without it")
        if file.stem not in listed and not is_kept_map and file.exists():
            yield Finding("warning", str(file), "no manifest lists this file")
    for file in _files(path / MODEL_FOLDER):
        if file.name not in model_files and file.exists():
            yield Finding("warning", str(file), "no manifest lists this file; it is not used")
    temporary = [file for file in _files(path) if file.name.startswith(TEMPORARY)]
    for file in temporary:
        yield Finding("warning", str(file), "left by a writer that was killed")


def _files(folder: Entry) -> list[Entry]:
    return sorted(folder.iterdir(), key=str) if folder.is_dir() else []
