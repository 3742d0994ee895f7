"""The directory of a file of arrays: its attributes and where each array lies, from and to JSON.

It stands beside the checksums (`vecattr.files.sealed`), so that reading needs no HDF5 library.
What a directory or libhdf5 states about a file is validated here before it is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vecattr.files.json_files import CONTENT_ERRORS, parse_json

Attribute = str | int | float
#: Arrays by name, or names with their arrays one after the other.
NamedArrays = Mapping[str, NDArray[np.generic]] | Iterable[tuple[str, NDArray[np.generic]]]

#: What an array may be: little-endian numbers, in one to three dimensions.
_DTYPES = frozenset(("|u1", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"))
_MAX_DIMENSIONS = 3
#: More bytes than a file can have; NumPy counts to less than twice as many.
_IMPOSSIBLE_SIZE = 1 << 62


@dataclass(frozen=True)
class Extent:
    """Where an array lies: its type, its shape, and the byte of the HDF5 part it begins at."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def from_description(
        cls, name: str, dtype: object, shape: Sequence[object], offset: object, *, size: int
    ) -> Self:
        """The extent that a directory or libhdf5 states; ValueError or TypeError unless it is one
        of numbers inside of `size` bytes."""
        if dtype not in _DTYPES or not 1 <= len(shape) <= _MAX_DIMENSIONS:
            raise ValueError(f"{name!r} is no array that vecattr writes: {dtype} {shape}")
        sizes = [number for number in shape if type(number) is int and number >= 0]
        number_type = np.dtype(str(dtype))
        if (
            len(sizes) < len(shape)
            or math.prod(max(1, n) for n in sizes) * number_type.itemsize >= _IMPOSSIBLE_SIZE
        ):
            raise ValueError(f"{name!r} has no possible shape: {shape}")
        stop = math.prod(sizes) * number_type.itemsize
        if type(offset) is not int or not 0 <= offset < _IMPOSSIBLE_SIZE or offset + stop > size:
            raise ValueError(f"{name!r} lies outside of the file: {dtype} {shape} at {offset}")
        return cls(number_type, tuple(sizes), offset)


@dataclass(frozen=True)
class Directory:
    """What a file of arrays holds."""

    attributes: dict[str, Attribute]
    extents: dict[str, Extent]

    def to_bytes(self) -> bytes:
        """As canonical JSON."""
        arrays = {
            name: [extent.dtype.str, extent.shape, extent.offset]
            for name, extent in self.extents.items()
        }
        content = {"arrays": arrays, "attributes": self.attributes}
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes, *, size: int) -> Self:
        """The directory of a file whose HDF5 part has `size` bytes; ValueError for content that
        `to_bytes` never writes, or for arrays that extend beyond the file."""
        try:
            content = parse_json(data)
            arrays = content["arrays"].items()
            extents = {
                name: Extent.from_description(name, *description, size=size)
                for name, description in arrays
            }
            attributes = {key: plain_value(value) for key, value in content["attributes"].items()}
            return cls(attributes, extents)
        except CONTENT_ERRORS as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def plain_value(attribute: object) -> Attribute:
    """An attribute as a Python value; TypeError unless it is a text or a number."""
    value = attribute.item() if isinstance(attribute, np.generic) else attribute
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise TypeError(f"attribute of type {type(value).__name__}")
    return value
