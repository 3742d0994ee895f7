"""The log of an index: what was done to it, by whom and when; one JSON line for each edit.

The log is for people. No answer depends on it, and it is not part of an index's identity.
"""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from vecattr.files.atomic import read_file
from vecattr.files.entries import append_line
from vecattr.files.folder import Entry, Location
from vecattr.files.json_files import CONTENT_ERRORS, parse_json
from vecattr.indexes.storage.index_folder import LOG_FILE
from vecattr.indexes.storage.manifest import Manifest
from vecattr.version import __version__

__all__ = ["LOG_FILE", "append_log", "calibrated_at", "changed_since_calibration", "read_log"]

#: What changes which plasmids a lab has.
_EDITS = ("add-lab", "remove-lab", "remove-plasmids", "rename-lab")


def append_log(path: Entry, manifest: Manifest, action: str, details: Mapping[str, object]) -> None:
    """Add the line of an edit that is about to publish `manifest`."""
    entry = {
        "generation": manifest.generation,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": _user_name(),
        "version": __version__,
        "action": action,
        "details": dict(details),
        "identity": manifest.identity,
    }
    append_line(path / LOG_FILE, json.dumps(entry))


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def read_log(path: Location, *, generation: int) -> list[dict[str, object]]:
    """The entries up to a generation, oldest first.

    Of two entries for one generation the later counts (the earlier writer was killed before its
    commit). Incomplete lines, and those that no edit writes, are left out.
    """
    entries: dict[int, dict[str, object]] = {}
    file = path / LOG_FILE
    for line in read_file(file).splitlines() if file.exists() else ():
        with contextlib.suppress(*CONTENT_ERRORS):
            entry = parse_json(line)
            if _is_entry(entry):
                entries[entry["generation"]] = entry
    return [entry for number, entry in sorted(entries.items()) if number <= generation]


def _is_entry(entry: Any) -> bool:
    """Whether a line that was read has what is asked of an entry, each of its kind."""
    details = entry.get("details", {})
    counts = (details.get("plasmids", 0), details.get("to", 1))
    return (
        isinstance(entry.get("action"), str)
        and isinstance(entry.get("time", ""), str)
        and all(type(number) is int for number in (entry["generation"], *counts))
    )


def changed_since_calibration(entries: Sequence[Mapping[str, Any]]) -> int:
    """How many plasmids came, went or changed their lab after the index was built or calibrated
    anew, by the entries of its log, oldest first; what a rollback took back does not count."""
    changed = 0
    changed_at: dict[object, int] = {}
    for entry in entries:
        details = entry.get("details") or {}
        if entry.get("action") == "recalibrate":
            changed = 0
        elif entry.get("action") == "rollback":
            changed = changed_at.get(details.get("to"), changed)
        elif entry.get("action") in _EDITS:
            changed += int(details.get("plasmids", 0))
        changed_at[entry.get("generation")] = changed
    return changed


def calibrated_at(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry of the build or of the new calibration that is in force, oldest entries first;
    empty when the log does not tell."""
    latest: Mapping[str, Any] = entries[0] if entries else {}
    latest_at: dict[object, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.get("action") in ("build", "recalibrate"):
            latest = entry
        elif entry.get("action") == "rollback":
            latest = latest_at.get((entry.get("details") or {}).get("to"), latest)
        latest_at[entry.get("generation")] = latest
    return latest
