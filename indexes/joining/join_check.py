"""Files of joined k-mers and the segments of an index in, what is wrong with them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import ArtifactError
from vecattr.files.arrays import ArrayFile
from vecattr.files.folder import Entry
from vecattr.indexes.joining.join_writer import Joining, fill, joinings_of
from vecattr.indexes.joining.joined_kmers import JoinedKmers
from vecattr.indexes.joining.joined_labs import lab_arrays
from vecattr.indexes.storage.index_folder import joined_path
from vecattr.indexes.storage.kmer_schema import (
    JOINED_FINE_KMERS,
    JOINED_KMERS,
    check_kmer_type,
)
from vecattr.indexes.storage.live_segment import LiveSegment


def join_faults(path: Entry, segments: Sequence[LiveSegment]) -> Iterator[tuple[Entry, str]]:
    """The damaged files of joined k-mers that belong to these segments of the index at `path`, or
    that do not hold what the segments do, and what is wrong with each."""
    for place, segment in enumerate(segments):
        file = joined_path(path, segment.entry.name)
        if not file.exists():
            continue
        try:
            for fault in _faults(JoinedKmers(file), segments[place:]):
                yield file, fault
        except ArtifactError as error:
            yield file, error.what


def _faults(joined: JoinedKmers, segments: Sequence[LiveSegment]) -> Iterator[str]:
    joined.file.check_all()
    if not joined.are_of(segments):
        return  # of an earlier generation; no query asks it
    for sample in (JOINED_KMERS, JOINED_FINE_KMERS):
        for column in sample.columns:
            check_kmer_type(joined.file, column, sample)
    comparison = _Comparison(joined.file)
    for joining in joinings_of(segments[: len(joined)]):
        fill(comparison, joining, _kmer_count(joined, joining))
    if joined.labs is not None:
        for name, array in lab_arrays(segments[: len(joined)]).items():
            comparison.append_whole(name, array)
    for name in comparison.differing():
        yield f"{name} is not what the segments give"


def _kmer_count(joined: JoinedKmers, joining: Joining) -> int:
    [length] = joined.file.shape(joining.sample.array_name("hash"))
    return length


class _Comparison:
    """Takes the numbers of arrays, as a writer does, and compares them with those of a file."""

    def __init__(self, file: ArrayFile) -> None:
        self._file = file
        self._compared: dict[str, int] = {}
        self._differing: set[str] = set()

    def append(self, name: str, numbers: NDArray[np.generic]) -> None:
        """The next numbers of an array (m, ...)."""
        start = self._compared.get(name, 0)
        self._compared[name] = stop = start + len(numbers)
        length = self._file.shape(name)[0]
        if stop > length or not np.array_equal(self._file.slice(name, start, stop), numbers):
            self._differing.add(name)

    def append_whole(self, name: str, array: NDArray[np.generic]) -> None:
        """All of an array, of the very type that it has."""
        if self._file.layout(name) == (array.dtype.str, array.shape):
            self.append(name, array)
        else:
            self._differing.add(name)

    def differing(self) -> list[str]:
        """The arrays that differ or go on, sorted."""
        longer = {
            name for name, stop in self._compared.items() if self._file.shape(name)[0] != stop
        }
        return sorted(self._differing | longer)
