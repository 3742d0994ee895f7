"""The manifest: which segments, made by which model, are the index; a frozen value and its JSON.

The JSON is canonical (sorted keys, fixed layout) and carries a checksum over itself, so that any
changed byte is noticed. It holds no time: the same content gives the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vecattr.errors import ArtifactError, DamagedError, MismatchError, MissingError
from vecattr.files import read_file, sha256_bytes
from vecattr.folds import fold_path, is_folds
from vecattr.model import CALIBRATION_FILE

FORMAT = "vecattr-index"
VERSION = 1
MANIFEST_FILE = "manifest.json"
HISTORY_FOLDER = "manifests"
SEGMENTS_FOLDER = "segments"
MODEL_FOLDER = "model"


@dataclass(frozen=True)
class FileFacts:
    """What a file must be: its hash (hex SHA-256) and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class SegmentEntry:
    """One segment as an index sees it.

    `header` is the SHA-256 of the segment's checksum table and stands for the whole file at
    opening. `removed` and `renamed` act on the lab names *stored in this segment*, so a lab that
    is added again later, in another segment, is not affected.
    """

    name: str
    file: FileFacts
    header: str
    rows: int
    faiss: FileFacts
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()  # (stored name, present name), sorted

    def present(self, stored: str) -> str | None:
        """The name that a stored lab has now; None when it is removed."""
        return None if stored in self.removed else dict(self.renamed).get(stored, stored)

    def without(self, stored: frozenset[str]) -> SegmentEntry:
        """The same segment with some of its stored labs hidden."""
        kept = tuple(pair for pair in self.renamed if pair[0] not in stored)
        return replace(self, removed=tuple(sorted({*self.removed, *stored})), renamed=kept)

    def with_names(self, names: dict[str, str]) -> SegmentEntry:
        """The same segment with some of its stored labs renamed."""
        merged = {**dict(self.renamed), **names}
        pairs = tuple(sorted((old, new) for old, new in merged.items() if old != new))
        return replace(self, renamed=pairs)


@dataclass(frozen=True)
class Manifest:
    """One state of an index. `restores` is the generation whose content a rollback brought back;
    `views` None is the model's own default; `plasmids` and `labs` count what is not removed."""

    generation: int
    model: str
    model_files: tuple[tuple[str, FileFacts], ...]  # sorted by name
    width: int
    views: int | None
    keep_sequences: bool
    segments: tuple[SegmentEntry, ...]
    plasmids: int
    labs: int
    restores: int | None = None

    @property
    def identity(self) -> str:
        """Hex SHA-256 over the model, its calibration, and the segments with their removals and
        renames: equal identities give equal answers. It does not depend on how the content came
        about."""
        segments = [
            {"sha256": entry.file.sha256, "removed": entry.removed, "renamed": entry.renamed}
            for entry in self.segments
        ]
        calibrated = [facts.sha256 for name, facts in self.model_files if name == CALIBRATION_FILE]
        content = {
            "model": self.model,
            "views": self.views,
            "calibration": calibrated,
            "segments": segments,
        }
        return sha256_bytes(_compact(content))

    def to_json(self) -> bytes:
        """The canonical bytes, checksum included."""
        body = {
            "format": FORMAT,
            "version": VERSION,
            "generation": self.generation,
            "restores": self.restores,
            "identity": self.identity,
            "model": {
                "identity": self.model,
                "width": self.width,
                "views": self.views,
                "files": {name: asdict(facts) for name, facts in self.model_files},
            },
            "keep_sequences": self.keep_sequences,
            "segments": [_entry_to_json(entry) for entry in self.segments],
            "counts": {"plasmids": self.plasmids, "labs": self.labs},
        }
        body["checksum"] = sha256_bytes(_compact(body))
        return json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"


