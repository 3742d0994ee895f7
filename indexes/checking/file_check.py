"""Files of an index compared with what they should be: a path in, whether it is that out."""

from __future__ import annotations

from vecattr.encoders.model_folder import REPLACED_FILES, usual_name
from vecattr.errors import ArtifactError
from vecattr.files.atomic import check_file, read_file, sha256_bytes
from vecattr.files.folder import Entry, Location
from vecattr.indexes.storage.index_folder import MODEL_FOLDER, lab_info_path
from vecattr.indexes.storage.manifest import Manifest, parse_manifest


def sha256_of(file: Location) -> str | None:
    """None when there is no such file."""
    return sha256_bytes(read_file(file)) if file.is_file() else None


def holds(file: Entry, data: bytes) -> bool:
    """Whether the file is there and holds just this."""
    return file.is_file() and read_file(file) == data


def is_copy(file: Entry, manifest: Manifest) -> bool:
    """Whether the file is a copy of this manifest."""
    try:
        return parse_manifest(read_file(file), where=str(file)) == manifest
    except ArtifactError:
        return False


def calibration_fault(path: Entry, old: Manifest, present: Manifest) -> tuple[Entry, str] | None:
    """The first file of the calibration of an earlier generation that is not what its manifest
    names, and what is wrong with it; files that the present manifest names, too, do not count."""
    for name, facts in old.model_files:
        if usual_name(name) not in REPLACED_FILES or (name, facts) in present.model_files:
            continue
        file = path / MODEL_FOLDER / name
        try:
            check_file(file, sha256=facts.sha256, size=facts.size)
        except ArtifactError as error:
            return file, error.what
    return None


def lab_info_fault(path: Entry, manifest: Manifest) -> str | None:
    """What is wrong with the file that tells of labs, compared by its hash alone; None when
    nothing is, or the manifest names none."""
    facts = manifest.lab_info
    if facts is None:
        return None
    try:
        check_file(lab_info_path(path, facts.name), sha256=facts.sha256, size=facts.size)
    except ArtifactError as error:
        return error.what
    return None
