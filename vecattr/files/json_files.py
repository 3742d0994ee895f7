"""JSON files that may lie beside a model, with a version: a file in, what it holds or None out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from vecattr.errors import DamagedError, MismatchError

T = TypeVar("T")


def read_sidecar(
    path: Path, parse: Callable[[dict[str, Any]], T], *, kind: str, version: int, hint: str
) -> T | None:
    """What `parse` makes of a file, None when there is none; DamagedError when it cannot be read,
    MismatchError when another version wrote it."""
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_bytes())
        found = data.get("version")
        if found == version:
            return parse(data)
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise DamagedError(f"not a {kind}", where=str(path)) from cause
    raise MismatchError(
        f"{kind} version {found!r}, this vecattr reads {version}", where=str(path), hint=hint
    )
