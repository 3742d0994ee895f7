"""The log of an index: what was done to it, by whom and when; one JSON line for each edit.

The log is for people. No answer depends on it, and it is not part of an index's identity.
"""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from vecattr.files.atomic import read_file
from vecattr.files.entries import append_line
from vecattr.files.folder import Entry, Location
from vecattr.files.json_files import CONTENT_ERRORS, parse_json
from vecattr.indexes.storage.manifest import Manifest
from vecattr.version import __version__

LOG_FILE = "log.jsonl"


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
    commit). Incomplete lines are left out.
    """
    entries: dict[int, dict[str, object]] = {}
    file = path / LOG_FILE
    for line in read_file(file).splitlines() if file.exists() else ():
        with contextlib.suppress(*CONTENT_ERRORS):
            entry = parse_json(line)
            entries[int(entry["generation"])] = entry
    return [entry for number, entry in sorted(entries.items()) if number <= generation]