def _compact(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _entry_to_json(entry: SegmentEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "sha256": entry.file.sha256,
        "size": entry.file.size,
        "header": entry.header,
        "rows": entry.rows,
        "faiss": asdict(entry.faiss),
        "removed": list(entry.removed),
        "renamed": dict(entry.renamed),
    }


def _entry_from_json(entry: dict[str, Any]) -> SegmentEntry:
    return SegmentEntry(
        name=entry["name"],
        file=FileFacts(entry["sha256"], entry["size"]),
        header=entry["header"],
        rows=entry["rows"],
        faiss=FileFacts(**entry["faiss"]),
        removed=tuple(sorted(entry["removed"])),
        renamed=tuple(sorted(entry["renamed"].items())),
    )


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """The manifest in these bytes; MismatchError for another format or version, DamagedError when
    they are not exactly what `Manifest.to_json` writes."""
    try:
        body = json.loads(data)
        found = body["format"], body["version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(where, f"not a manifest: {error}") from error
    if found[0] != FORMAT or (isinstance(found[1], int) and found[1] != VERSION):
        raise MismatchError(
            f"format {found[0]!r} version {found[1]!r}, expected {FORMAT!r} version {VERSION}",
            where=where,
            hint="use the vecattr that wrote this index, or build it again",
        )
    try:
        manifest = _from_json(body)
        canonical = manifest.to_json()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(where, f"not a manifest: {error!r}") from error
    if canonical != data:
        expected = json.loads(canonical)["checksum"]
        raise _damaged(where, f"checksum is {body.get('checksum')!r}, expected {expected!r}")
    return manifest


def _from_json(body: dict[str, Any]) -> Manifest:
    model = body["model"]
    files = {name: FileFacts(**facts) for name, facts in model["files"].items()}
    return Manifest(
        generation=body["generation"],
        model=model["identity"],
        model_files=tuple(sorted(files.items())),
        width=model["width"],
        views=model["views"],
        keep_sequences=body["keep_sequences"],
        segments=tuple(_entry_from_json(entry) for entry in body["segments"]),
        plasmids=body["counts"]["plasmids"],
        labs=body["counts"]["labs"],
        restores=body["restores"],
    )


def _damaged(where: str, what: str) -> DamagedError:
    return DamagedError(
        what,
        where=where,
        hint=f"restore it from a copy (the newest file in {HISTORY_FOLDER} is one), "
        "or build the index again",
    )


def read_manifest(path: Path) -> Manifest:
    """The present manifest of the index at `path`.

    MissingError when there is no index, ArtifactError when `path` is a file.
    """
    if path.is_file():
        raise ArtifactError(
            "is a file, and an index is a folder",
            where=str(path),
            hint="name the folder that `vecattr build-index` made",
        )
    target = path / MANIFEST_FILE
    if not target.exists() and is_folds(path):
        raise MissingError(
            "this folder holds several indexes, one of each fold",
            where=str(path),
            hint=f"name one of them, as {fold_path(path, 1)}; query and evaluate take all as one",
        )
    if not target.exists():
        found = "this folder holds no index" if path.is_dir() else "there is no index here"
        raise MissingError(
            found,
            where=str(path),
            hint=f"make one: vecattr build-index PLASMIDS --model MODEL --index {path}",
        )
    return parse_manifest(read_file(target), where=str(target))


def history_path(path: Path, generation: int) -> Path:
    """Where the manifest of a generation is kept."""
    return path / HISTORY_FOLDER / f"{generation:06d}.json"


def kept_generations(path: Path) -> list[int]:
    """The generations whose manifests are kept, ascending (the folder may be absent)."""
    folder = path / HISTORY_FOLDER
    names = [file.stem for file in folder.glob("*.json")] if folder.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal())


def segment_path(path: Path, name: str) -> Path:
    """Where a segment's HDF5 file lies."""
    return path / SEGMENTS_FOLDER / f"{name}.h5"


def faiss_path(path: Path, name: str) -> Path:
    """Where a segment's FAISS cache lies."""
    return path / SEGMENTS_FOLDER / f"{name}.faiss"


def cells_path(path: Path, name: str) -> Path:
    """Where the cells of a large segment lie."""
    return path / SEGMENTS_FOLDER / f"{name}.cells"
