"""The directory of a stored file: its attributes, and where each array lies; JSON to and from.

It stands beside the checksums (`vecattr.files.sealed`), so that reading needs no HDF5 library.
Whoever says what a file holds, its directory or libhdf5, is believed only within these bounds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

Attribute = str | int | float

#: All that an array may be: little-endian numbers, in one to three dimensions.
_DTYPES = frozenset(("|u1", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"))
_MOST_DIMENSIONS = 3
#: No file has so many bytes; NumPy counts to less than twice as many.
_MOST = 1 << 62


@dataclass(frozen=True)
class Extent:
    """Where an array lies: its type, its shape, and the byte of the HDF5 part it begins at."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def of(
        cls, name: str, dtype: object, shape: Sequence[object], offset: object, *, size: int
    ) -> Self:
        """What is said of an array; ValueError or TypeError when it is not of numbers that lie
        inside of `size` bytes."""
        if dtype not in _DTYPES or not 1 <= len(shape) <= _MOST_DIMENSIONS:
            raise ValueError(f"{name!r} is no array of this program: {dtype} {shape}")
        sizes = [number for number in shape if type(number) is int and number >= 0]
        kind = np.dtype(str(dtype))
        if len(sizes) < len(shape) or math.prod(max(1, n) for n in sizes) * kind.itemsize >= _MOST:
            raise ValueError(f"{name!r} has no possible shape: {shape}")
        stop = math.prod(sizes) * kind.itemsize
        if type(offset) is not int or not 0 <= offset < _MOST or offset + stop > size:
            raise ValueError(f"{name!r} lies outside of the file: {dtype} {shape} at {offset}")
        return cls(kind, tuple(sizes), offset)


@dataclass(frozen=True)
class Directory:
    """What a file of arrays holds."""

    attributes: dict[str, Attribute]
    extents: dict[str, Extent]

    def to_bytes(self) -> bytes:
        """As canonical JSON."""
        arrays = {key: [one.dtype.str, one.shape, one.offset] for key, one in self.extents.items()}
        content = {"arrays": arrays, "attributes": self.attributes}
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes, *, size: int) -> Self:
        """Of a file whose HDF5 part has `size` bytes; ValueError for what `to_bytes` never wrote,
        or for arrays that leave the file."""
        try:
            content = json.loads(data)
            arrays = content["arrays"].items()
            extents = {name: Extent.of(name, *place, size=size) for name, place in arrays}
            return cls({key: plain(one) for key, one in content["attributes"].items()}, extents)
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def plain(value: object) -> Attribute:
    """An attribute as a Python value; TypeError for any other than a text or a number."""
    one = value.item() if isinstance(value, np.generic) else value
    if not isinstance(one, str | int | float) or isinstance(one, bool):
        raise TypeError(f"attribute of type {type(one).__name__}")
    return one
