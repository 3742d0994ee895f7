"""JSON of index and model files, which may be a stranger's: bytes in, bounded values out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from vecattr.errors import DamagedError, MismatchError, VecattrError
from vecattr.files.atomic import read_file
from vecattr.files.folder import Location

T = TypeVar("T")

#: Levels of lists and objects in each other; vecattr writes fewer, deep ones exhaust the stack.
MOST_LEVELS = 64
#: Integers lie between -LARGEST - 1 and LARGEST: 64 bits.
LARGEST = 2**63 - 1
_MOST_DIGITS = len(str(-LARGEST))
#: All bytes but brackets and quotation marks.
_NO_MARKS = bytes(set(range(256)) - set(b'[]{}"'))

#: What reading the parsed content of a JSON file raises when it is not what vecattr writes.
CONTENT_ERRORS = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text; ValueError when it is none, is nested deeper than `MOST_LEVELS`, or
    has an integer beyond 64 bits.

    >>> parse_json(b'{"count": 2}')
    {'count': 2}
    """
    try:
        value = json.loads(data, parse_int=_bounded_integer)
    except RecursionError as error:
        raise ValueError("lists or objects are nested too deeply") from error
    if not _is_shallow(data):
        _check_levels(value)
    return value


def read_json(
    path: Location, parse: Callable[[Any], T], *, kind: str, hint: str | None = None
) -> T:
    """The content of a file as `parse` returns it from its JSON value.

    MissingError when there is no file; DamagedError, which names the file, when it holds no bounded
    JSON or `parse` finds other content than vecattr writes; errors of vecattr that `parse` raises.
    """
    try:
        return parse(parse_json(read_file(path)))
    except VecattrError as error:
        if error.where is not None:
            raise
        raise type(error)(error.what, where=str(path), hint=error.hint) from error
    except CONTENT_ERRORS as cause:
        raise DamagedError(f"not a {kind}", where=str(path), hint=hint) from cause


def read_sidecar(
    path: Location, parse: Callable[[dict[str, Any]], T], *, kind: str, version: int, hint: str
) -> T | None:
    """The content of an optional file with a version, None when there is no file; DamagedError when
    it cannot be read, MismatchError when it is of another version."""

    def parse_version(data: dict[str, Any]) -> T:
        if (version_read := data.get("version")) != version:
            raise MismatchError(
                f"{kind} version {version_read!r}, this vecattr reads {version}", hint=hint
            )
        return parse(data)

    return read_json(path, parse_version, kind=kind) if path.exists() else None


def _bounded_integer(text: str) -> int:
    number = int(text) if len(text) <= _MOST_DIGITS else LARGEST + 1
    if not -LARGEST - 1 <= number <= LARGEST:
        raise ValueError("an integer needs more than 64 bits")
    return number


def _is_shallow(data: bytes | str) -> bool:
    """True for a valid JSON text whose brackets, outside of strings, nest no deeper than
    `MOST_LEVELS`; False also when that is not plain to see. Reads a large array of numbers, as of
    an evidence ranker, at a small part of the cost of walking through its values."""
    text = data.encode("utf-8", "replace") if isinstance(data, str) else data
    if b"\\" in text or b"\0" in text:  # escaped quotation marks, or not UTF-8
        return False
    level = 0
    for mark in b"".join(text.translate(None, _NO_MARKS).split(b'"')[::2]):
        level += 1 if mark in b"[{" else -1
        if level > MOST_LEVELS:
            return False
    return True


def _check_levels(value: object) -> None:
    """ValueError when lists and objects are nested deeper than `MOST_LEVELS`."""
    level = _containers([value])
    for _ in range(MOST_LEVELS):
        if not level:
            return
        level = _containers(
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
        )
    if level:
        raise ValueError("lists or objects are nested too deeply")


def _containers(values: Iterable[Any]) -> list[dict[str, Any] | list[Any]]:
    return [value for value in values if isinstance(value, list | dict)]
