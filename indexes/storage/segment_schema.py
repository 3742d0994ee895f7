"""The arrays of a segment file, their types and shapes, and its index of ids: an opened file in;
its rows and width, and the rows of ids, out.

Checked before any array is read, so that a file whose header is wrong is refused.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, repeat
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile
from vecattr.sequences.kmers import Hashes

#: Codes as segments store them, (n,); `vecattr.vectors.Codes` are those that are computed with.
StoredCodes = NDArray[np.int32]

#: Of a lab or a group, while they are numbered.
NO_NAME = -1

#: Ids that are looked for at once.
_IDS_AT_ONCE = 64

#: A segment with fewer rows is small: when there are many small ones, they are merged.
SMALL_SEGMENT = 1024

#: Arrays of coordinates of vectors.
AXES, COORDINATES = "sequences/axis", "sequences/coordinate"

#: Type and shape of every array (FORMAT.md): n rows, d numbers of a vector, m parts, j moments, f
#: features; `n+1` is one more than n; any other letter is a length of its own.
_ARRAYS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "sequences/vector": ("<f4", ("n", "d")),
    "sequences/id_hash": ("<u8", ("n",)),
    "sequences/id_row": ("<i8", ("n",)),
    "sequences/lab": ("<i4", ("n",)),
    "sequences/label": ("<i4", ("n",)),
    "sequences/group": ("<i4", ("n",)),
    "sequences/topology": ("|u1", ("n",)),
    "sequences/length": ("<i8", ("n",)),
    "sequences/feature": ("|u1", ("n", "f")),
    "labs/vector": ("<f4", ("m", "d")),
    "labs/weight": ("<f8", ("m",)),
    "labs/origin": ("|u1", ("m",)),
    "moments/count": ("<i8", ("j",)),
    "moments/total": ("<f8", ("j", "d")),
    "moments/outer": ("<f8", ("j", "d", "d")),
}
_STRINGS: Mapping[str, str] = {
    "sequences/id": "n",
    "sequences/lab_name": "lab names",
    "sequences/label_name": "label names",
    "sequences/group_name": "group names",
    "sequences/feature_name": "f",
    "labs/name": "m",
}
_BASES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "sequences/bases/bytes": ("|u1", ("packed",)),
    "sequences/bases/offsets": ("<u8", ("n+1",)),
    "sequences/exceptions/offsets": ("<u8", ("n+1",)),
    "sequences/exceptions/start": ("<i8", ("runs",)),
    "sequences/exceptions/length": ("<i8", ("runs",)),
    "sequences/exceptions/letter": ("|u1", ("runs",)),
}
#: Coordinates of vectors that lie in a space of r dimensions; absent where they fill theirs.
_COORDINATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    AXES: ("<f4", ("r", "d")),
    COORDINATES: ("<f4", ("n", "r")),
}
#: What is known of plasmids, each part with its arrays; a part that no plasmid has is absent.
_INFO: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "publication": {
        "sequences/publication": ("<i4", ("n",)),
        "sequences/publication_name/offsets": ("<u8", ("publications+1",)),
        "sequences/publication_name/bytes": ("|u1", ("bytes of publications",)),
    },
    "year": {"sequences/year": ("<i4", ("n",))},
    "source_url": {
        "sequences/source_url/offsets": ("<u8", ("n+1",)),
        "sequences/source_url/bytes": ("|u1", ("bytes of source URLs",)),
    },
}


def joined_codes(
    columns: Sequence[tuple[Sequence[str | None], StoredCodes]], names: Sequence[str]
) -> NDArray[np.int64]:
    """The codes of several columns, each with the names that it counts into, as places in `names`
    (n,), NO_NAME for None and for a code below 0."""
    joined = [np.zeros(0, dtype=np.int64)]
    if [name for column_names, _ in columns for name in column_names] == [*names]:
        starts = accumulate((len(column_names) for column_names, _ in columns), initial=0)
        for (_, codes), start in zip(columns, starts, strict=False):
            joined.append(np.where(codes < 0, NO_NAME, codes + np.int64(start)))
        return np.concatenate(joined)
    places: dict[str | None, int] = dict(zip(names, range(len(names)), strict=True))
    for column_names, codes in columns:
        translation = list(map(places.get, column_names, repeat(NO_NAME)))
        # One more at the end, which is where the code -1 points.
        joined.append(np.array([*translation, NO_NAME], dtype=np.int64)[codes])
    return np.concatenate(joined)


def id_hashes(ids: Sequence[str]) -> NDArray[np.uint64]:
    """64-bit BLAKE2b hashes of ids, (n,)."""
    digests = [
        hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for name in ids
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


class IdIndex:
    """Where the ids of the n `rows` of a segment file are: ids in, rows out."""

    def __init__(self, file: ArrayFile, *, rows: int) -> None:
        self._file = file
        self._rows = rows

    def find(self, ids: Sequence[str]) -> dict[str, list[int]]:
        """The rows that have these ids (a removed row may share its id with a living one)."""
        rows_of: dict[str, list[int]] = {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            asked = ids[start : start + _IDS_AT_ONCE]
            which, rows = self._rows_with_hashes(id_hashes(asked))
            names = self._file.some_strings("sequences/id", rows)
            for number, row, name in zip(which.tolist(), rows.tolist(), names, strict=True):
                if asked[number] == name:
                    rows_of.setdefault(name, []).append(row)
        return rows_of

    def _rows_with_hashes(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of these hashes of ids (m,) are here, and the row of each, (h,) both."""
        places, starts = self._id_windows(hashes)
        stored = self._file.items("sequences/id_hash", places)
        hits = np.flatnonzero(stored == np.repeat(hashes, np.diff(starts)))
        rows = self._file.items("sequences/id_row", places[hits]).astype(np.int64)
        return np.searchsorted(starts, hits, side="right") - 1, rows

    def _id_windows(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where among the ascending hashes of ids each of these (m,) stands if it is there, end to
        end (t,), and where the places of each begin, and the end (m + 1,): around those expected,
        for hashes are evenly distributed."""
        margin = 2 * math.isqrt(self._rows) + 64
        expected = [value * self._rows >> 64 for value in hashes.tolist()]
        middle = np.array(expected, dtype=np.int64)
        first, stop = np.maximum(middle - margin, 0), np.minimum(middle + margin, self._rows)
        if self._rows and len(hashes):
            edges = np.concatenate([first, stop - 1])
            ends = cast("Hashes", self._file.items("sequences/id_hash", edges))
            is_outside = (first > 0) & (ends[: len(first)] >= hashes)
            is_outside |= (stop < self._rows) & (ends[len(first) :] <= hashes)
            first[is_outside], stop[is_outside] = 0, self._rows
        counts = stop - first
        starts = np.append(0, np.cumsum(counts))
        return np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts), starts

    def matches(self, hashes: Hashes) -> bool:
        """Whether the sorted hashes are those (n,) of the ids, each with its row."""
        rows = cast("NDArray[np.int64]", self._file.array("sequences/id_row"))
        sorted_hashes = cast("Hashes", self._file.array("sequences/id_hash"))
        if not np.array_equal(np.sort(rows), np.arange(self._rows)):
            return False
        ascending = bool(np.all(sorted_hashes[1:] >= sorted_hashes[:-1]))
        return ascending and np.array_equal(sorted_hashes, hashes[rows])


def check_layout(file: ArrayFile) -> tuple[int, int]:
    """The rows n and the width d of a segment; DamagedError when an array is missing, of another
    type, or does not fit to the others."""
    sizes: dict[str, int] = {}
    width = file.attributes.get("width")
    if type(width) is not int or not isinstance(file.attributes.get("model"), str):
        raise DamagedError("does not say its model and width", where=file.name)
    sizes["d"] = width
    for name, (dtype, shape) in _expected(file):
        stored_dtype, lengths = file.layout(name)
        if stored_dtype != dtype or len(lengths) != len(shape):
            raise DamagedError(
                f"{name} is of type {stored_dtype} and shape {lengths}, expected {dtype} and "
                f"{len(shape)} dimensions",
                where=file.name,
            )
        for letter, length in zip(shape, lengths, strict=True):
            letter, rows = (letter[:-2], length - 1) if letter.endswith("+1") else (letter, length)
            if sizes.setdefault(letter, rows) != rows:
                raise DamagedError(
                    f"{name} has {rows} of what the file has {sizes[letter]} of ({letter})",
                    where=file.name,
                )
    return sizes["n"], width


def _expected(file: ArrayFile) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Every array that the file must have, with its type and shape."""
    yield from _ARRAYS.items()
    for name, letter in _STRINGS.items():
        yield f"{name}/offsets", ("<u8", (f"{letter}+1",))
        yield f"{name}/bytes", ("|u1", (f"bytes of {name}",))
    for arrays in (_BASES, _COORDINATES, *_INFO.values()):
        if any(name in file for name in arrays):
            yield from arrays.items()
