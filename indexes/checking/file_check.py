"""Files of an index compared with what they should be: a path in, whether it is that out."""

from __future__ import annotations

from vecattr.errors import ArtifactError
from vecattr.files.atomic import check_file, read_file, sha256_bytes
from vecattr.files.folder import Entry, Location
from vecattr.indexes.storage.index_folder import lab_info_path
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
