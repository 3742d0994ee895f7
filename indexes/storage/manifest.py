"""The manifest of an index, its segments and its model: a frozen value, to JSON and from it.

The JSON is canonical (sorted keys, fixed layout) and carries a checksum over itself, so that any
changed byte is noticed. It holds no time: the same content gives the same bytes. Everything in it
is validated on load: a name in it is never a path.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from vecattr.encoders.model_folder import (
    CALIBRATION_FILE,
    RANKER_FILE,
    REPLACED_FILES,
    usual_name,
)
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.atomic import sha256_bytes
from vecattr.files.json_files import CONTENT_ERRORS, parse_json

FORMAT = "vecattr-index"
#: What is written. 1 had no `library`, and no fusion in its identity; 2 had no `lab_info`.
VERSION = 3
#: What is read; an older index is written as VERSION when it is next changed.
READABLE = (1, 2, 3)

#: The files of a model that answers depend on, beside its identity, by version of the manifest.
_RANKING_FILES = {1: (CALIBRATION_FILE,)}
_ALL_RANKING_FILES = (CALIBRATION_FILE, RANKER_FILE)

_SHA256 = re.compile("[0-9a-f]{64}")
#: A segment is named after the hash of its content, so that its name cannot be a path.
_SEGMENT_NAME = re.compile("[0-9a-f]{20}")
_MODEL_FILE = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class FileFacts:
    """What a file must be: its hash (hex SHA-256) and its size in bytes."""

    sha256: str
    size: int

    @property
    def name(self) -> str:
        """What a file is called, without suffix, that is named after its content."""
        return self.sha256[:20]


#: The files of a model by name, sorted.
ModelFiles = tuple[tuple[str, FileFacts], ...]


@dataclass(frozen=True)
class SegmentEntry:
    """One segment as an index sees it.

    `header` is the SHA-256 of the segment's checksum table, which opening compares. `removed` and
    `renamed` act on the lab names *stored in this segment*, so a lab that is added again later, in
    another segment, is not affected.
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
        return None if stored in self._removed else self._renamed.get(stored, stored)

    @cached_property
    def _removed(self) -> frozenset[str]:
        return frozenset(self.removed)

    @cached_property
    def _renamed(self) -> dict[str, str]:
        return dict(self.renamed)

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
    `views` None is the model's own default; `plasmids` and `labs` count what is not removed;
    `library` is the version of vecattr that wrote it (None in version 1); `lab_info` is the file
    that tells of labs, if any; `version` is that of the file read."""

    generation: int
    model: str
    model_files: ModelFiles
    width: int
    views: int | None
    keep_sequences: bool
    segments: tuple[SegmentEntry, ...]
    plasmids: int
    labs: int
    restores: int | None = None
    library: str | None = None
    lab_info: FileFacts | None = None
    version: int = field(default=VERSION, compare=False)

    @property
    def identity(self) -> str:
        """Hex SHA-256 over the model, its calibration and fusion, the segments with their removals
        and renames, and what is known of labs: equal identities give equal answers. It does not
        depend on how the content came about."""
        return self._identity(VERSION)

    @property
    def stored_names(self) -> set[str]:
        """The names, without suffixes, of the files in the folder of segments."""
        known = set() if self.lab_info is None else {self.lab_info.name}
        return {entry.name for entry in self.segments} | known

    def model_file(self, usual: str) -> str | None:
        """The name that the file with this usual name has here; None when there is none."""
        return next((name for name, _ in self.model_files if usual_name(name) == usual), None)

    def with_calibration(self, files: ModelFiles) -> Manifest:
        """The same state with the calibration files among these, and no others."""
        kept = [pair for pair in self.model_files if usual_name(pair[0]) not in REPLACED_FILES]
        kept += [pair for pair in files if usual_name(pair[0]) in REPLACED_FILES]
        return replace(self, model_files=tuple(sorted(kept)))

    def _identity(self, version: int) -> str:
        segments = [
            {"sha256": entry.file.sha256, "removed": entry.removed, "renamed": entry.renamed}
            for entry in self.segments
        ]
        ranking = _RANKING_FILES.get(version, _ALL_RANKING_FILES)
        calibrated = [one.sha256 for name, one in self.model_files if usual_name(name) in ranking]
        content: dict[str, object] = {
            "model": self.model,
            "views": self.views,
            "calibration": calibrated,
            "segments": segments,
        }
        if self.lab_info is not None:
            content["lab_info"] = self.lab_info.sha256
        return sha256_bytes(_compact(content))

    def to_json(self, *, version: int = VERSION) -> bytes:
        """The canonical bytes, checksum included."""
        body = {
            "format": FORMAT,
            "version": version,
            "generation": self.generation,
            "restores": self.restores,
            "identity": self._identity(version),
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
        if version > 1:
            body["library"] = self.library
        if version > 2:
            body["lab_info"] = None if self.lab_info is None else asdict(self.lab_info)
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
    name, renamed = entry["name"], entry["renamed"]
    if not isinstance(name, str) or not _SEGMENT_NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no segment")
    return SegmentEntry(
        name=name,
        file=_facts({"sha256": entry["sha256"], "size": entry["size"]}),
        header=_digest(entry["header"]),
        rows=_count(entry["rows"]),
        faiss=_facts(entry["faiss"]),
        removed=tuple(sorted(map(_text, entry["removed"]))),
        renamed=tuple(sorted((old, _text(new)) for old, new in renamed.items())),
    )


def _facts(facts: dict[str, Any]) -> FileFacts:
    return FileFacts(sha256=_digest(facts["sha256"]), size=_count(facts["size"]))


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(f"{value!r} is no SHA-256")
    return value


def _count(value: object, *, least: int = 0) -> int:
    if type(value) is not int or value < least:
        raise ValueError(f"{value!r} is no number of at least {least}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


@lru_cache(maxsize=8)  # a writer reads the same file several times
def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """The manifest in these bytes; MismatchError for another format or version, DamagedError when
    they are not exactly what `Manifest.to_json` writes."""
    try:
        body = parse_json(data)
        format_name, version = body["format"], body["version"]
    except CONTENT_ERRORS as error:
        raise _damaged(where, f"not a manifest: {error}") from error
    _check_format(format_name, version, where=where)
    try:
        manifest = _from_json(body)
        canonical = manifest.to_json(version=version)
    except CONTENT_ERRORS as error:
        raise _damaged(where, f"not a manifest: {error!r}") from error
    if canonical != data:
        expected = json.loads(canonical)["checksum"]
        raise _damaged(where, f"checksum is {body.get('checksum')!r}, expected {expected!r}")
    return manifest


def _check_format(format_name: object, version: object, *, where: str) -> None:
    if format_name == FORMAT and type(version) is not int:
        raise _damaged(where, f"not a manifest: version {version!r}")
    if format_name != FORMAT or version not in READABLE:
        is_newer = format_name == FORMAT and isinstance(version, int) and version > READABLE[-1]
        raise MismatchError(
            f"format {format_name!r} version {version!r}, expected {FORMAT!r} version "
            f"{READABLE[0]} to {READABLE[-1]}",
            where=where,
            hint="use a newer vecattr, as the one that wrote this index"
            if is_newer
            else "use the vecattr that wrote this index, or build it again",
        )


def _from_json(body: dict[str, Any]) -> Manifest:
    model, views, restores = body["model"], body["model"]["views"], body["restores"]
    lab_info = body["lab_info"] if body["version"] > 2 else None
    files = {name: _facts(facts) for name, facts in model["files"].items()}
    if wrong_names := [name for name in files if not _MODEL_FILE.fullmatch(name)]:
        raise ValueError(f"{wrong_names[0]!r} names no file of a model")
    if len({*map(usual_name, files)}) < len(files):
        raise ValueError("two calibrations of one index")
    segments = tuple(_entry_from_json(entry) for entry in body["segments"])
    _check_distinct(segments)
    return Manifest(
        generation=_count(body["generation"], least=1),
        model=_digest(model["identity"]),
        model_files=tuple(sorted(files.items())),
        width=_count(model["width"], least=1),
        views=None if views is None else _count(views, least=1),
        keep_sequences=bool(body["keep_sequences"]),
        segments=segments,
        plasmids=_count(body["counts"]["plasmids"]),
        labs=_count(body["counts"]["labs"]),
        restores=None if restores is None else _count(restores, least=1),
        library=None if body["version"] == 1 else _text(body["library"]),
        lab_info=None if lab_info is None else _facts(lab_info),
        version=body["version"],
    )


def _check_distinct(segments: tuple[SegmentEntry, ...]) -> None:
    """ValueError when two entries for one segment both show all of its labs. (Labs that were
    removed and added again may be in a segment of the same content, and so of the same name.)"""
    counts = Counter(entry.name for entry in segments if not entry.removed)
    for name, count in counts.items():
        if count > 1:
            raise ValueError(f"the segment {name} is named {count} times")


def _damaged(where: str, what: str) -> DamagedError:
    return DamagedError(
        what,
        where=where,
        hint="restore it with `vecattr verify --repair` (the newest file in manifests is a copy), "
        "or build the index again",
    )
