"""A damaged index in, the newest whole state of it out, or what stands against that.

Nothing is made up and nothing is deleted: caches are made again from the segments, the manifest
comes back from its copies, and where a segment is lost, the newest generation that is whole becomes
the present one. What cannot be trusted is moved into `quarantine/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from vecattr.encoders.model_folder import IDENTITY_FILES, TABLES_FILE
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import ArtifactError, DamagedError, MissingError
from vecattr.files.atomic import (
    TEMPORARY,
    atomic_write,
    read_file,
    sha256_bytes,
    sync_folder,
    translated_errors,
)
from vecattr.indexes.checking.verify import (
    VerifyReport,
    cell_findings,
    segment_findings,
    verify_index,
)
from vecattr.indexes.editing.publish import publish
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
    kept_generations,
    read_history,
    read_manifest,
    segment_path,
)
from vecattr.indexes.storage.index_model import with_tables
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.manifest import (
    FileFacts,
    Manifest,
    ModelFiles,
    SegmentEntry,
    parse_manifest,
)

QUARANTINE_FOLDER = "quarantine"


@dataclass(frozen=True)
class RepairReport:
    """What was done, a sentence each, and what `verify_index` finds afterwards."""

    done: tuple[str, ...]
    after: VerifyReport


def repair_index(path: Path, *, wait: float = 0) -> RepairReport:
    """Mend the index at `path` as far as its own files allow.

    Raises MissingError when there is none, MismatchError for one of a newer format, LockedError
    as `writing`, DamagedError when no manifest can be read.
    """
    path = Path(path)
    if not (path / MANIFEST_FILE).exists() and not kept_generations(path):
        read_manifest(path)  # tells what is there instead
    with writing(path, wait=wait):
        workshop = _Repair(path)
        workshop.mend()
    return RepairReport(tuple(workshop.done), verify_index(path))


class _Repair:
    """One repair of one index, under its lock; `done` are sentences."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: list[str] = []

    def mend(self) -> None:
        manifest = self._readable_manifest()
        self._quarantine_strays(manifest)
        files = self._mend_tables(self._mend_model(manifest))
        if bad := self._bad_segments(manifest):
            if bad & _names(manifest):
                self._go_back(bad, replace(manifest, model_files=files))
            self._set_aside(bad)
        if bad & _names(manifest):
            return
        mended = replace(manifest, segments=self._with_caches(manifest), model_files=files)
        if mended != manifest:
            self._publish(replace(mended, generation=manifest.generation + 1))
        elif not _is(file := history_path(self.path, manifest.generation), manifest):
            if file.exists():
                self._quarantine(file, f"differs from {MANIFEST_FILE}")
            atomic_write(file, read_file(self.path / MANIFEST_FILE))
            self.done.append(f"{file}: written again from {MANIFEST_FILE}")

    def _readable_manifest(self) -> Manifest:
        """The present manifest, or the newest copy, put in its place; copies that cannot be read
        go into quarantine."""
        copies: list[Manifest] = []
        for generation in kept_generations(self.path):
            try:
                copies.append(read_history(self.path, generation))
            except DamagedError as error:
                self._quarantine(history_path(self.path, generation), error.what)
        try:
            present = read_manifest(self.path)
            check_is_newest(self.path, present)
            return present
        except (DamagedError, MissingError) as error:
            if not copies:
                raise
            newest = max(copies, key=lambda copy: copy.generation)
            target, file = self.path / MANIFEST_FILE, history_path(self.path, newest.generation)
            if target.exists():
                self._quarantine(target, error.what)
            atomic_write(target, read_file(file))
            self.done.append(f"{target}: generation {newest.generation} came back from {file}")
            return newest

    def _bad_segments(self, now: Manifest) -> set[str]:
        """The names of those, of any kept generation, that are not what they should be. Cells that
        are not are set aside: without them search is exact."""
        copies = [read_history(self.path, one) for one in kept_generations(self.path)]
        found: set[str] = set()
        whole: dict[str, LiveSegment] = {}
        for manifest in (now, *copies):
            for entry in manifest.segments:
                findings = segment_findings(self.path, entry, manifest.model, whole)
                if any(finding.level == "error" for finding in findings):
                    found.add(entry.name)
        for finding in cell_findings(self.path, whole.values()):
            self._quarantine(Path(finding.where), finding.what)
        return found

    def _go_back(self, bad: set[str], now: Manifest) -> None:
        """Publish the newest whole generation before anew; without one the present one stays, to be
        refused until what is lost comes back."""
        for generation in reversed(kept_generations(self.path)):
            old = read_history(self.path, generation)
            if _names(old) & bad:
                continue
            self.done.append(
                f"the content of generation {generation} is the present one again: what was "
                f"changed after it is lost with {len(bad)} segment(s)"
            )
            segments = self._with_caches(old)
            restored = replace(old, segments=segments, model_files=now.model_files)
            new = replace(restored, restores=old.restores or generation)
            self._publish(replace(new, generation=now.generation + 1))
            return

    def _set_aside(self, bad: set[str]) -> None:
        """Move segments, and the copies of manifests that need them, into quarantine."""
        for name in sorted(bad):
            for place in (segment_path, faiss_path, cells_path):
                file = place(self.path, name)
                if file.exists():
                    self._quarantine(file, "of a segment that is not what was written")
        for generation in kept_generations(self.path):
            file = history_path(self.path, generation)
            if _names(read_history(self.path, generation)) & bad:
                self._quarantine(file, "it needs a segment that is lost")

    def _with_caches(self, manifest: Manifest) -> tuple[SegmentEntry, ...]:
        """The segments with caches that were made again where they were not right."""
        return tuple(self._with_cache(entry, manifest.model) for entry in manifest.segments)

    def _with_cache(self, entry: SegmentEntry, model: str) -> SegmentEntry:
        file = faiss_path(self.path, entry.name)
        vectors = LiveSegment.open(self.path, entry, model=model).stored.vectors
        data = build_faiss_index(vectors)
        facts = FileFacts(sha256_bytes(data), len(data))
        if facts == entry.faiss and _holds(file, data):
            return entry
        atomic_write(file, data)
        self.done.append(f"{file}: made again from the segment")
        return replace(entry, faiss=facts)

    def _mend_model(self, manifest: Manifest) -> Manifest:
        """Bring back files that the shipped encoder has, too; the same manifest."""
        folder = self.path / MODEL_FOLDER
        for name, facts in manifest.model_files:
            if _sha256(folder / name) == facts.sha256:
                continue
            source = shipped_encoder() / name
            if _sha256(source) != facts.sha256:
                continue
            if (folder / name).exists():
                self._quarantine(folder / name, "not what was written")
            with translated_errors(folder):
                folder.mkdir(exist_ok=True)
            atomic_write(folder / name, read_file(source))
            self.done.append(f"{folder / name}: came back from the encoder of this vecattr")
        return manifest

    def _mend_tables(self, manifest: Manifest) -> ModelFiles:
        """The files of the model, with tables that were made again of whole weights where they were
        not right."""
        folder, facts = self.path / MODEL_FOLDER, dict(manifest.model_files)
        file = folder / TABLES_FILE
        weights = {name: facts[name].sha256 for name in IDENTITY_FILES if name in facts}
        if TABLES_FILE not in facts or _sha256(file) == facts[TABLES_FILE].sha256:
            return manifest.model_files
        if any(_sha256(folder / name) != sha256 for name, sha256 in weights.items()):
            return manifest.model_files
        if file.exists():
            self._quarantine(file, "not what was written")
        made = with_tables(folder, manifest.model_files, identity=manifest.model)
        self.done.append(f"{file}: made again from the weights")
        return made

    def _quarantine_strays(self, manifest: Manifest) -> None:
        """What writers that were killed left, and what no manifest names."""
        named = {entry.name for entry in manifest.segments}
        for generation in kept_generations(self.path):
            named |= {entry.name for entry in read_history(self.path, generation).segments}
        for file in list(self._strays(named, dict(manifest.model_files))):
            self._quarantine(file, "no manifest names it")

    def _strays(self, named: set[str], model: dict[str, FileFacts]) -> Iterator[Path]:
        for file in _files(self.path / SEGMENTS_FOLDER):
            if file.stem not in named:
                yield file
        for file in _files(self.path / MODEL_FOLDER):
            if file.name not in model:
                yield file
        for folder in (self.path, self.path / HISTORY_FOLDER):
            yield from sorted(folder.glob(f"{TEMPORARY}*"))

    def _quarantine(self, file: Path, why: str) -> None:
        folder = self.path / QUARANTINE_FOLDER
        with translated_errors(file):
            folder.mkdir(exist_ok=True)
            target = _free(folder, file.name)
            os.replace(file, target)
            for changed in (file.parent, folder):
                sync_folder(changed)
        self.done.append(f"{file}: moved to {target} ({why})")

    def _publish(self, manifest: Manifest) -> None:
        publish(self.path, manifest, action="repair", details={"done": list(self.done)})


def _names(manifest: Manifest) -> set[str]:
    """Of its segments."""
    return {entry.name for entry in manifest.segments}


def _free(folder: Path, name: str) -> Path:
    """A name in the folder that nothing has."""
    numbered = (folder / f"{number:03d}-{name}" for number in count(1))
    return next(path for path in numbered if not path.exists())


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _sha256(file: Path) -> str | None:
    """None when there is no such file."""
    return sha256_bytes(read_file(file)) if file.is_file() else None


def _holds(file: Path, data: bytes) -> bool:
    return file.is_file() and read_file(file) == data


def _is(file: Path, manifest: Manifest) -> bool:
    """Whether the file is a copy of this manifest."""
    try:
        return parse_manifest(read_file(file), where=str(file)) == manifest
    except ArtifactError:
        return False
