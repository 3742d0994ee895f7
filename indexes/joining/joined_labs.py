"""What the labs of all segments of an index are together: segments in, arrays of a file out, and
the same read again.

The catalogue of an index and the vectors of its classes are made of all segments, which takes long
where there are very many labs. The file of joined k-mers keeps both where it is of all segments.
They count as long as these are all that the index has and no lab of them was removed or renamed;
otherwise they are made of the segments again, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile, string_arrays
from vecattr.indexes.joining.catalogue import Catalogue, first_rows
from vecattr.indexes.joining.class_vectors import ClassVectors
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.vectors import Vectors, are_within_unit_length

Arrays = dict[str, NDArray[np.generic]]

_LAB_NAMES, _CLASS_NAMES = "labs/name", "classes/name"
_CLASS_OF_LAB, _LAB_OF_ROW = "labs/class", "rows/lab"
_PUBLICATION_OF_ROW, _LAB_OF_PUBLICATION = "rows/publication", "publications/lab"
_VECTORS, _ARE_LEARNED = "classes/vector", "classes/learned"
_ARRAYS = (
    f"{_LAB_NAMES}/offsets",
    f"{_CLASS_NAMES}/offsets",
    _CLASS_OF_LAB,
    _LAB_OF_ROW,
    _PUBLICATION_OF_ROW,
    _LAB_OF_PUBLICATION,
    _VECTORS,
    _ARE_LEARNED,
)


def lab_arrays(segments: Sequence[LiveSegment]) -> Arrays:
    """The arrays of l labs, n rows, p publications and c classes of these segments, as if none of
    their labs were removed or renamed."""
    segments = [_as_stored(segment) for segment in segments]
    classes = ClassVectors.from_segments(segments, width=segments[0].stored.width)
    catalogue = Catalogue.from_segments(segments, classes.names)
    return {
        **string_arrays(_LAB_NAMES, catalogue.lab_names),
        **string_arrays(_CLASS_NAMES, classes.names),
        _CLASS_OF_LAB: catalogue.class_of_lab.astype(np.int32),
        _LAB_OF_ROW: catalogue.labs.astype(np.int32),
        _PUBLICATION_OF_ROW: catalogue.publication_of_row,
        _LAB_OF_PUBLICATION: catalogue.lab_of_publication.astype(np.int32),
        _VECTORS: classes.vectors,
        _ARE_LEARNED: classes.learned.astype(np.uint8),
    }


def _as_stored(segment: LiveSegment) -> LiveSegment:
    return segment.with_entry(replace(segment.entry, removed=(), renamed=()))


class JoinedLabs:
    """The labs and classes of the segments of a file, with so many rows. DamagedError, here or when
    an array is first read, when arrays do not fit together."""

    def __init__(self, file: ArrayFile, *, rows: int) -> None:
        self._file = file
        self._rows = rows

    @staticmethod
    def are_in(file: ArrayFile) -> bool:
        """Whether a file has them."""
        return any(name in file for name in _ARRAYS)

    @cached_property
    def classes(self) -> ClassVectors:
        """The classes of all segments."""
        names, vectors = self._file.strings(_CLASS_NAMES), self._file.array(_VECTORS)
        learned = self._file.array(_ARE_LEARNED)
        are_fit = vectors.dtype == np.float32 and learned.dtype == np.uint8
        if not are_fit or vectors.ndim != 2 or learned.shape != (len(names),):
            found = [(array.dtype, array.shape) for array in (vectors, learned)]
            raise self._damage(f"{_VECTORS} and {_ARE_LEARNED} are of the types and shapes {found}")
        if len(vectors) != len(names):
            raise self._damage("classes and their vectors differ in number")
        if not are_within_unit_length(cast("Vectors", vectors)):
            raise self._damage(f"{_VECTORS} holds numbers that no unit vector has")
        return ClassVectors(names, cast("Vectors", vectors), learned != 0)

    def classes_of_width(self, width: int) -> ClassVectors:
        """The same, of an index whose vectors are so wide."""
        if self.classes.vectors.shape[1] != width:
            raise self._damage(f"{_VECTORS} is not of width {width}")
        return self.classes

    def catalogue(self, segments: Sequence[LiveSegment], class_names: Sequence[str]) -> Catalogue:
        """The catalogue of the very segments that are joined."""
        names, classes = self._file.strings(_LAB_NAMES), self.classes.names
        lab_of_publication = self._codes(_LAB_OF_PUBLICATION, below=len(names))
        labs = self._codes(_LAB_OF_ROW, below=len(names), length=self._rows)
        class_of_lab = self._codes(_CLASS_OF_LAB, below=len(classes), length=len(names))
        publications = self._codes(
            _PUBLICATION_OF_ROW, below=len(lab_of_publication), length=self._rows
        )
        are_in_order = np.all(lab_of_publication[1:] >= lab_of_publication[:-1])
        if not are_in_order or not np.array_equal(lab_of_publication[publications], labs):
            raise self._damage(f"{_LAB_OF_PUBLICATION} does not say whose publications they are")
        if classes != tuple(class_names):
            raise self._damage(f"{_CLASS_NAMES} are not the classes of the index")
        return Catalogue(
            segments,
            first_rows(segments),
            labs.astype(np.int64),
            names,
            classes,
            class_of_lab.astype(np.int64),
            (lab_of_publication.astype(np.int64), publications),
        )

    def _codes(self, name: str, *, below: int, length: int | None = None) -> NDArray[np.int32]:
        """The codes of an array of this length, each from 0 to below a number."""
        codes = self._file.array(name)
        if codes.dtype != np.int32 or codes.ndim != 1 or length not in (None, len(codes)):
            raise self._damage(f"{name} is of type {codes.dtype} and shape {codes.shape}")
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < below:
            raise self._damage(f"{name} leaves the {below} that it counts into")
        return cast("NDArray[np.int32]", codes)

    def _damage(self, what: str) -> DamagedError:
        return cache_damage(self._file, what)


def cache_damage(file: ArrayFile, what: str) -> DamagedError:
    """The error to raise for a file of joined k-mers that is not what it says."""
    hint = "delete this file; it is a cache, and each segment is asked without it"
    return DamagedError(what, where=file.name, hint=hint)
