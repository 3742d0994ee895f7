"""A damaged index in, its newest complete state restored, a report of the repairs out.

Nothing is invented and nothing is deleted: caches are rebuilt from the segments, the manifest is
restored from its copies, and where a segment is lost, the newest complete generation becomes the
present one. Damaged and unlisted files are moved into `quarantine/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vecattr.encoders.model_folder import IDENTITY_FILES, TABLES_FILE
from vecattr.encoders.pretrained import KINDS, shipped_encoder
from vecattr.errors import AppliedError, ArtifactError, DamagedError, MissingError
from vecattr.files.atomic import (
    TEMPORARY,
    read_file,
    sha256_bytes,
    translated_errors,
)
from vecattr.files.folder import Entry
from vecattr.indexes.checking.file_check import (
    calibration_fault,
    holds,
    is_copy,
    lab_info_fault,
    sha256_of,
)
from vecattr.indexes.checking.quarantine import make_folder
from vecattr.indexes.checking.repair_steps import RepairSteps
from vecattr.indexes.checking.segment_findings import cache_findings, segment_findings
from vecattr.indexes.checking.verify import VerifyReport, verify_index
from vecattr.indexes.editing.publish import StepHook, no_hook
from vecattr.indexes.joining.join_writer import join_kmers
from vecattr.indexes.search.vector_search import build_faiss_index
from vecattr.indexes.storage.index_folder import (
    HISTORY_FOLDER,
    MANIFEST_FILE,
    MODEL_FOLDER,
    SEGMENTS_FOLDER,
    cells_path,
    check_is_newest,
    faiss_path,
    history_path,
    is_map,
    joined_path,
    kept_generations,
    kept_names,
    lab_info_path,
    read_history,
    read_manifest,
    segment_path,
)
from vecattr.indexes.storage.live_segment import LiveSegment, open_segments
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import (
    FileFacts,
    Manifest,
    ModelFiles,
    SegmentEntry,
)


@dataclass(frozen=True)
class RepairReport:
    """What was repaired, a sentence each, what `verify_index` finds afterwards, and what failed
    after a change that is in force."""

    repairs: tuple[str, ...]
    after: VerifyReport
    warning: AppliedError | None = None


def repair_index(path: Path, *, wait: float = 0, step: StepHook = no_hook) -> RepairReport:
    """Repair the index at `path` as far as its own files allow; `step` is called as by every edit
    when a repaired state is published.

    Raises MissingError when there is none, MismatchError for one of a newer format, LockedError
    as `writing`, DamagedError when no manifest can be read, ArtifactError when the disk refuses;
    what was repaired until then stays. What fails once the repaired state is published is the
    `warning` of the report.

    >>> for file in Path("my.index/segments").glob("*.faiss"):
    ...     file.unlink()
    >>> report = repair_index(Path("my.index"))
    >>> len(report.repairs), report.after.ok
    (1, True)
    """
    path = Path(path)
    if not (path / MANIFEST_FILE).exists() and not kept_generations(path):
        read_manifest(path)  # raises, saying what is there instead
    with writing(path, wait=wait) as folder:
        repair = _Repair(folder, step)
        with repair.says_what_is_done():
            repair.run()
            folder.check_in_place()
    return RepairReport(tuple(repair.repairs), verify_index(path), repair.warning)


class _Repair(RepairSteps):
    """One repair of one index, under its lock."""

    def run(self) -> None:
        """Repair all that can be repaired."""
        manifest = self._restore_manifest()
        self._quarantine_unlisted(manifest)
        self._restore_model(manifest)
        files = self._rebuild_tables(manifest)
        damaged = self._damaged_segments(manifest)
        present_is_damaged = bool(damaged & _segment_names(manifest))
        if present_is_damaged:
            self._go_back(damaged, replace(manifest, model_files=files))
        self._quarantine_segments(damaged)
        if present_is_damaged:
            return
        self._join_kmers(manifest)
        segments, lab_info = self._rebuild_caches(manifest), self._lab_info(manifest)
        repaired = replace(manifest, segments=segments, model_files=files, lab_info=lab_info)
        if repaired != manifest:
            self.publish(replace(repaired, generation=manifest.generation + 1))
            self._quarantine_copies(damaged)
            return
        file = history_path(self.root, manifest.generation)
        if not is_copy(file, manifest):
            if file.exists():
                self.quarantine(file, f"differs from {MANIFEST_FILE}")
            self.write(file, read_file(self.root / MANIFEST_FILE))
            self.repairs.append(f"{file}: written again from {MANIFEST_FILE}")

    def _restore_manifest(self) -> Manifest:
        """The present manifest, or else its newest copy, put in its place; copies that cannot be
        read go into quarantine."""
        copies: list[Manifest] = []
        for generation in kept_generations(self.root):
            try:
                copies.append(read_history(self.root, generation))
            except ArtifactError as error:
                self.quarantine(history_path(self.root, generation), error.what)
        try:
            present = read_manifest(self.root)
            check_is_newest(self.root, present)
            return present
        except (DamagedError, MissingError) as error:
            if not copies:
                raise
            newest = max(copies, key=lambda copy: copy.generation)
            target, file = self.root / MANIFEST_FILE, history_path(self.root, newest.generation)
            if target.exists():
                self.quarantine(target, error.what)
            self.write(target, read_file(file))
            self.repairs.append(f"{target}: generation {newest.generation} came back from {file}")
            return newest

    def _damaged_segments(self, present: Manifest) -> set[str]:
        """The names of the damaged segments of all kept generations. Damaged cells and joined
        k-mers are moved into quarantine here: segments can be asked without them."""
        copies = [read_history(self.root, number) for number in kept_generations(self.root)]
        damaged: set[str] = set()
        opened: dict[str, LiveSegment] = {}
        for manifest in (present, *copies):
            for entry in manifest.segments:
                findings = segment_findings(self.root, entry, manifest.model, opened)
                if any(finding.level == "error" for finding in findings):
                    damaged.add(entry.name)
        for finding in cache_findings(self.root, tuple(opened.values())):
            self.quarantine(self.root / SEGMENTS_FOLDER / Path(finding.where).name, finding.what)
        return damaged

    def _go_back(self, damaged: set[str], present: Manifest) -> None:
        """Publish the newest complete generation again. Without one the present one stays, and is
        refused until its segments are restored from elsewhere."""
        for generation in reversed(kept_generations(self.root)):
            old = read_history(self.root, generation)
            if _segment_names(old) & damaged:
                continue
            self.repairs.append(
                f"the content of generation {generation} is the present one again: what was "
                f"changed after it is lost with {len(damaged)} segment(s)"
            )
            segments, known = self._rebuild_caches(old), self._lab_info(old)
            files = present.model_files
            restored = replace(old, segments=segments, model_files=files, lab_info=known)
            new = replace(restored, restores=old.restores or generation)
            self.publish(replace(new, generation=present.generation + 1))
            return

    def _quarantine_segments(self, damaged: set[str]) -> None:
        """Move segments, and the copies of manifests that need them, into quarantine."""
        for name in sorted(damaged):
            for place in (segment_path, faiss_path, cells_path, joined_path):
                file = place(self.root, name)
                if file.exists():
                    self.quarantine(file, "of a damaged segment")
        self._quarantine_copies(damaged)

    def _quarantine_copies(self, damaged: set[str]) -> None:
        """Move the copies of manifests that need what is damaged into quarantine."""
        for generation in kept_generations(self.root):
            file, old = history_path(self.root, generation), read_history(self.root, generation)
            if _segment_names(old) & damaged:
                self.quarantine(file, "it needs a damaged segment")
            elif lab_info_fault(self.root, old) is not None:
                self.quarantine(file, "what it tells of labs is damaged")
            elif calibration_fault(self.root, old, read_manifest(self.root)) is not None:
                self.quarantine(file, "its calibration is damaged")

    def _lab_info(self, manifest: Manifest) -> FileFacts | None:
        """The file that tells of labs; None when it is damaged, and in quarantine then."""
        fault = lab_info_fault(self.root, manifest)
        if manifest.lab_info is None or fault is None:
            return manifest.lab_info
        file = lab_info_path(self.root, manifest.lab_info.name)
        if file.exists():
            self.quarantine(file, fault)
        self.repairs.append(f"{file}: lost; tell of the labs again with `vecattr lab-info`")
        return None

    def _join_kmers(self, manifest: Manifest) -> None:
        """Join the k-mers of segments whose joined ones are lost, or went into quarantine."""
        for file in join_kmers(self.root, open_segments(self.root, manifest)):
            self.has_begun = True
            self.repairs.append(f"{file}: made again from the segments")

    def _rebuild_caches(self, manifest: Manifest) -> tuple[SegmentEntry, ...]:
        """The segments, their FAISS caches rebuilt where they were damaged."""
        return tuple(self._rebuild_cache(entry, manifest.model) for entry in manifest.segments)

    def _rebuild_cache(self, entry: SegmentEntry, model: str) -> SegmentEntry:
        file = faiss_path(self.root, entry.name)
        stored = LiveSegment.open(self.root, entry, model=model).stored
        data = build_faiss_index(stored.coordinates)
        facts = FileFacts(sha256_bytes(data), len(data))
        is_whole = holds(file, data)
        if facts == entry.faiss and is_whole:
            return entry
        if not is_whole:
            self.write(file, data)
        self.repairs.append(f"{file}: made again from the segment")
        return replace(entry, faiss=facts)

    def _restore_model(self, manifest: Manifest) -> None:
        """Restore damaged files that a shipped encoder has, too."""
        folder = self.root / MODEL_FOLDER
        for name, facts in manifest.model_files:
            if sha256_of(folder / name) == facts.sha256:
                continue
            source = _shipped(name, facts.sha256)
            if source is None:
                continue
            if (folder / name).exists():
                self.quarantine(folder / name, "not what was written")
            with translated_errors(folder):
                make_folder(folder)
            self.write(folder / name, read_file(source))
            self.repairs.append(f"{folder / name}: came back from the encoder of this vecattr")

    def _rebuild_tables(self, manifest: Manifest) -> ModelFiles:
        """The files of the model, its lookup tables rebuilt where they were damaged and the weights
        are intact."""
        from vecattr.encoders.lookup_file import table_bytes  # start-up

        folder, facts = self.root / MODEL_FOLDER, dict(manifest.model_files)
        file = folder / TABLES_FILE
        weights = {name: facts[name].sha256 for name in IDENTITY_FILES if name in facts}
        if TABLES_FILE not in facts or sha256_of(file) == facts[TABLES_FILE].sha256:
            return manifest.model_files
        if any(sha256_of(folder / name) != sha256 for name, sha256 in weights.items()):
            return manifest.model_files
        if file.exists():
            self.quarantine(file, "not what was written")
        data = table_bytes(folder, identity=manifest.model)
        self.write(file, data)
        self.repairs.append(f"{file}: made again from the weights")
        facts[TABLES_FILE] = FileFacts(sha256_bytes(data), len(data))
        return tuple(sorted(facts.items()))

    def _quarantine_unlisted(self, manifest: Manifest) -> None:
        """Files that killed writers left, and files that no manifest lists."""
        stored, model = kept_names(self.root, manifest)
        for file in list(self._unlisted_files(stored, model)):
            self.quarantine(file, "no manifest lists it")

    def _unlisted_files(self, stored: set[str], model: set[str]) -> Iterator[Entry]:
        for file in _files(self.root / SEGMENTS_FOLDER):
            if file.stem not in stored and not is_map(file.name):
                yield file
        for file in _files(self.root / MODEL_FOLDER):
            if file.name not in model:
                yield file
        for folder in (self.root, self.root / HISTORY_FOLDER):
            yield from (file for file in _files(folder) if file.name.startswith(TEMPORARY))


def _shipped(name: str, sha256: str) -> Path | None:
    """The file of this name and content of an encoder that comes with vecattr."""
    files = (shipped_encoder(kind) / name for kind in KINDS)
    return next((file for file in files if sha256_of(file) == sha256), None)


def _segment_names(manifest: Manifest) -> set[str]:
    return {entry.name for entry in manifest.segments}


def _files(folder: Entry) -> list[Entry]:
    return sorted(folder.iterdir(), key=str) if folder.is_dir() else []
