"""Optional JSON files of a model, with a version: a file in, its parsed content or None out."""

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
    """The content of a file as `parse` returns it, None when there is no file; DamagedError when it
    cannot be read, MismatchError when it is of another version."""
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_bytes())
        version_read = data.get("version")
        if version_read == version:
            return parse(data)
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise DamagedError(f"not a {kind}", where=str(path)) from cause
    raise MismatchError(
        f"{kind} version {version_read!r}, this vecattr reads {version}", where=str(path), hint=hint
    )
