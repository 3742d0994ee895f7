"""Calibration files of an index that is edited: contents in, files that a manifest may name out.

New files have names of their own, by their content, so that a rollback brings the earlier ones
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vecattr.encoders.model_folder import CALIBRATION_FILE, content_name, usual_name
from vecattr.files.atomic import atomic_write, sha256_bytes
from vecattr.files.folder import Entry
from vecattr.indexes.storage.index_folder import MODEL_FOLDER
from vecattr.indexes.storage.index_model import index_calibration
from vecattr.indexes.storage.manifest import FileFacts, Manifest, ModelFiles


def write_calibration(root: Entry, contents: Mapping[str, bytes]) -> ModelFiles:
    """Write calibration files, given by their usual names, into the model of an index folder; no
    manifest names them yet."""
    files = []
    for usual, content in contents.items():
        digest = sha256_bytes(content)
        name = content_name(usual, digest)
        atomic_write(root / MODEL_FOLDER / name, content, in_shared_folder=True)
        files.append((name, FileFacts(digest, len(content))))
    return tuple(files)


def with_lab_renamed(root: Entry, manifest: Manifest, old: str, new: str) -> Manifest:
    """The manifest with a calibration that knows a lab by its new name, too, if it knows it by the
    old one: a lab that was renamed is no newcomer, whatever is merged later."""
    calibration = index_calibration(root, manifest)
    if calibration is None or calibration.labs is None:
        return manifest
    if old not in calibration.labs or new in calibration.labs:
        return manifest
    content = replace(calibration, labs=calibration.labs | {new}).to_json()
    kept = [pair for pair in manifest.model_files if usual_name(pair[0]) != CALIBRATION_FILE]
    kept += write_calibration(root, {CALIBRATION_FILE: content})
    return replace(manifest, model_files=tuple(sorted(kept)))
