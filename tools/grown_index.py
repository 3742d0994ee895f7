"""An index and a number of copies in, an index of so many times as many plasmids and labs out.

    python tools/grown_index.py real.index grown.index --copies 4

A copy of a segment stands for other labs that use the same parts, 3 % of whose bases were
substituted since: its labs, publications and ids have names of their own, 1 - 0.97^21 of its
distinct k-mers are others, and its vectors lie some way from the originals. Nothing is embedded and
no k-mer is counted again, so a million plasmids take minutes. Answers cost what those of a real
index of that size would, but say nothing: bases are those of the originals, and the calibration is
that of the index.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.axes import Axes, stored_coordinates
from vecattr.files.arrays import ArrayFile, string_arrays, write_arrays
from vecattr.indexes.editing.publish import publish
from vecattr.indexes.editing.segment_sink import write_segment
from vecattr.indexes.joining.join_writer import join_kmers
from vecattr.indexes.storage.index_folder import segment_path
from vecattr.indexes.storage.kmer_schema import (
    FINE_KMERS,
    FIRST_FINE,
    KMERS,
    SKETCH_SCALED,
    KmerSample,
    bucket_starts,
)
from vecattr.indexes.storage.live_segment import open_segments
from vecattr.indexes.storage.lock import writing
from vecattr.indexes.storage.segment import (
    OLDEST_VERSION,
    SEGMENT_FORMAT,
    SEGMENT_VERSION,
)
from vecattr.indexes.storage.segment_schema import AXES, COORDINATES, id_hashes
from vecattr.indexes.storage.snapshot import open_present
from vecattr.plasmid import POOLED
from vecattr.sequences.kmers import Hashes
from vecattr.vectors import Vectors, unit_rows

#: The share of k-mers of 21 bases that substitutions of 3 % of the bases change.
CHANGED = 1 - 0.97**21
#: The length of the noise that is added to a unit vector.
NOISE = 0.8

Arrays = dict[str, NDArray[np.generic]]


def renamed(name: str, copy: int) -> str:
    """What a lab, a publication or a plasmid is called in a copy; names keep their order."""
    return name if name == POOLED else f"copy {copy:04d} of {name}"


class CopiedSegment:
    """A segment with other names, vectors and k-mers; as `write_segment` takes it."""

    def __init__(self, source: Path, copy: int) -> None:
        self._file = ArrayFile(
            source,
            format=SEGMENT_FORMAT,
            version=SEGMENT_VERSION,
            oldest=OLDEST_VERSION,
        )
        self._copy = copy
        self._rng = np.random.default_rng(copy)

    @cached_property
    def vectors(self) -> Vectors:
        """Unit rows (n, d), in the space of the originals where that is narrow."""
        stored = np.array(self._file.array("sequences/vector"), dtype=np.float64)
        if AXES not in self._file:
            return unit_rows(stored + self._noise(stored.shape))
        axes = self._file.array(AXES)
        return unit_rows(stored + self._noise((len(stored), len(axes))) @ axes)

    def _noise(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        noise: NDArray[np.float64] = self._rng.normal(size=shape) * NOISE / shape[1] ** 0.5
        return noise

    def to_bytes(self) -> bytes:
        """The segment file."""
        arrays = {name: self._file.array(name) for name in self._file.names}
        arrays |= self._names("sequences/lab", "sequences/lab_name")
        arrays |= self._names("sequences/label", "sequences/label_name")
        arrays |= self._names("sequences/group", "sequences/group_name")
        arrays |= self._ids() | self._parts(arrays) | self._kmers(arrays)
        arrays["sequences/vector"] = self.vectors
        if AXES in arrays:
            axes = cast("Axes", arrays[AXES])
            arrays[COORDINATES] = stored_coordinates(self.vectors, axes)
        return write_arrays(dict(sorted(arrays.items())), self._file.attributes)

    def _names(self, codes: str, names: str) -> Arrays:
        new_names = [renamed(name, self._copy) for name in self._file.strings(names)]
        order = sorted(range(len(new_names)), key=new_names.__getitem__)
        new_code = np.append(np.argsort(order), -1).astype(np.int32)  # -1 stays -1
        sorted_names = [new_names[place] for place in order]
        return {codes: new_code[self._file.array(codes)], **string_arrays(names, sorted_names)}

    def _ids(self) -> Arrays:
        ids = [renamed(name, self._copy) for name in self._file.strings("sequences/id")]
        hashes = id_hashes(ids)
        order = np.argsort(hashes, kind="stable")
        places = {"sequences/id_hash": hashes[order], "sequences/id_row": order.astype(np.int64)}
        return {**string_arrays("sequences/id", ids), **places}

    def _parts(self, arrays: Arrays) -> Arrays:
        names = [renamed(name, self._copy) for name in self._file.strings("labs/name")]
        order = sorted(range(len(names)), key=names.__getitem__)
        columns = {
            name: arrays[name][order] for name in ("labs/vector", "labs/weight", "labs/origin")
        }
        return {**string_arrays("labs/name", [names[place] for place in order]), **columns}

    def _kmers(self, arrays: Arrays) -> Arrays:
        """The k-mers with some hashes changed, in the order of the new ones."""
        order, kmers = self._changed(arrays, KMERS, first=0)
        place = np.empty(len(order), dtype=np.uint32)
        place[order] = np.arange(len(order), dtype=np.uint32)
        _, fine = self._changed(arrays, FINE_KMERS, first=int(FIRST_FINE))
        return {
            **kmers,
            "kmers/plasmids": arrays["kmers/plasmids"][order],
            "kmers/sketch/place": self._sketches(arrays, place),
            **fine,
        }

    def _changed(
        self, arrays: Arrays, sample: KmerSample, *, first: int
    ) -> tuple[NDArray[np.int64], Arrays]:
        """The order of the k-mers of one sample, whose hashes begin at `first`, after some have
        changed, and what both samples have of k-mers, in this order."""
        names = {column: sample.array_name(column) for column in sample.columns}
        hashes: Hashes = np.array(arrays[names["hash"]], dtype=np.uint64)
        changed = self._rng.random(len(hashes)) < CHANGED
        limit, stop = (1 << 64) // SKETCH_SCALED, (1 << 64) // sample.scaled
        are_sketched = hashes < np.uint64(limit)  # they stay in sketches, and others out of them
        for chosen, low, high in (
            (changed & are_sketched, 0, limit),
            (changed & ~are_sketched, max(first, limit), stop),
        ):
            size = int(chosen.sum())
            hashes[chosen] = self._rng.integers(low, high, size=size, dtype=np.uint64)
        order = np.argsort(hashes)
        assert names["posting/list"] in arrays, "an older index: build it again, then make copies"
        return order, {
            names["hash"]: hashes[order],
            names["labs"]: arrays[names["labs"]][order],
            names["bucket"]: bucket_starts(hashes[order], sample=sample),
            names["posting/list"]: arrays[names["posting/list"]][order],
        }

    def _sketches(self, arrays: Arrays, place: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Each sketch with the new places of its k-mers, ascending."""
        sizes = np.diff(np.asarray(arrays["kmers/sketch/offsets"]))
        pairs = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes) << np.uint64(32)
        pairs |= place[arrays["kmers/sketch/place"]].astype(np.uint64)
        pairs.sort()
        return pairs.astype(np.uint32)


def grow(source: Path, path: Path, *, copies: int) -> None:
    """Make the index at `path`, of the index at `source` and copies of its segments."""
    shutil.copytree(source, path)
    with writing(path) as folder:
        _, snapshot = open_present(path)
        manifest = snapshot.manifest
        entries = list(manifest.segments)
        for copy in range(1, copies):
            for entry in manifest.segments:
                copied = CopiedSegment(Path(str(segment_path(path, entry.name))), copy)
                entries.append(write_segment(folder.root, copied))  # type: ignore[arg-type]
        grown = replace(
            manifest,
            generation=manifest.generation + 1,
            segments=tuple(entries),
            plasmids=manifest.plasmids * copies,
            labs=_labs(path, manifest.model, entries),
        )
        join_kmers(folder.root, open_segments(folder.root, grown))
        publish(folder, grown, action="grow", details={"copies": copies})


def _labs(path: Path, model: str, entries: Sequence[object]) -> int:
    from vecattr.indexes.storage.live_segment import LiveSegment, class_sizes

    return len(class_sizes(LiveSegment.open(path, entry, model=model) for entry in entries))  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--copies", type=int, required=True)
    options = parser.parse_args()
    grow(options.source, options.index, copies=options.copies)


if __name__ == "__main__":
    main()
