"""A folder of cross-validation folds: a folder in, its members (models or indexes) out.

MODEL/folds.json    how many there are, the run that made them, the ids no fold was trained on
MODEL/fold-1 ...    a model (or an index) each
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vecattr.errors import MissingError
from vecattr.files.atomic import translated_errors
from vecattr.files.entries import check_entries
from vecattr.files.folder import AnyLocation, Location, OpenFolder
from vecattr.files.json_files import read_json

FOLDS_FILE = "folds.json"
FORMAT = "vecattr-folds"
VERSION = 1


@dataclass(frozen=True)
class Folds:
    """The content of folds.json; `run` is a hex digest of what training depended on, `held_out`
    are the ids of the plasmids that calibrate every fold and that none was trained on."""

    count: int
    run: str
    held_out: tuple[str, ...]

    def to_json(self) -> bytes:
        """The bytes of folds.json, with sorted keys."""
        data = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()


def is_folds(folder: Location) -> bool:
    """Is this a folder of folds? One whose list of folds is a link or a pipe is refused when it is
    read."""
    file = folder / FOLDS_FILE
    return os.path.lexists(file) if isinstance(file, Path) else file.exists()


def read_folds(folder: Location) -> Folds:
    """The content of folds.json; MissingError without one, DamagedError when it cannot be read."""
    return read_json(
        folder / FOLDS_FILE, _parsed, kind="list of folds", hint="make the folder again"
    )


def _parsed(data: dict[str, Any]) -> Folds:
    if (data["format"], data["version"]) != (FORMAT, VERSION) or data["count"] < 2:
        raise ValueError(data["format"])
    return Folds(int(data["count"]), str(data["run"]), tuple(map(str, data["held_out"])))


def fold_path(folder: AnyLocation, number: int) -> AnyLocation:
    """Where the fold of this number lies, from 1."""
    return folder / fold_name(number)


def fold_name(number: int) -> str:
    """The name of the folder of a fold."""
    return f"fold-{number}"


def fold_members(folder: Path, *, marker: str, hint: str) -> tuple[Path, ...]:
    """All folds of a folder, in order; `marker` is a file that a complete member holds.

    Errors as `read_folds`, MissingError with the hint when a fold is not there, and ArtifactError
    when the folder holds a link, a pipe or a device.
    """
    with translated_errors(folder), OpenFolder(folder) as opened:
        check_entries(opened.root, ())
        count = read_folds(opened.root).count
        for number in range(1, count + 1):
            member = fold_path(opened.root, number)
            if not (member / marker).exists():
                raise MissingError(
                    f"fold {number} of {count} is missing or incomplete",
                    where=str(member),
                    hint=hint,
                )
    return tuple(fold_path(folder, number) for number in range(1, count + 1))
