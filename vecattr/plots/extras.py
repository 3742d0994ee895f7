"""Optional libraries: the names of those needed in, an error with the next step out."""

from __future__ import annotations

from importlib.util import find_spec

from vecattr.errors import UsageError


def require_extra(*libraries: str, extra: str) -> None:
    """UsageError naming the first library that is not installed, and the extra that brings it."""
    for library in libraries:
        if find_spec(library) is None:
            raise UsageError(
                f"this needs the library {library}, which is not installed",
                hint=f"pip install 'vecattr[{extra}]'",
            )
